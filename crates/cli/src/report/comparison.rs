//! `compare`: one picture, one model, every backend.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::Style;
use pocketvision::agreement::Agreement;
use serde::Serialize;

use super::Report;
use super::detection::DetectedObjectReport;
use super::inspection::MemoryReport;
use super::profile::ProfileReport;
use super::roofline::Roofline;
use super::segmentation::ClassShare;
use super::table::{milliseconds, percent, short_name, table, write_styled_table};
use super::top::TopClass;
use crate::latency::Latency;
use crate::terminal::{BAD, FAIR, GOOD};

/// All backends on one picture.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub model: String,
    /// `trained` or `seeded`: whether the answers mean anything.
    pub weights: &'static str,
    /// `classify`, `detect` or `segment`; null if the outputs are none of these.
    pub task: Option<&'static str>,
    pub image: String,
    /// The reference first, since the others are compared with it.
    pub backends: Vec<BackendReport>,
}

/// One backend.
#[derive(Debug, Serialize)]
pub(crate) struct BackendReport {
    pub backend: String,
    /// What was found; absent if the backend failed.
    #[serde(flatten)]
    pub measured: Option<Measured>,
    /// Why the backend failed; null if it did not.
    pub error: Option<String>,
}

/// What was found on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub device: String,
    /// What decides the device's speed.
    pub device_details: BTreeMap<&'static str, String>,
    /// Whether the latency was `measured` or `simulated`.
    pub clock: &'static str,
    #[serde(flatten)]
    pub latency: Latency,
    /// Modelled energy of one inference; null where there is no model.
    pub energy_mj: Option<f64>,
    /// Memory that the compiled network holds, of the host where the device is simulated.
    pub memory: MemoryReport,
    #[serde(flatten)]
    pub answer: Answer,
    /// Of the outputs' numbers, against the reference; null if that could not run.
    pub agreement: Option<AgreementReport>,
    /// Of a detector's boxes or a segmentation's pixels, against the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_agreement: Option<AnswerAgreement>,
    /// SHA-256 of the bytes of all outputs.
    pub output_sha256: String,
    /// With `--layers`: the first node that is not within tolerance, or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_difference: Option<Option<FirstDifferenceReport>>,
    /// With `--html`: what each layer costs, in a run of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileReport>,
    /// With `--html`: the layers under the device's roof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roofline: Option<Roofline>,
}

/// What a network says about the picture.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// The best classes, best first.
    Top { top: Vec<TopClass> },
    /// Objects that score at least 0.5, best first.
    Objects { objects: Vec<DetectedObjectReport> },
    /// Classes of pixels, largest first.
    Shares { classes: Vec<ClassShare> },
}

impl Answer {
    /// The part that matters most, in a few words.
    pub(super) fn summary(&self) -> Option<String> {
        match self {
            Self::Top { top } => top.first().map(ToString::to_string),
            Self::Objects { objects } => {
                let best = objects.first()?;
                let others = match objects.len() - 1 {
                    0 => String::new(),
                    others => format!(" (+{others})"),
                };
                Some(format!("{} {:.3}{others}", best.name(), best.score))
            }
            Self::Shares { classes } => {
                let largest = classes.first()?;
                Some(format!("{} {}", largest.name(), percent(largest.share)))
            }
        }
    }
}

/// How many boxes match, or how many pixels are equal.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct AnswerAgreement {
    pub matching: usize,
    pub of: usize,
}

/// How far the outputs are from the reference's.
#[derive(Debug, Serialize)]
pub(crate) struct AgreementReport {
    pub identical: bool,
    /// In steps for integers, as they are for floats; null if not finite.
    pub max_abs_difference: f64,
    pub differing_values: usize,
    pub values: usize,
}

impl From<Agreement> for AgreementReport {
    fn from(agreement: Agreement) -> Self {
        let Agreement { identical, max_abs_difference, differing_values, values } = agreement;
        Self { identical, max_abs_difference, differing_values, values }
    }
}

/// The first node that a backend did not compute within tolerance.
#[derive(Debug, Serialize)]
pub(crate) struct FirstDifferenceReport {
    pub index: usize,
    pub node: String,
    pub op: &'static str,
    /// Against what the reference makes of the same inputs.
    #[serde(flatten)]
    pub agreement: AgreementReport,
    pub values_beyond_tolerance: usize,
}

impl Report for Comparison {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} on {}\n", self.model, self.image)?;
        let header = [
            "backend",
            "device",
            "clock",
            "median ms",
            "spread",
            "runs",
            "energy mJ",
            match self.task {
                Some("detect") => "best object",
                Some("segment") => "largest class",
                _ => "top-1",
            },
            "agreement",
        ];
        let mut rows = table(&header, &[3, 4, 5, 6]);
        for row in &self.backends {
            let Some(found) = &row.measured else {
                let dash = || "-".to_owned();
                let mut cells = vec![row.backend.clone()];
                cells.extend(std::iter::repeat_with(dash).take(header.len() - 2));
                cells.push("failed".into());
                rows.add_row(cells);
                continue;
            };
            rows.add_row(vec![
                row.backend.clone(),
                found.device.clone(),
                found.clock.to_owned(),
                milliseconds(found.latency.median_ms),
                if found.latency.runs > 1 { percent(found.latency.spread) } else { "-".into() },
                found.latency.runs.to_string(),
                found.energy_mj.map_or("-".into(), |mj| format!("{mj:.2}")),
                found.answer.summary().unwrap_or_else(|| "-".into()),
                self.describe(&row.backend, found),
            ]);
        }
        write_styled_table(&rows, |row| self.style(&self.backends[row]), out)?;
        self.write_notes(out)
    }
}

impl Comparison {
    /// How a backend's agreement is shown.
    fn style(&self, row: &BackendReport) -> Option<Style> {
        match &row.measured {
            None => Some(BAD),
            Some(_) if row.backend == "reference" => None,
            Some(found) => found.agreement.as_ref().map(|a| if a.identical { GOOD } else { FAIR }),
        }
    }

    /// How far a backend's outputs are from the reference's, in a few words.
    pub(super) fn describe(&self, backend: &str, found: &Measured) -> String {
        let Some(agreement) = &found.agreement else { return "-".into() };
        if backend == "reference" {
            return "is the yardstick".into();
        }
        if agreement.identical {
            return "identical".into();
        }
        match (self.task, &found.answer_agreement) {
            (Some("detect"), Some(AnswerAgreement { matching, of })) => {
                format!("{matching} of {of} boxes match")
            }
            (Some("segment"), Some(AnswerAgreement { matching, of })) => {
                let share = 100.0 * *matching as f64 / (*of).max(1) as f64;
                format!("{share:.3} % of pixels are equal")
            }
            _ => difference(agreement),
        }
    }

    fn write_notes(&self, out: &mut dyn Write) -> io::Result<()> {
        let found = || self.backends.iter().filter_map(|row| row.measured.as_ref());
        let mut notes = Vec::new();
        for row in &self.backends {
            if let Some(first) = row.measured.as_ref().and_then(|m| m.first_difference.as_ref()) {
                notes.push(match first {
                    None => format!("{}: every layer is within tolerance", row.backend),
                    Some(first) => format!(
                        "{}: first beyond tolerance at layer {} '{}' ({}): {}, {} of them too far",
                        row.backend,
                        first.index,
                        short_name(&first.node),
                        first.op,
                        difference(&first.agreement),
                        first.values_beyond_tolerance,
                    ),
                });
            }
            notes.extend(row.error.as_ref().map(|error| match error.starts_with(&row.backend) {
                true => error.clone(),
                false => format!("{}: {error}", row.backend),
            }));
        }
        if found().any(|row| row.clock == "simulated") {
            notes.push("simulated: a model's prediction for that chip; nothing was timed".into());
        }
        if found().any(|row| row.latency.runs > 1) {
            notes.push("spread: (95th percentile - fastest) / median over the runs".into());
        }
        if !notes.is_empty() {
            writeln!(out)?;
        }
        notes.iter().try_for_each(|note| writeln!(out, "{note}"))
    }
}

/// How far outputs are apart that are not identical.
pub(super) fn difference(agreement: &AgreementReport) -> String {
    let AgreementReport { differing_values, values, .. } = agreement;
    let most = largest_difference(agreement);
    format!("differs by up to {most} in {differing_values} of {values} values")
}

/// Steps of integers, floats as they are.
pub(super) fn largest_difference(agreement: &AgreementReport) -> String {
    let most = agreement.max_abs_difference;
    if most >= 1.0 || most == 0.0 { format!("{most:.0}") } else { format!("{most:.1e}") }
}
