//! `man`: this command's manual.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::CommandLine;
use crate::output_file;

/// Write the manual, a page for each command
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision man ~/.local/share/man/man1
  man pocketvision-compare")]
pub(crate) struct Manual {
    /// Folder to write to; made if it does not exist
    folder: PathBuf,
}

impl Manual {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<()> {
        output_file::make_folder(&self.folder)?;
        let mut command = CommandLine::command().disable_help_subcommand(true);
        command.build();
        let mut pages = Vec::new();
        render(&command, &mut pages)?;
        for (name, page) in pages {
            let file = self.folder.join(name);
            output_file::write(&file, page)?;
            writeln!(out, "{}", file.display())?;
        }
        Ok(())
    }
}

/// The page of a command and those of its subcommands, with their files' names.
fn render(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(text) = command.get_after_help() {
        examples(&text.to_string()).to_writer(&mut page)?;
    }
    pages.push((man.get_filename(), page));
    command.get_subcommands().try_for_each(|command| render(command, pages))
}

/// What `--help` ends in: examples, line by line, then paragraphs.
fn examples(text: &str) -> Roff {
    let mut page = Roff::new();
    let mut paragraphs = text.split("\n\n");
    if let Some(lines) = paragraphs.next().and_then(|first| first.strip_prefix("Examples:\n")) {
        page.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in lines.lines() {
            page.text([roman(line.trim_start())]);
        }
        page.control("fi", []);
    }
    for (index, paragraph) in paragraphs.enumerate() {
        match index {
            0 => page.control("SH", ["NOTES"]),
            _ => page.control("PP", []),
        };
        page.text([roman(paragraph)]);
    }
    page
}
