//! The roofline of each backend.

use anyhow::Result;

use super::super::comparison::{BackendReport, Measured};
use super::super::plot::InlinePlot;
use super::super::roofline::{Roofline, RooflineLayer};
use super::super::table::{milliseconds, percent};
use super::class;
use super::names::Names;

pub(super) struct RooflineView<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'static str,
    pub(super) plot: InlinePlot,
    pub(super) points: Vec<Mark>,
    /// For those who do not see the plot.
    pub(super) description: String,
    /// What is known of the device's limits.
    pub(super) roof: String,
}

/// A layer's circle.
pub(super) struct Mark {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) radius: String,
    pub(super) label: String,
}

impl<'a> RooflineView<'a> {
    /// `None` if no layer's time is known.
    pub(super) fn new(
        row: &'a BackendReport,
        found: &'a Measured,
        names: &Names<'_>,
    ) -> Result<Option<Self>> {
        let Some(roofline) = found.roofline.as_ref().filter(|roofline| !roofline.layers.is_empty())
        else {
            return Ok(None);
        };
        let plot = roofline.plot(row.backend.clone()).to_inline(WIDTH, HEIGHT)?;
        let total: f64 = roofline.layers.iter().map(|layer| layer.latency_ms).sum();
        let points = roofline.layers.iter().zip(&plot.points).map(|(layer, &(x, y))| {
            let share = layer.latency_ms / total;
            Mark {
                x,
                y,
                // An area in proportion to time, but for the smallest, which must be seen.
                radius: format!("{:.1}", (share.sqrt() * 30.0).clamp(2.5, 14.0)),
                label: label(layer, roofline, names),
            }
        });
        Ok(Some(Self {
            name: &row.backend,
            class: class(&row.backend),
            points: points.collect(),
            description: format!(
                "Roofline of {}: {} layers; of the slowest, {}",
                row.backend,
                roofline.layers.len(),
                label(&roofline.layers[0], roofline, names)
            ),
            roof: roof(roofline),
            plot,
        }))
    }
}

fn label(layer: &RooflineLayer, roofline: &Roofline, names: &Names<'_>) -> String {
    let of_peak = match &roofline.roof {
        Some(roof) => {
            format!(", {} of the peak", percent(layer.macs_per_second / roof.macs_per_second))
        }
        None => String::new(),
    };
    format!(
        "{}: {} ms, {} GMAC/s{of_peak}, {} MAC/byte",
        names.short(&layer.name),
        milliseconds(layer.latency_ms),
        three_digits(layer.macs_per_second / 1e9),
        three_digits(layer.macs_per_byte),
    )
}

fn roof(roofline: &Roofline) -> String {
    match &roofline.roof {
        Some(roof) => format!(
            "Roof ({}): {} GMAC/s, {} GB/s from {}",
            roof.source,
            three_digits(roof.macs_per_second / 1e9),
            three_digits(roof.bytes_per_second / 1e9),
            roof.memory,
        ),
        None => "The device’s limits are not known: layers without a roof.".into(),
    }
}

fn three_digits(number: f64) -> String {
    let decimals = match number.abs() {
        x if x >= 100.0 => 0,
        x if x >= 10.0 => 1,
        _ => 2,
    };
    format!("{number:.decimals$}")
}

/// Of the drawing, in its own units: text is as large as beside it where two stand in a row.
const WIDTH: u32 = 440;
const HEIGHT: u32 = 310;
