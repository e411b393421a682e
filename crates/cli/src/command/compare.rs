//! `compare`: one picture through every backend.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use pocketvision::agreement::{Agreement, first_difference};
use pocketvision::vision::{Image, equal_pixels, matching_objects};
use pocketvision::{
    BACKEND_NAMES, Backend, Clock, CompileOptions, Keep, Model, Outputs, Task, Tensor,
};
use sha2::{Digest, Sha256};

use super::segment::shares;
use super::{run_clock, weights_name};
use crate::latency::{Latency, measure};
use crate::one_line;
use crate::options::{
    DeviceOptions, ModelOptions, TaskOption, open_image, warn_about_seeded_weights,
};
use crate::report::{
    self, Answer, AnswerAgreement, BackendReport, Comparison, FirstDifferenceReport,
    MILLIJOULES_PER_PICOJOULE, Measured, top_classes,
};

/// Run one picture through every backend and compare answers, latency and energy
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision compare
  pocketvision compare parrot.jpg --model mobilenet_edgetpu_224_1.0_uint8
  pocketvision compare parrot.jpg --backends cpu,gpu --runs 50 --layers
  pocketvision compare --precision f32 --backends cpu,gpu --json
  pocketvision compare pets.jpg --task detect

Of a detector, agreement is how many boxes match: of one class, sharing 0.95 of their area,
with scores at most 0.02 apart. Of a segmentation it is how many pixels have the same class.

The reference is always run, once: it is slow, exact, and what the others are compared with.
A backend that this machine lacks is a row that says why, unless --backends names it; then
the command fails after the table.")]
pub(crate) struct Compare {
    /// Picture: JPEG, PNG or BMP [default: one of our own]
    image: Option<PathBuf>,
    #[command(flatten)]
    model: ModelOptions,
    /// Compare the default model of this task [default: classify, or the task of --model]
    #[arg(long, value_enum, conflicts_with = "model")]
    task: Option<TaskOption>,
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
    #[command(flatten)]
    device: DeviceOptions,
}

/// The reference's run.
struct Yardstick {
    report: BackendReport,
    outputs: Option<Outputs>,
}

/// What every backend is given.
struct Subject<'a> {
    model: &'a Model,
    picture: &'a Image,
    input: Tensor,
}

impl Compare {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let names = self.backend_names()?;
        let model = match self.task {
            Some(task) => self.model.open_for(task.task())?,
            None => self.model.open_for(Task::Classify)?,
        };
        let (image_name, picture) = open_image(self.image.as_deref())?;
        let input = model.preprocess(&picture)?;
        let subject = Subject { model: &model, picture: &picture, input };

        let reference = self.yardstick(&subject);
        let mut backends = vec![reference.report];
        for name in names.iter().filter(|name| *name != "reference") {
            let found = self
                .device
                .backend(name)
                .and_then(|backend| self.measure(&*backend, &subject, &reference.outputs));
            backends.push(row(name, found.map(|(found, _)| found)));
        }
        warn_about_seeded_weights(&model);
        let failure = self.failure(&backends);
        let comparison = Comparison {
            weights: weights_name(&model),
            task: model.task().map(Task::name),
            model: model.name().to_owned(),
            image: image_name,
            backends,
        };
        report::print(&comparison, json, out)?;
        out.flush()?;
        failure
    }

    /// The backends to compare, each once; unknown names are refused before any work.
    fn backend_names(&self) -> Result<Vec<String>> {
        let Some(named) = &self.backends else {
            return Ok(BACKEND_NAMES.iter().map(ToString::to_string).collect());
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

    fn yardstick(&self, subject: &Subject<'_>) -> Yardstick {
        let found = self
            .device
            .backend("reference")
            .and_then(|backend| self.measure(&*backend, subject, &None));
        let (found, outputs) = match found {
            Ok((found, outputs)) => (Ok(found), Some(outputs)),
            Err(error) => (Err(error), None),
        };
        Yardstick { report: row("reference", found), outputs }
    }

    /// Everything about one backend. The reference is what the others are compared with, so
    /// it is compared with itself.
    fn measure(
        &self,
        backend: &dyn Backend,
        subject: &Subject<'_>,
        reference: &Option<Outputs>,
    ) -> Result<(Measured, Outputs)> {
        let Subject { model, input, .. } = subject;
        let inputs = std::slice::from_ref(input);
        let device = backend.device();
        let is_reference = backend.name() == "reference";
        let mut plan = backend.compile(model.graph(), &CompileOptions::default())?;
        let (outputs, latency, energy_pj) = if device.clock == Clock::Simulated {
            let profile = plan.profile(inputs)?;
            (plan.run(inputs)?, Latency::simulated(profile.latency_ms), profile.energy_pj)
        } else {
            let (warm_up, runs) = if is_reference { (0, 1) } else { (2, self.runs as usize) };
            let (outputs, latency) = measure(&mut *plan, inputs, warm_up, runs)?;
            (outputs, latency, None)
        };
        let expected = if is_reference { Some(&outputs) } else { reference.as_ref() };
        let agreement = expected.map(|expected| Agreement::of_outputs(&outputs, expected).into());
        let first_difference = match self.layers && !is_reference {
            true => Some(first_difference_of(backend, model, inputs)?),
            false => None,
        };
        let found = Measured {
            device: device.name,
            clock: run_clock(device.clock),
            latency,
            energy_mj: energy_pj.map(|pj| pj * MILLIJOULES_PER_PICOJOULE),
            answer: subject.answer(&outputs)?,
            agreement,
            answer_agreement: match expected {
                Some(expected) => subject.answer_agreement(&outputs, expected)?,
                None => None,
            },
            output_sha256: sha256(&outputs),
            first_difference,
        };
        Ok((found, outputs))
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

impl Subject<'_> {
    /// What a run's outputs say about the picture.
    fn answer(&self, outputs: &Outputs) -> Result<Answer> {
        let model = self.model;
        Ok(match model.task() {
            Some(Task::Detect) => {
                let objects = model.detections(outputs, self.picture, SHOWN_SCORE);
                Answer::Objects { objects: objects.into_iter().map(Into::into).collect() }
            }
            Some(Task::Segment) => {
                Answer::Shares { classes: shares(model, &model.class_map(outputs)?) }
            }
            Some(Task::Classify) | None => {
                Answer::Top { top: top_classes(model.top_k(outputs, TOP)) }
            }
        })
    }

    /// How much of what two runs say is the same, where an answer has many parts.
    fn answer_agreement(
        &self,
        outputs: &Outputs,
        expected: &Outputs,
    ) -> Result<Option<AnswerAgreement>> {
        let model = self.model;
        Ok(match model.task() {
            Some(Task::Detect) => {
                let [found, expected] =
                    [outputs, expected].map(|run| model.detections(run, self.picture, 0.0));
                Some(AnswerAgreement {
                    matching: matching_objects(&found, &expected),
                    of: found.len().max(expected.len()),
                })
            }
            Some(Task::Segment) => {
                let (found, expected) = (model.class_map(outputs)?, model.class_map(expected)?);
                let of = expected.classes().len();
                Some(AnswerAgreement { matching: equal_pixels(&found, &expected), of })
            }
            Some(Task::Classify) | None => None,
        })
    }
}

fn row(backend: &str, found: Result<Measured>) -> BackendReport {
    let backend = backend.to_owned();
    match found {
        Ok(found) => BackendReport { backend, measured: Some(found), error: None },
        Err(error) => BackendReport { backend, measured: None, error: Some(one_line(&error)) },
    }
}

fn first_difference_of(
    backend: &dyn Backend,
    model: &Model,
    inputs: &[Tensor],
) -> Result<Option<FirstDifferenceReport>> {
    let graph = model.graph();
    let mut plan = backend.compile(graph, &CompileOptions { keep: Keep::EveryNode })?;
    let nodes = plan.run(inputs)?;
    let first = first_difference(graph, &nodes)?;
    Ok(first.map(|first| FirstDifferenceReport {
        index: first.node.index(),
        node: graph.node(first.node).name.clone(),
        op: graph.node(first.node).op.name(),
        agreement: first.agreement.into(),
        values_beyond_tolerance: first.values_beyond_tolerance,
    }))
}

fn sha256(outputs: &Outputs) -> String {
    let mut hash = Sha256::new();
    outputs.iter().for_each(|(_, tensor)| hash.update(tensor.bytes()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Classes reported of each backend.
const TOP: usize = 5;

/// Score from which an object is reported.
const SHOWN_SCORE: f32 = 0.5;
