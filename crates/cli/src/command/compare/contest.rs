//! One picture through one network on every backend.

use std::slice;

use anyhow::Result;
use indicatif::ProgressBar;
use pocketvision::agreement::{Agreement, first_difference};
use pocketvision::edgetpu_sim::{self, Estimate};
use pocketvision::vision::{Image, equal_pixels, matching_objects};
use pocketvision::{
    Backend, Clock, CompileOptions, DeviceInfo, Keep, Model, Outputs, Plan, ProcessorPeak, Task,
    Tensor, processor_peak,
};
use sha2::{Digest, Sha256};

use crate::command::segment::shares;
use crate::command::{run_clock, weights_name};
use crate::latency::{Latency, measure};
use crate::one_line;
use crate::options::DeviceOptions;
use crate::report::{
    Answer, AnswerAgreement, BackendReport, Comparison, FirstDifferenceReport,
    MILLIJOULES_PER_PICOJOULE, Measured, ProfileReport, Roof, Roofline, top_classes,
};

/// How backends are compared.
pub(super) struct Contest<'a> {
    device: &'a DeviceOptions,
    /// Names of backends. The reference always runs, whether or not it is one of them.
    names: &'a [String],
    /// Timed runs of each.
    runs: usize,
    /// Find the first layer that is not within tolerance.
    layers: bool,
    /// Find out what each layer costs, and what the processor could do at most.
    costs: bool,
    processor: Option<ProcessorPeak>,
}

/// What every backend is given.
pub(super) struct Subject<'a> {
    pub(super) model: &'a Model,
    pub(super) picture: &'a Image,
    input: Tensor,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) comparison: Comparison,
    /// Of each backend of the comparison; `None` if it failed.
    pub(super) outputs: Vec<Option<Outputs>>,
}

impl<'a> Contest<'a> {
    pub(super) fn new(
        device: &'a DeviceOptions,
        names: &'a [String],
        runs: usize,
        layers: bool,
        costs: bool,
    ) -> Self {
        let with_processor = costs && names.iter().any(|name| name == "cpu");
        // Without a processor to measure, its own row says what is wrong.
        let processor = with_processor.then(|| processor_peak(&device.options()).ok()).flatten();
        Self { device, names, runs, layers, costs, processor }
    }

    /// Steps of progress for each network.
    pub(super) fn steps(&self) -> usize {
        1 + self.others().count()
    }

    /// Every backend but the reference.
    fn others(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).filter(|name| *name != "reference")
    }

    /// Runs every backend. The reference is first, since the others are compared with it.
    pub(super) fn run(
        &self,
        subject: &Subject<'_>,
        image: &str,
        progress: &ProgressBar,
    ) -> Outcome {
        let model = subject.model;
        let mut backends = Vec::new();
        let mut outputs: Vec<Option<Outputs>> = Vec::new();
        for name in std::iter::once("reference").chain(self.others()) {
            progress.set_message(format!("{} on {name}", model.name()));
            let expected = outputs.first().and_then(Option::as_ref);
            let found = self
                .device
                .backend(name)
                .and_then(|backend| self.measure(&*backend, subject, expected));
            let (report, found) = match found {
                Ok((measured, outputs)) => ((Some(measured), None), Some(outputs)),
                Err(error) => ((None, Some(one_line(&error))), None),
            };
            let (measured, error) = report;
            backends.push(BackendReport { backend: name.to_owned(), measured, error });
            outputs.push(found);
            progress.inc(1);
        }
        let comparison = Comparison {
            model: model.name().to_owned(),
            weights: weights_name(model),
            task: model.task().map(Task::name),
            image: image.to_owned(),
            backends,
        };
        Outcome { comparison, outputs }
    }

    /// Everything about one backend. The reference is what the others are compared with, so
    /// it is compared with itself.
    fn measure(
        &self,
        backend: &dyn Backend,
        subject: &Subject<'_>,
        reference: Option<&Outputs>,
    ) -> Result<(Measured, Outputs)> {
        let Subject { model, input, .. } = subject;
        let inputs = slice::from_ref(input);
        let device = backend.device();
        let is_reference = backend.name() == "reference";
        let mut plan = backend.compile(model.graph(), &CompileOptions::default())?;
        let (outputs, latency, energy_pj) = if device.clock == Clock::Simulated {
            let profile = plan.profile(inputs)?;
            (plan.run(inputs)?, Latency::simulated(profile.latency_ms), profile.energy_pj)
        } else {
            let (warm_up, runs) = if is_reference { (0, 1) } else { (2, self.runs) };
            let timed = measure(&mut *plan, inputs, warm_up, runs)?;
            let latency = timed.latency();
            (timed.outputs, latency, None)
        };
        let expected = if is_reference { Some(&outputs) } else { reference };
        let agreement = expected.map(|expected| Agreement::of_outputs(&outputs, expected).into());
        let first_difference = match self.layers && !is_reference {
            true => Some(first_difference_of(backend, model, inputs)?),
            false => None,
        };
        let (profile, roofline) = match self.costs {
            true => {
                let (profile, roofline) = self.costs(&device, &mut *plan, subject)?;
                (Some(profile), Some(roofline))
            }
            false => (None, None),
        };
        let found = Measured {
            device_details: device.details.iter().cloned().collect(),
            device: device.name,
            clock: run_clock(device.clock),
            latency,
            energy_mj: energy_pj.map(|pj| pj * MILLIJOULES_PER_PICOJOULE),
            memory: plan.memory().into(),
            answer: subject.answer(&outputs)?,
            agreement,
            answer_agreement: match expected {
                Some(expected) => subject.answer_agreement(&outputs, expected)?,
                None => None,
            },
            output_sha256: sha256(&outputs),
            first_difference,
            profile,
            roofline,
        };
        Ok((found, outputs))
    }

    /// What each layer costs, in one more run.
    fn costs(
        &self,
        device: &DeviceInfo,
        plan: &mut dyn Plan,
        subject: &Subject<'_>,
    ) -> Result<(ProfileReport, Roofline)> {
        let Subject { model, input, .. } = subject;
        if device.backend == edgetpu_sim::NAME {
            let chip = self.device.chip()?;
            let estimate = Estimate::new(model.graph(), &chip)?;
            let report =
                ProfileReport::of_estimate(model, device.to_string(), &estimate, &chip, None);
            return Ok((report, Roofline::of_estimate(model, &estimate, &chip)));
        }
        let profile = plan.profile(slice::from_ref(input))?;
        let roof = match (&self.processor, device.backend) {
            (Some(peak), "cpu") => Some(Roof::of_processor(peak, model)),
            _ => None,
        };
        let report = ProfileReport::new(model, device.to_string(), &profile);
        Ok((report, Roofline::of_profile(&profile, roof)))
    }
}

impl<'a> Subject<'a> {
    pub(super) fn new(model: &'a Model, picture: &'a Image) -> Result<Self> {
        Ok(Self { model, picture, input: model.preprocess(picture)? })
    }

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
pub(super) const SHOWN_SCORE: f32 = 0.5;
