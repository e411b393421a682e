//! `validate`: what the simulator predicts, beside what is published.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use pocketvision::edgetpu_sim::validation;

use crate::report::{self, Validation};
use crate::terminal;

/// Compare the simulated Edge TPU with published figures
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision validate
  pocketvision validate --markdown > table.md
  pocketvision validate --json

Rows that were used to choose a constant of a chip say so; all others are predictions. Rows that
are marked uncertain or mixed, and networks that are not modelled, count in no mean.")]
pub(crate) struct Validate {
    /// Write the tables of docs/simulator.md
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

impl Validate {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let progress = terminal::spinner("simulating what is published");
        let validated = validation::validate();
        progress.finish_and_clear();
        let validation = Validation::new(&validated?);
        if self.markdown {
            validation.write_markdown(out)?;
            return Ok(());
        }
        report::print(&validation, json, out)
    }
}
