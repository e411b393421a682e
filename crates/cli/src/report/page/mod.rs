//! `compare --html`: one comparison as one page that needs nothing else.
//!
//! The page's text is in `templates/`, where every value is escaped. Here numbers become
//! text and lengths. All of them are the comparison's own: nothing is measured or rounded
//! twice. The page's policy allows no resource, and no style or script but the two in it,
//! by their hashes: what a hostile name might smuggle in would not run.

mod answers;
mod bars;
mod layers;
mod rooflines;

use anyhow::{Context, Result};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pocketvision::{Model, Origin};
use sha2::{Digest, Sha256};

use self::answers::{Answers, FigureView};
use self::bars::{Chart, Latencies, MemoryView};
use self::layers::ProfileView;
use self::rooflines::RooflineView;
use super::comparison::{BackendReport, Comparison, Measured, difference, largest_difference};
use super::table::{bytes, count, milliseconds, short_name};

/// A picture to show.
#[derive(Clone, Debug)]
pub(crate) struct PagePicture {
    /// The backends whose results are drawn in it.
    pub backends: Vec<String>,
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    pub jpeg: Vec<u8>,
}

/// A comparison as a page.
#[derive(Template)]
#[template(path = "comparison.html")]
pub(crate) struct Page<'a> {
    comparison: &'a Comparison,
    lead: String,
    cards: Vec<Card<'a>>,
    facts: Vec<(&'static str, String)>,
    pictures: Vec<FigureView>,
    answers: Answers,
    latency: Latencies<'a>,
    energy: Energy<'a>,
    profiles: Vec<ProfileView<'a>>,
    agreement: Vec<AgreementView<'a>>,
    memory: MemoryView<'a>,
    rooflines: Vec<RooflineView<'a>>,
    without_roofline: String,
    made: String,
    policy: String,
    style: &'static str,
    script: &'static str,
}

/// One backend at a glance.
struct Card<'a> {
    name: &'a str,
    class: &'static str,
    device: &'a str,
    details: String,
    figure: Option<String>,
    clock: String,
    agreement: String,
    error: &'a str,
}

struct Energy<'a> {
    chart: Chart<'a>,
    /// The backends that have no model, in words.
    without: String,
}

struct AgreementView<'a> {
    name: &'a str,
    class: &'static str,
    verdict: String,
    layers: Option<String>,
    largest: String,
    differing: String,
    sha256: &'a str,
    sha256_begins: &'a str,
}

impl<'a> Page<'a> {
    /// The page of a comparison that was made with its costs.
    pub(crate) fn new(
        model: &Model,
        comparison: &'a Comparison,
        pictures: &[PagePicture],
    ) -> Result<Self> {
        let measured = || {
            let rows = comparison.backends.iter();
            rows.filter_map(|row| Some((row, row.measured.as_ref()?)))
        };
        let rooflines: Vec<RooflineView<'_>> = measured()
            .filter_map(|(row, found)| RooflineView::new(row, found).transpose())
            .collect::<Result<_>>()?;
        let without: Vec<&str> = measured()
            .filter(|(row, _)| rooflines.iter().all(|roofline| roofline.name != row.backend))
            .map(|(row, _)| row.backend.as_str())
            .collect();
        Ok(Self {
            comparison,
            lead: lead(comparison),
            cards: comparison.backends.iter().map(|row| card(comparison, row)).collect(),
            facts: facts(model, comparison),
            pictures: pictures.iter().map(|picture| FigureView::new(comparison, picture)).collect(),
            answers: Answers::new(comparison),
            latency: Latencies::new(comparison),
            energy: Energy {
                chart: Chart::of_energy(comparison),
                without: listed(
                    measured()
                        .filter(|(_, found)| found.energy_mj.is_none())
                        .map(|(row, _)| row.backend.as_str()),
                ),
            },
            profiles: measured().filter_map(|(row, found)| ProfileView::new(row, found)).collect(),
            agreement: measured().map(|(row, found)| agreement(comparison, row, found)).collect(),
            memory: MemoryView::new(comparison),
            without_roofline: match without[..] {
                [] => String::new(),
                _ => format!("The time of layers is not known on {}.", listed(without)),
            },
            rooflines,
            made: format!(
                "PocketVision {} on {} {}, {}.",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::OS,
                std::env::consts::ARCH,
                humantime::format_rfc3339_seconds(std::time::SystemTime::now()),
            ),
            policy: policy(),
            style: STYLE,
            script: SCRIPT,
        })
    }

    /// The page's text.
    pub(crate) fn html(&self) -> Result<String> {
        self.render().context("the page cannot be written")
    }
}

/// What comes out of it, in a sentence or two.
fn lead(comparison: &Comparison) -> String {
    let compared = comparison.backends.iter().filter(|row| row.backend != "reference");
    let mut found: Vec<(&str, &Measured)> =
        compared.filter_map(|row| Some((row.backend.as_str(), row.measured.as_ref()?))).collect();
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

fn card<'a>(comparison: &Comparison, row: &'a BackendReport) -> Card<'a> {
    let found = row.measured.as_ref();
    let clock = |found: &Measured| match (found.clock, found.latency.runs) {
        ("simulated", _) => "simulated, nothing timed".to_owned(),
        (clock, 1) => format!("{clock}, one run"),
        (clock, runs) => format!("{clock}, median of {runs} runs"),
    };
    Card {
        name: &row.backend,
        class: class(&row.backend),
        device: found.map_or("", |found| &found.device),
        details: found.map_or(String::new(), |found| {
            let details = found.device_details.iter();
            details.map(|(what, value)| format!("{what} {value}")).collect::<Vec<_>>().join(", ")
        }),
        figure: found.map(|found| milliseconds(found.latency.median_ms)),
        clock: found.map_or(String::new(), clock),
        agreement: found.map_or(String::new(), |found| comparison.describe(&row.backend, found)),
        error: row.error.as_deref().unwrap_or_default(),
    }
}

fn facts(model: &Model, comparison: &Comparison) -> Vec<(&'static str, String)> {
    let graph = model.graph();
    let input = graph.ty(graph.inputs()[0]);
    let shape = input.shape;
    let float = graph.params().iter().any(|param| param.tensor.element().is_float());
    let mut facts = vec![
        ("Picture", comparison.image.clone()),
        ("Task", comparison.task.unwrap_or("unknown").to_owned()),
        ("Weights", comparison.weights.to_owned()),
        ("Numbers", if float { "32-bit float" } else { "8-bit integers" }.to_owned()),
        ("Input", format!("{} × {} × {}", shape.h, shape.w, shape.c)),
        ("Layers", graph.nodes().len().to_string()),
        ("Multiply-accumulates", count(graph.macs())),
        (
            "Parameters",
            format!("{} in {}", count(graph.parameters()), bytes(graph.parameter_bytes())),
        ),
    ];
    if let Origin::BuiltIn(definition) = model.origin()
        && let Some(top1) = definition.published.top1_percent
    {
        facts.push(("Published top-1", format!("{top1} % when trained")));
    }
    facts
}

fn agreement<'a>(
    comparison: &Comparison,
    row: &'a BackendReport,
    found: &'a Measured,
) -> AgreementView<'a> {
    let agreement = found.agreement.as_ref();
    let none = || "–".to_owned();
    let is_yardstick = row.backend == "reference";
    let figure = |show: &dyn Fn() -> String| if is_yardstick { none() } else { show() };
    AgreementView {
        name: &row.backend,
        class: class(&row.backend),
        verdict: comparison.describe(&row.backend, found),
        layers: found.first_difference.as_ref().map(|first| match first {
            None => "every layer is within tolerance".to_owned(),
            Some(first) => format!(
                "first beyond tolerance: layer {} '{}' ({}), {}",
                first.index,
                short_name(&first.node),
                first.op,
                difference(&first.agreement)
            ),
        }),
        largest: figure(&|| agreement.map_or_else(none, largest_difference)),
        differing: figure(&|| {
            agreement.map_or_else(none, |agreement| {
                format!("{} of {}", agreement.differing_values, agreement.values)
            })
        }),
        sha256: &found.output_sha256,
        sha256_begins: found.output_sha256.get(..12).unwrap_or(&found.output_sha256),
    }
}

/// A backend's class in the style sheet. Only known names are written where no text belongs.
fn class(backend: &str) -> &'static str {
    match backend {
        "cpu" => "cpu",
        "gpu" => "gpu",
        "edgetpu-sim" => "edgetpu-sim",
        "reference" => "reference",
        _ => "",
    }
}

/// Names in a sentence: `a, b and c`.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// A length or place as a percentage.
fn share(part: f64, whole: f64) -> String {
    let percent = if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
    format!("{:.3}", percent.clamp(0.0, 100.0))
}

/// What a browser may do with the page: show pictures that are in it, apply its style, run its
/// script, and nothing else.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; \
         style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    )
}

const STYLE: &str = include_str!("../../../templates/comparison.css");
const SCRIPT: &str = include_str!("../../../templates/comparison.js");
