//! Bars: latencies with their spread, and stacks of energy and memory.

use super::super::comparison::{BackendReport, Comparison, Measured};
use super::super::table::{bytes, milliseconds, percent};
use super::{class, in_order, measured, share};

/// The latency of each backend.
pub(super) struct Latencies<'a> {
    pub(super) rows: Vec<LatencyRow<'a>>,
    pub(super) simulated: bool,
    pub(super) off_scale: bool,
}

/// Lengths are percentages of the longest bar.
pub(super) struct LatencyRow<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'static str,
    pub(super) clock: &'static str,
    pub(super) simulated: bool,
    /// Longer than the scale, so that the others' bars can be told apart.
    pub(super) off_scale: bool,
    pub(super) bar: String,
    /// From the fastest run to the 95th percentile; `None` of a single run.
    pub(super) range: Option<(String, String)>,
    pub(super) median: String,
    pub(super) fastest: String,
    pub(super) p95: String,
    pub(super) spread: String,
    pub(super) runs: usize,
}

/// Stacked bars on one scale, and their table.
pub(super) struct Chart<'a> {
    pub(super) parts: Vec<String>,
    pub(super) rows: Vec<StackRow<'a>>,
}

pub(super) struct StackRow<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'static str,
    pub(super) total: String,
    pub(super) parts: Vec<Part>,
}

/// Start and length are percentages of the chart's width.
pub(super) struct Part {
    pub(super) start: String,
    pub(super) length: String,
    pub(super) value: String,
    pub(super) title: String,
}

/// Memory, with what is on the chip where that is simulated.
pub(super) struct MemoryView<'a> {
    pub(super) chart: Chart<'a>,
    pub(super) chip: Option<String>,
}

impl<'a> Latencies<'a> {
    pub(super) fn new(comparison: &'a Comparison) -> Self {
        let found: Vec<(&BackendReport, &Measured)> = measured(comparison).collect();
        let longest = |wanted: &dyn Fn(&BackendReport) -> bool| {
            let chosen = found.iter().filter(|(row, _)| wanted(row));
            chosen.map(|(_, found)| found.latency.p95_ms).fold(0.0, f64::max)
        };
        let (all, compared) = (longest(&|_| true), longest(&|row| row.backend != "reference"));
        let scale = if compared > 0.0 && all > compared * 1.5 { compared * 1.08 } else { all };
        let row = |(row, found): &(&'a BackendReport, &'a Measured)| {
            let latency = found.latency;
            let timed_often = latency.runs > 1;
            let none = || "–".to_owned();
            LatencyRow {
                name: &row.backend,
                class: class(&row.backend),
                clock: found.clock,
                simulated: found.clock == "simulated",
                off_scale: latency.median_ms > scale,
                // A bar that cannot be seen would look like no time at all.
                bar: share(latency.median_ms.max(scale * 0.003), scale),
                range: timed_often
                    .then(|| (share(latency.min_ms, scale), share(latency.p95_ms, scale))),
                median: milliseconds(latency.median_ms),
                fastest: if timed_often { milliseconds(latency.min_ms) } else { none() },
                p95: if timed_often { milliseconds(latency.p95_ms) } else { none() },
                spread: if timed_often { percent(latency.spread) } else { none() },
                runs: latency.runs,
            }
        };
        let rows: Vec<LatencyRow<'_>> = found.iter().map(row).collect();
        Self {
            simulated: rows.iter().any(|row| row.simulated),
            off_scale: rows.iter().any(|row| row.off_scale),
            rows,
        }
    }
}

impl<'a> Chart<'a> {
    /// Of numbers of each row, in the order of `parts`.
    fn new(
        parts: Vec<String>,
        rows: Vec<(&'a BackendReport, Vec<f64>)>,
        show: impl Fn(f64) -> String,
    ) -> Self {
        let total = |numbers: &[f64]| numbers.iter().sum::<f64>();
        let longest = rows.iter().map(|(_, numbers)| total(numbers)).fold(0.0, f64::max);
        let row = |(row, numbers): &(&'a BackendReport, Vec<f64>)| {
            let mut start = 0.0;
            let stack = parts.iter().zip(numbers).map(|(part, &number)| {
                let begins = start;
                start += number;
                Part {
                    start: share(begins, longest),
                    length: share(number, longest),
                    value: show(number),
                    title: format!("{}, {part}: {}", row.backend, show(number)),
                }
            });
            StackRow {
                name: &row.backend,
                class: class(&row.backend),
                parts: stack.collect(),
                total: show(total(numbers)),
            }
        };
        let rows = rows.iter().map(row).collect();
        Self { parts, rows }
    }

    /// Energy by where it goes, of backends with a model of it.
    pub(super) fn of_energy(comparison: &'a Comparison) -> Self {
        let mut parts: Vec<String> = Vec::new();
        let mut rows = Vec::new();
        for row in in_order(comparison) {
            let Some((found, energy_mj)) =
                row.measured.as_ref().and_then(|found| Some((found, found.energy_mj?)))
            else {
                continue;
            };
            let simulation = found.profile.as_ref().and_then(|profile| profile.simulation.as_ref());
            let levels: Vec<(String, f64)> = match simulation {
                Some(simulation) => simulation
                    .energy_by_level_mj
                    .iter()
                    .filter(|(_, mj)| **mj > 0.0)
                    .map(|(level, mj)| (level.replace('_', " "), *mj))
                    .collect(),
                None => vec![("all".into(), energy_mj)],
            };
            parts.extend(levels.iter().map(|(level, _)| level.clone()));
            rows.push((row, levels));
        }
        parts.sort();
        parts.dedup();
        let of_part = |levels: &[(String, f64)], part: &str| {
            levels.iter().find(|(level, _)| level == part).map_or(0.0, |(_, mj)| *mj)
        };
        let largest =
            |part: &str| rows.iter().map(|(_, levels)| of_part(levels, part)).fold(0.0, f64::max);
        parts.sort_by(|a, b| largest(b).total_cmp(&largest(a)));
        let numbers =
            |levels: &[(String, f64)]| parts.iter().map(|part| of_part(levels, part)).collect();
        let rows = rows.iter().map(|(row, levels)| (*row, numbers(levels))).collect();
        Self::new(parts, rows, |mj| format!("{mj:.3}"))
    }
}

impl<'a> MemoryView<'a> {
    pub(super) fn new(comparison: &'a Comparison) -> Self {
        let rows = in_order(comparison).filter_map(|row| {
            let memory = row.measured.as_ref()?.memory;
            let parts = [memory.weight_bytes, memory.activation_bytes, memory.scratch_bytes];
            Some((row, parts.map(|bytes| bytes as f64).into()))
        });
        let parts = ["weights", "activations", "scratch"].map(str::to_owned);
        let chip = in_order(comparison).find_map(|row| {
            let simulation = row.measured.as_ref()?.profile.as_ref()?.simulation.as_ref()?;
            Some(format!(
                "Of {}, it is what the simulator takes on this machine; on the chip itself {} of \
                 parameters stay, {} are sent with every call, and a tile holds {} of activations.",
                row.backend,
                bytes(simulation.cached_parameter_bytes),
                bytes(simulation.streamed_parameter_bytes),
                bytes(simulation.narrow_bytes_per_tile),
            ))
        });
        Self { chart: Chart::new(parts.into(), rows.collect(), |size| bytes(size as u64)), chip }
    }
}
