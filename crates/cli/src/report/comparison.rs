//! `compare`: one picture, one model, every backend.

use std::io::{self, Write};

use pocketvision::agreement::Agreement;
use serde::Serialize;

use super::Report;
use super::table::{milliseconds, percent, short_name, table, write_table};
use super::top::TopClass;
use crate::latency::Latency;

/// All backends on one picture.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub model: String,
    /// `trained` or `seeded`: whether the answers mean anything.
    pub weights: &'static str,
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
    /// Whether the latency was `measured` or `simulated`.
    pub clock: &'static str,
    #[serde(flatten)]
    pub latency: Latency,
    /// Modelled energy of one inference; null where there is no model.
    pub energy_mj: Option<f64>,
    pub top: Vec<TopClass>,
    /// Against the reference; null if that could not run.
    pub agreement: Option<AgreementReport>,
    /// SHA-256 of the bytes of all outputs.
    pub output_sha256: String,
    /// With `--layers`: the first node that is not within tolerance, or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_difference: Option<Option<FirstDifferenceReport>>,
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
            "top-1",
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
                found.top.first().map_or("-".into(), ToString::to_string),
                describe(&row.backend, found.agreement.as_ref()),
            ]);
        }
        write_table(&rows, out)?;
        self.write_notes(out)
    }
}

impl Comparison {
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

fn describe(backend: &str, agreement: Option<&AgreementReport>) -> String {
    match agreement {
        _ if backend == "reference" => "is the yardstick".into(),
        None => "-".into(),
        Some(agreement) if agreement.identical => "identical".into(),
        Some(agreement) => difference(agreement),
    }
}

fn difference(agreement: &AgreementReport) -> String {
    let AgreementReport { max_abs_difference: most, differing_values, values, .. } = agreement;
    let most = if *most >= 1.0 { format!("{most:.0}") } else { format!("{most:.1e}") };
    format!("differs by up to {most} in {differing_values} of {values} values")
}
