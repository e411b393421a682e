//! Where the time of each backend goes.

use super::super::comparison::{BackendReport, Measured};
use super::super::profile::{LayerCostReport, ProfileReport};
use super::super::table::{bytes, count, milliseconds, percent};
use super::names::Names;
use super::{class, share};

/// The layers of one backend, as one bar and as a table.
pub(super) struct ProfileView<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'static str,
    pub(super) summary: String,
    /// The layers that take longest, in a line.
    pub(super) slowest: String,
    pub(super) parts: Vec<LayerPart>,
    pub(super) layers: Vec<LayerRow<'a>>,
}

/// A layer's part of the bar. Start and length are percentages.
pub(super) struct LayerPart {
    pub(super) kind: &'static str,
    pub(super) start: String,
    pub(super) length: String,
    pub(super) label: String,
}

pub(super) struct LayerRow<'a> {
    pub(super) name: String,
    pub(super) op: &'a str,
    pub(super) kernel: &'a str,
    pub(super) ms: String,
    pub(super) share: String,
    pub(super) macs: String,
    pub(super) bytes: String,
}

impl<'a> ProfileView<'a> {
    pub(super) fn new(
        row: &'a BackendReport,
        found: &'a Measured,
        names: &Names<'_>,
    ) -> Option<Self> {
        let profile = found.profile.as_ref()?;
        let total = profile.latency_ms;
        let mut now = 0.0;
        let mut parts = Vec::new();
        for layer in profile.layers.iter().filter(|layer| layer.latency_ms > 0.0) {
            parts.push(LayerPart {
                kind: kind(layer),
                start: share(now, total),
                length: share(layer.latency_ms, total),
                label: label(layer, total, names),
            });
            now += layer.latency_ms;
        }
        Some(Self {
            name: &row.backend,
            class: class(&row.backend),
            summary: format!("{} ms, {}", milliseconds(total), profile.clock),
            slowest: slowest(profile, names),
            parts,
            layers: profile.layers.iter().map(|layer| layer_row(layer, total, names)).collect(),
        })
    }
}

fn kind(layer: &LayerCostReport) -> &'static str {
    match layer.op {
        None => "overhead",
        Some("Conv2d" | "Linear" | "ConvTranspose2d") => "convolution",
        Some("DepthwiseConv2d") => "depthwise",
        Some(_) => "other",
    }
}

/// A layer in a line.
fn label(layer: &LayerCostReport, total: f64, names: &Names<'_>) -> String {
    let name = names.short(&layer.name);
    let time = format!("{} ms, {}", milliseconds(layer.latency_ms), part(layer, total));
    let Some(op) = layer.op else { return format!("{name}: {time}") };
    let work = match layer.macs {
        0 => String::new(),
        macs => format!(", {} multiply-accumulates", count(macs)),
    };
    let kernel = match layer.kernel.as_str() {
        "" => String::new(),
        kernel => format!(" ({kernel})"),
    };
    format!("{name}: {time}, {op}{kernel}{work}")
}

/// A layer's part of the whole time.
fn part(layer: &LayerCostReport, total_ms: f64) -> String {
    percent(layer.latency_ms / total_ms.max(f64::MIN_POSITIVE))
}

fn slowest(profile: &ProfileReport, names: &Names<'_>) -> String {
    let layers = || profile.layers.iter().filter(|layer| layer.op.is_some());
    let mut timed: Vec<&LayerCostReport> =
        layers().filter(|layer| layer.latency_ms > 0.0).collect();
    if timed.is_empty() {
        return "This device has no clock for its layers: only the whole run is timed.".into();
    }
    timed.sort_by(|a, b| b.latency_ms.total_cmp(&a.latency_ms));
    let named = timed
        .iter()
        .take(3)
        .map(|layer| format!("{} {}", names.short(&layer.name), part(layer, profile.latency_ms)));
    format!("Slowest of {} layers: {}", layers().count(), named.collect::<Vec<_>>().join(", "))
}

fn layer_row<'a>(layer: &'a LayerCostReport, total: f64, names: &Names<'_>) -> LayerRow<'a> {
    LayerRow {
        name: names.short(&layer.name),
        op: layer.op.unwrap_or_default(),
        kernel: &layer.kernel,
        ms: format!("{:.3}", layer.latency_ms),
        share: part(layer, total),
        macs: count(layer.macs),
        bytes: bytes(layer.bytes),
    }
}
