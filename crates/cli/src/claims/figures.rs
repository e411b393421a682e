//! The announcement's figures, from our numbers and published accuracies.

use super::Evidence;
use super::evidence::{Family, ON_ACCELERATOR, ON_PROCESSOR, float_top1, int8_top1};
use crate::report::plot::{Axis, Marks, Plot, Point, Series};

pub(super) fn figures(evidence: &Evidence) -> Vec<(&'static str, Plot)> {
    let coral_ms = |name: &str| {
        evidence.estimate(name, &evidence.coral).ok().map(|estimate| estimate.latency_ms)
    };
    let pixel4_ms = |name: &str| {
        evidence.estimate(name, &evidence.pixel4).ok().map(|estimate| estimate.latency_ms)
    };
    let pixel4_w = |name: &str| {
        let estimate = evidence.estimate(name, &evidence.pixel4).ok()?;
        estimate.average_power_w(30.0, &evidence.pixel4)
    };
    let processor_ms = |name: &str| evidence.processor_ms(name).ok();
    let accuracy = "published ImageNet top-1 in percent";
    vec![
        (
            "accuracy-processor",
            Plot {
                title: "Accuracy and time on one thread of a processor, float".into(),
                x: Axis::logarithmic("milliseconds"),
                y: Axis::linear(accuracy),
                series: curves(&ON_PROCESSOR, &processor_ms, &float_top1),
            },
        ),
        (
            "accuracy-pixel4",
            Plot {
                title: "Accuracy and simulated time, Pixel 4 preset, int8".into(),
                x: Axis::logarithmic("simulated milliseconds"),
                y: Axis::linear(accuracy),
                series: curves(&ON_ACCELERATOR, &pixel4_ms, &int8_top1),
            },
        ),
        (
            "accuracy-coral",
            Plot {
                title: "Accuracy and simulated time, Coral USB preset, int8".into(),
                x: Axis::logarithmic("simulated milliseconds"),
                y: Axis::linear(accuracy),
                series: curves(&ON_ACCELERATOR, &coral_ms, &int8_top1),
            },
        ),
        (
            "power-30-fps",
            Plot {
                title: "Accuracy and modelled power at 30 frames a second, Pixel 4 preset".into(),
                x: Axis::linear("modelled watts on average, idle included"),
                y: Axis::linear(accuracy),
                series: curves(&ON_ACCELERATOR, &pixel4_w, &int8_top1),
            },
        ),
        (
            "compute-processor",
            Plot {
                title: "Compute and time on one thread of a processor, float".into(),
                x: Axis::linear("millions of multiply-accumulates"),
                y: Axis::linear("milliseconds"),
                series: compute(&ON_PROCESSOR, &processor_ms, evidence),
            },
        ),
        (
            "compute-coral",
            Plot {
                title: "Compute and simulated time, Coral USB preset, int8".into(),
                x: Axis::linear("millions of multiply-accumulates"),
                y: Axis::linear("simulated milliseconds"),
                series: compute(&ON_ACCELERATOR[..3], &coral_ms, evidence),
            },
        ),
    ]
}

/// Cost and accuracy of each family.
fn curves(
    families: &[Family],
    cost: &dyn Fn(&str) -> Option<f64>,
    accuracy: &dyn Fn(&str) -> Option<f64>,
) -> Vec<Series> {
    series(families, Marks::Both, |name| Some((cost(name)?, accuracy(name)?)))
}

/// Compute and cost of each family.
fn compute(
    families: &[Family],
    cost: &dyn Fn(&str) -> Option<f64>,
    evidence: &Evidence,
) -> Vec<Series> {
    let millions = |name: &str| Some(evidence.macs(name).ok()? / 1e6);
    series(families, Marks::Points, |name| Some((millions(name)?, cost(name)?)))
}

/// For each family, where each of its networks lies that is anywhere.
fn series(
    families: &[Family],
    marks: Marks,
    place: impl Fn(&str) -> Option<(f64, f64)>,
) -> Vec<Series> {
    let point = |name: &&str| {
        let (x, y) = place(name)?;
        Some(Point { x, y, name: short(name).to_owned() })
    };
    families
        .iter()
        .enumerate()
        .map(|(color, family)| Series {
            name: family.name.to_owned(),
            points: family.networks.iter().filter_map(point).collect(),
            marks,
            color,
        })
        .collect()
}

/// A network's name without its family's, which the legend has.
fn short(name: &str) -> &str {
    let prefixes = ["mobilenet-edgetpu-", "efficientnet-edgetpu-", "mobilenet-"];
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}
