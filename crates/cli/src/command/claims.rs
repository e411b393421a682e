//! `claims`: the announcement of 2019, tested.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::claims::{Evidence, figures, judge};
use crate::output_file;
use crate::report::{self, ClaimsReport};

/// Test the claims that MobileNetV3 and MobileNetEdgeTPU were announced with
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision claims
  pocketvision claims --runs 50 --documentation docs
  pocketvision claims --json

Processor times are of float networks on one thread of this machine. Everything about the Edge TPU
is simulated.")]
pub(crate) struct Claims {
    /// Timed runs of each network on the processor
    #[arg(long, value_name = "N", default_value_t = 15)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
    /// Write claims.md and its figures into a folder
    #[arg(long, value_name = "FOLDER")]
    documentation: Option<PathBuf>,
}

impl Claims {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let evidence = Evidence::gather(self.runs as usize)?;
        let report = ClaimsReport::new(judge(&evidence)?, &evidence);
        if let Some(folder) = &self.documentation {
            let pictures = folder.join("figures");
            output_file::make_folder(&pictures)?;
            for (name, plot) in figures(&evidence) {
                plot.write(&pictures.join(format!("claims-{name}.svg")))?;
            }
            output_file::write(&folder.join("claims.md"), report.to_markdown())?;
        }
        report::print(&report, json, out)
    }
}
