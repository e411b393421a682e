//! `compare`: one picture through every backend.

mod contest;
mod many;
mod pictures;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use pocketvision::{BACKEND_NAMES, Task};

use self::contest::{Contest, Subject};
use crate::options::{
    DeviceOptions, ModelOptions, TaskOption, open_image, warn_about_seeded_weights,
};
use crate::output_file;
use crate::report::{self, BackendReport, Page};
use crate::terminal;

/// Run one picture through every backend and compare answers, latency and energy
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision compare
  pocketvision compare parrot.jpg --model mobilenet_edgetpu_224_1.0_uint8
  pocketvision compare parrot.jpg --html parrot.html
  pocketvision compare parrot.jpg --backends cpu,gpu --runs 50 --layers
  pocketvision compare --precision f32 --backends cpu,gpu --json
  pocketvision compare pets.jpg --task detect
  pocketvision compare --models mobilenet-v2-1.0,mobilenet-edgetpu-1.0 --plot front.svg

Of a detector, agreement is how many boxes match: of one class, sharing 0.95 of their area,
with scores at most 0.02 apart. Of a segmentation it is how many pixels have the same class.

The reference is always run, once: it is slow, exact, and what the others are compared with.
A backend that this machine lacks is a row that says why, unless --backends names it; then
the command fails after the table.

The page of --html is one file that needs nothing else: send it to somebody. Its figures are
those of the table; for what each layer costs, every backend runs once more.

With --models there is a row a model. The plot shows latency and top-1 of each, filled where no
other model is at least as fast and as accurate on that backend, and better in one. Top-1 is what
is published of built-in networks, and what --top1 states of files.")]
pub(crate) struct Compare {
    /// Picture: JPEG, PNG or BMP [default: one of our own]
    image: Option<PathBuf>,
    /// Compare the default model of this task [default: classify, or the task of --model]
    #[arg(long, value_enum, conflicts_with = "model")]
    task: Option<TaskOption>,
    /// Compare many models, separated by commas
    #[arg(long, value_name = "M,M", value_delimiter = ',', conflicts_with_all = ["model", "task"])]
    models: Option<Vec<String>>,
    /// Backends, separated by commas [default: cpu,gpu,edgetpu-sim]
    #[arg(long, value_name = "B,B", value_delimiter = ',')]
    backends: Option<Vec<String>>,
    /// Timed runs of each backend
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    runs: u32,
    /// Find the first layer of each backend that is not within tolerance
    #[arg(long)]
    layers: bool,
    /// Also write all of it as one page for a browser
    #[arg(long, value_name = "FILE.html", conflicts_with = "models")]
    html: Option<PathBuf>,
    #[command(flatten)]
    many: many::ManyOptions,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Compare {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let names = self.backend_names()?;
        if let Some(models) = &self.models {
            return self.run_many(models, &names, json, out);
        }
        let model = self.model.open_for(self.task.map_or(Task::Classify, TaskOption::task))?;
        let (image, picture) = open_image(self.image.as_deref())?;
        let subject = Subject::new(&model, &picture)?;

        let contest = self.contest(&names, self.html.is_some());
        let progress = terminal::progress(contest.steps(), "");
        let outcome = contest.run(&subject, &image, &progress);
        progress.finish_and_clear();
        warn_about_seeded_weights(&model);
        if let Some(path) = &self.html {
            let pictures = pictures::drawn(&subject, &outcome)?;
            let top1 = self.model.choices.published_top1(&model);
            let page = Page::new(&model, top1, &outcome.comparison, &pictures)?;
            output_file::write(path, page.html()?)?;
        }
        report::print(&outcome.comparison, json, out)?;
        out.flush()?;
        self.failure(&outcome.comparison.backends)
    }

    fn contest<'a>(&'a self, names: &'a [String], costs: bool) -> Contest<'a> {
        Contest::new(&self.device, names, self.runs as usize, self.layers, costs)
    }

    /// The backends to compare, each once; unknown names are refused before any work.
    fn backend_names(&self) -> Result<Vec<String>> {
        let Some(named) = &self.backends else {
            let all = BACKEND_NAMES.iter().filter(|name| **name != "reference");
            return Ok(all.map(ToString::to_string).collect());
        };
        let mut names: Vec<String> = Vec::new();
        for name in named.iter().map(|name| name.trim()) {
            if !BACKEND_NAMES.contains(&name) {
                // Opening it gives the error with the nearest names.
                self.device.backend(name)?;
            }
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// The command's result: a backend that was asked for by name must not have failed.
    fn failure(&self, backends: &[BackendReport]) -> Result<()> {
        let asked_for = |row: &&BackendReport| {
            row.backend == "reference"
                || self.backends.iter().flatten().any(|name| name.trim() == row.backend)
        };
        let failed = backends.iter().filter(asked_for).find_map(|row| row.error.as_ref());
        if let Some(error) = failed {
            bail!("{error}");
        }
        if backends.iter().skip(1).all(|row| row.error.is_some()) && backends.len() > 1 {
            bail!("every backend failed; see the table");
        }
        Ok(())
    }
}
