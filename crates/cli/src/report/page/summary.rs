//! What the page begins with: a sentence, a card for each backend, facts about the network.

use pocketvision::Model;

use super::super::comparison::{BackendReport, Comparison, Measured};
use super::super::table::{bytes, count, milliseconds};
use super::{class, listed, measured};
use crate::precision::computes_in_float;

/// What comes out of it, in a sentence or two.
pub(super) fn lead(comparison: &Comparison) -> String {
    let compared = measured(comparison).filter(|(row, _)| row.backend != "reference");
    let mut found: Vec<(&str, &Measured)> =
        compared.map(|(row, found)| (row.backend.as_str(), found)).collect();
    found.sort_by(|a, b| a.1.latency.median_ms.total_cmp(&b.1.latency.median_ms));
    let times = found.iter().map(|(name, found)| {
        let simulated = if found.clock == "simulated" { " (simulated)" } else { "" };
        format!("{} ms on {name}{simulated}", milliseconds(found.latency.median_ms))
    });
    let times: Vec<String> = times.collect();
    let differing: Vec<&str> = found
        .iter()
        .filter(|(_, found)| found.agreement.as_ref().is_some_and(|agreement| !agreement.identical))
        .map(|(name, _)| *name)
        .collect();
    let judged = found.iter().any(|(_, found)| found.agreement.is_some());
    let agreement = match (judged, &differing[..]) {
        (false, _) => String::new(),
        (true, []) => " All outputs are the reference’s, bit for bit.".into(),
        (true, _) => format!(
            " The outputs of {} differ from the reference’s in some numbers; see below.",
            listed(differing)
        ),
    };
    match times[..] {
        [] => "No backend but the reference could run it.".into(),
        _ => format!("{}.{agreement}", listed(times.iter().map(String::as_str))),
    }
}

/// One backend at a glance.
pub(super) struct Card<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'static str,
    pub(super) device: &'a str,
    pub(super) details: String,
    pub(super) figure: Option<String>,
    pub(super) clock: String,
    pub(super) agreement: String,
    pub(super) error: &'a str,
}

impl<'a> Card<'a> {
    pub(super) fn new(comparison: &Comparison, row: &'a BackendReport) -> Self {
        let found = row.measured.as_ref();
        let clock = |found: &Measured| match (found.clock, found.latency.runs) {
            ("simulated", _) => "simulated, nothing timed".to_owned(),
            (clock, 1) => format!("{clock}, one run"),
            (clock, runs) => format!("{clock}, median of {runs} runs"),
        };
        Self {
            name: &row.backend,
            class: class(&row.backend),
            device: found.map_or("", |found| &found.device),
            details: found.map_or(String::new(), |found| {
                let details = found.device_details.iter();
                details
                    .map(|(what, value)| format!("{what} {value}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            }),
            figure: found.map(|found| milliseconds(found.latency.median_ms)),
            clock: found.map_or(String::new(), clock),
            agreement: found
                .map_or(String::new(), |found| comparison.describe(&row.backend, found)),
            error: row.error.as_deref().unwrap_or_default(),
        }
    }
}

/// What is known of the network and the picture, each with its name.
pub(super) fn facts(
    model: &Model,
    published_top1: Option<f64>,
    comparison: &Comparison,
) -> Vec<(&'static str, String)> {
    let graph = model.graph();
    let input = graph.ty(graph.inputs()[0]);
    let shape = input.shape;
    let numbers = if computes_in_float(model) { "32-bit float" } else { "8-bit integers" };
    let mut facts = vec![
        ("Picture", comparison.image.clone()),
        ("Task", comparison.task.unwrap_or("unknown").to_owned()),
        ("Weights", comparison.weights.to_owned()),
        ("Numbers", numbers.to_owned()),
        ("Input", format!("{} × {} × {}", shape.h, shape.w, shape.c)),
        ("Layers", graph.nodes().len().to_string()),
        ("Multiply-accumulates", count(graph.macs())),
        (
            "Parameters",
            format!("{} in {}", count(graph.parameters()), bytes(graph.parameter_bytes())),
        ),
    ];
    facts.extend(published_top1.map(|top1| ("Published top-1", format!("{top1} % when trained"))));
    facts
}
