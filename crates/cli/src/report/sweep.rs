//! `sweep`: many chips and networks, in a table and a picture.

use std::io::{self, Write};

use pocketvision::edgetpu_sim::compile::TooLarge;
use pocketvision::edgetpu_sim::{Chip, Estimate};
use serde::Serialize;

use super::csv::{cell, line, quoted};
use super::plot::{Axis, Plot, Point, Series};
use super::table::{milliseconds, percent, table, write_table};
use super::{MILLIJOULES_PER_PICOJOULE, Report};

/// Every point of a sweep.
#[derive(Debug, Serialize)]
pub(crate) struct SweepReport {
    pub chip: String,
    /// The figures that vary, in the order of a point's values.
    pub figures: Vec<String>,
    pub points: Vec<SweepPoint>,
}

/// One network on one chip.
#[derive(Debug, Serialize)]
pub(crate) struct SweepPoint {
    pub model: String,
    pub values: Vec<f64>,
    pub macs: u64,
    /// Null where the network does not fit.
    pub cycles: Option<u64>,
    pub latency_ms: Option<f64>,
    pub energy_mj: Option<f64>,
    /// Share of the chip's peak arithmetic over the whole call.
    pub utilization: Option<f64>,
    pub cached_parameter_bytes: Option<u64>,
    pub streamed_parameter_bytes: Option<u64>,
    pub narrow_bytes_per_tile: Option<u64>,
    /// True if no other point of this network, or of any where only networks vary, is at least as
    /// fast and takes at most as much energy, and is better in one. Of equal points, one is true.
    pub pareto: bool,
}

impl SweepPoint {
    pub(crate) fn new(
        model: &str,
        values: &[f64],
        macs: u64,
        estimate: Result<Estimate, TooLarge>,
        chip: &Chip,
    ) -> Self {
        let estimate = estimate.ok();
        let of = |figure: fn(&Estimate) -> u64| estimate.as_ref().map(figure);
        let latency_ms = estimate.as_ref().map(|estimate| estimate.latency_ms);
        let peak = chip.array.peak_macs_per_cycle() as f64 * chip.array.clock_mhz * 1e3;
        Self {
            model: model.to_owned(),
            values: values.to_vec(),
            macs,
            cycles: of(|estimate| estimate.cycles),
            latency_ms,
            energy_mj: estimate
                .as_ref()
                .map(|estimate| estimate.energy.total_pj() * MILLIJOULES_PER_PICOJOULE),
            utilization: latency_ms.map(|ms| macs as f64 / (peak * ms)),
            cached_parameter_bytes: of(|estimate| estimate.cached_parameter_bytes),
            streamed_parameter_bytes: of(|estimate| estimate.streamed_parameter_bytes),
            narrow_bytes_per_tile: of(|estimate| estimate.narrow_bytes_per_tile),
            pareto: false,
        }
    }

    fn costs(&self) -> Option<(f64, f64)> {
        self.latency_ms.zip(self.energy_mj)
    }
}

impl SweepReport {
    /// The report, with the points that no other beats marked.
    pub(crate) fn new(chip: String, figures: Vec<String>, mut points: Vec<SweepPoint>) -> Self {
        let one_chip = figures.is_empty();
        let mut order: Vec<usize> =
            (0..points.len()).filter(|&i| points[i].costs().is_some()).collect();
        order.sort_by(|&a, &b| {
            let [a, b] =
                [a, b].map(|i| points[i].costs().unwrap_or((f64::INFINITY, f64::INFINITY)));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        let mut least: Vec<(String, f64)> = Vec::new();
        for index in order {
            let group = if one_chip { String::new() } else { points[index].model.clone() };
            let energy = points[index].energy_mj.unwrap_or(f64::INFINITY);
            match least.iter_mut().find(|(name, _)| *name == group) {
                Some((_, least)) if energy >= *least => continue,
                Some((_, least)) => *least = energy,
                None => least.push((group, energy)),
            }
            points[index].pareto = true;
        }
        Self { chip, figures, points }
    }

    /// All points as comma-separated values, with a header.
    pub(crate) fn to_csv(&self) -> String {
        let mut header = vec!["model".to_owned()];
        header.extend(self.figures.iter().map(|figure| quoted(figure)));
        let columns = "macs,cycles,latency_ms,energy_mj,utilization,cached_parameter_bytes,\
                       streamed_parameter_bytes,narrow_bytes_per_tile,pareto";
        header.push(columns.to_owned());
        let mut text = line(header);
        for point in &self.points {
            let mut cells = vec![quoted(&point.model)];
            cells.extend(point.values.iter().map(ToString::to_string));
            cells.extend([
                point.macs.to_string(),
                cell(point.cycles),
                cell(point.latency_ms),
                cell(point.energy_mj),
                cell(point.utilization),
                cell(point.cached_parameter_bytes),
                cell(point.streamed_parameter_bytes),
                cell(point.narrow_bytes_per_tile),
                point.pareto.to_string(),
            ]);
            text += &line(cells);
        }
        text
    }

    /// Latency and energy of all points, those that no other beats joined by a line.
    pub(crate) fn plot(&self) -> Plot {
        let mut models: Vec<&str> = self.points.iter().map(|point| point.model.as_str()).collect();
        models.dedup();
        let one_chip = self.figures.is_empty();
        let all = |wanted: &dyn Fn(&SweepPoint) -> bool| -> Vec<Point> {
            let chosen = self.points.iter().filter(|point| wanted(point));
            chosen
                .filter_map(|point| {
                    let (x, y) = point.costs()?;
                    let name = if one_chip {
                        point.model.clone()
                    } else if !point.pareto {
                        String::new()
                    } else {
                        let values = point.values.iter().map(|value| format!("{value}"));
                        values.collect::<Vec<_>>().join(", ")
                    };
                    Some(Point { x, y, name })
                })
                .collect()
        };
        let mut series = Vec::new();
        let groups: Vec<Option<&str>> =
            if one_chip { vec![None] } else { models.into_iter().map(Some).collect() };
        for (color, group) in groups.into_iter().enumerate() {
            let of_group = |point: &SweepPoint| group.is_none_or(|group| point.model == group);
            let front = all(&|point| of_group(point) && point.pareto);
            let rest = all(&|point| of_group(point) && !point.pareto);
            series.extend(Series::front(group.unwrap_or("networks"), front, rest, color));
        }
        let varied =
            if one_chip { String::new() } else { format!(", varying {}", self.figures.join(", ")) };
        Plot {
            title: format!("{}{varied}", self.chip),
            x: Axis::linear("latency of a call in ms"),
            y: Axis::linear("energy of a call in mJ"),
            series,
        }
    }
}

impl Report for SweepReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut header = vec!["model"];
        header.extend(self.figures.iter().map(String::as_str));
        header.extend(["cycles", "ms", "mJ", "use of peak", "Pareto"]);
        let right: Vec<usize> = (1..header.len() - 1).collect();
        let mut rows = table(&header, &right);
        for point in &self.points {
            let mut row = vec![point.model.clone()];
            row.extend(point.values.iter().map(ToString::to_string));
            let none = || "does not fit".to_owned();
            row.extend([
                point.cycles.map_or_else(none, |cycles| cycles.to_string()),
                point.latency_ms.map_or_else(String::new, milliseconds),
                point.energy_mj.map_or_else(String::new, |mj| format!("{mj:.3}")),
                point.utilization.map_or_else(String::new, percent),
                if point.pareto { "*".into() } else { String::new() },
            ]);
            rows.add_row(row);
        }
        write_table(&rows, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(model: &str, latency_ms: Option<f64>, energy_mj: Option<f64>) -> SweepPoint {
        SweepPoint {
            model: model.into(),
            values: vec![1.0],
            macs: 1,
            cycles: Some(1),
            latency_ms,
            energy_mj,
            utilization: None,
            cached_parameter_bytes: None,
            streamed_parameter_bytes: None,
            narrow_bytes_per_tile: None,
            pareto: false,
        }
    }

    #[test]
    fn a_network_keeps_its_colour_and_has_its_own_front() {
        let points = ["a", "b"].into_iter().flat_map(|model| {
            [(1.0, 1.0), (2.0, 2.0)].map(|(ms, mj)| point(model, Some(ms), Some(mj)))
        });
        let report = SweepReport::new("chip".into(), vec!["clock".into()], points.collect());
        let series = report.plot().series;
        let colors: Vec<usize> = series.iter().map(|series| series.color).collect();
        assert_eq!(colors, [0, 0, 1, 1]);
        assert!(series.iter().all(|series| series.points.len() == 1));
    }

    #[test]
    fn points_that_no_other_beats_are_marked() {
        let point = |latency_ms, energy_mj| point("a,b", latency_ms, energy_mj);
        let costs = [(2.0, 2.0), (1.0, 3.0), (3.0, 2.5), (1.0, 4.0), (4.0, 1.0)];
        let mut points: Vec<_> = costs.map(|(ms, mj)| point(Some(ms), Some(mj))).into();
        points.push(point(None, None));
        let report = SweepReport::new("chip".into(), vec!["clock".into()], points);
        let best: Vec<bool> = report.points.iter().map(|point| point.pareto).collect();
        assert_eq!(best, [true, true, false, false, true, false]);
        let csv = report.to_csv();
        assert!(csv.starts_with("model,clock,macs,cycles,latency_ms,"), "{csv}");
        assert_eq!(csv.lines().nth(6), Some("\"a,b\",1,1,1,,,,,,,false"));
    }
}
