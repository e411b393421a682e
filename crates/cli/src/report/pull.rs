//! `models pull`: what can be had, and what was.

use std::io::{self, Write};

use pocketvision_download::{PublishedFile, Task};
use serde::Serialize;

use super::Report;
use super::table::{bytes, table, write_table};

/// What can be pulled.
#[derive(Debug, Serialize)]
pub(crate) struct Published {
    pub files: Vec<PublishedReport>,
}

/// A published file.
#[derive(Debug, Serialize)]
pub(crate) struct PublishedReport {
    pub name: &'static str,
    /// What `--model` calls it.
    #[serde(skip)]
    stem: &'static str,
    pub what: &'static str,
    /// `classify`, `detect`, `segment` or `labels`.
    pub task: &'static str,
    pub url: &'static str,
    /// Null if the file was never at hand, so that nothing but its length is checked.
    pub bytes: Option<u64>,
    pub sha256: Option<&'static str>,
    pub licence: &'static str,
    pub source: &'static str,
    pub accuracy: Option<&'static str>,
    pub accuracy_source: Option<&'static str>,
    /// Files that come along.
    pub needs: &'static [String],
    /// Where it is on this machine; null if it is not.
    pub here: Option<String>,
}

impl PublishedReport {
    pub(crate) fn new(file: &'static PublishedFile, here: Option<String>) -> Self {
        Self {
            name: &file.name,
            stem: file.stem(),
            what: &file.what,
            task: file.task.name(),
            url: &file.url,
            bytes: file.bytes,
            sha256: file.sha256.as_deref(),
            licence: &file.licence,
            source: &file.source,
            accuracy: file.accuracy.as_deref(),
            accuracy_source: file.accuracy_source.as_deref(),
            needs: &file.needs,
            here,
        }
    }
}

impl Report for Published {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(&["network", "size", "for", "published", "licence", "here"], &[1]);
        for file in self.files.iter().filter(|file| file.task != Task::Labels.name()) {
            rows.add_row(vec![
                file.stem.to_owned(),
                file.bytes.map_or("not checked".into(), bytes),
                file.task.to_owned(),
                file.accuracy.unwrap_or("-").to_owned(),
                file.licence.to_owned(),
                if file.here.is_some() { "yes" } else { "-" }.to_owned(),
            ]);
        }
        write_table(&rows, out)?;
        writeln!(
            out,
            "\nnot checked: neither size nor SHA-256 is known\n--json has addresses, checksums and sources"
        )
    }
}

/// What was pulled.
#[derive(Debug, Serialize)]
pub(crate) struct PulledFiles {
    pub folder: String,
    pub files: Vec<PulledFile>,
}

/// One file.
#[derive(Debug, Serialize)]
pub(crate) struct PulledFile {
    pub name: String,
    pub file: String,
    pub bytes: u64,
    /// True if it was there before.
    pub was_here: bool,
    /// Bytes that an earlier pull had left.
    pub resumed_from: u64,
    /// True if its SHA-256 is the published file's; false if that is not known.
    pub checked: bool,
}

impl Report for PulledFiles {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for file in &self.files {
            let how = if file.was_here { ", was here" } else { "" };
            let checked = if file.checked { "SHA-256 agrees" } else { "not checked" };
            writeln!(out, "{}  {}, {checked}{how}", file.file, bytes(file.bytes))?;
        }
        Ok(())
    }
}
