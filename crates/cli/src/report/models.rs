//! `models list`: every model that a name leads to.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::table::{bytes, table, write_table};

/// All models.
#[derive(Debug, Serialize)]
pub(crate) struct Models {
    /// Folders that are searched, in this order.
    pub folders: Vec<String>,
    pub models: Vec<ModelReport>,
}

/// One model.
#[derive(Debug, Serialize)]
pub(crate) struct ModelReport {
    pub name: String,
    /// `trained` or `seeded`: whether its answers mean anything.
    pub weights: &'static str,
    /// The file; null if it is built in.
    pub file: Option<String>,
    pub file_bytes: Option<u64>,
    /// What is published: multiply-accumulates in millions.
    pub published_macs_millions: Option<f64>,
    /// What is published: ImageNet top-1 in percent.
    pub published_top1_percent: Option<f64>,
}

impl Report for Models {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(&["model", "weights", "size", "where"], &[2]);
        for model in &self.models {
            rows.add_row(vec![
                model.name.clone(),
                model.weights.to_owned(),
                model.file_bytes.map_or("-".into(), bytes),
                model.file.clone().unwrap_or_else(|| "built in".into()),
            ]);
        }
        write_table(&rows, out)?;
        writeln!(out, "\nfolders searched: {}", self.folders.join(", "))
    }
}
