//! `compare --models`: many models on every backend, in a table and a picture.

use std::io::{self, Write};

use anyhow::{Result, bail};
use serde::Serialize;

use super::comparison::{Comparison, Measured};
use super::csv::{cell, line, quoted};
use super::plot::{Axis, Plot, Point, Series};
use super::table::{milliseconds, percent, table, write_table};
use super::{BackendReport, Report};

/// Models in rows, backends in columns.
#[derive(Debug, Serialize)]
pub(crate) struct Matrix {
    pub image: String,
    /// The columns; the reference is one only if it was asked for.
    pub backends: Vec<String>,
    #[serde(rename = "models")]
    pub rows: Vec<MatrixRow>,
}

/// One model.
#[derive(Debug, Serialize)]
pub(crate) struct MatrixRow {
    #[serde(flatten)]
    pub comparison: Comparison,
    /// ImageNet top-1 in percent, published or stated; null if neither.
    pub top1: Option<f64>,
    /// Backends on which no other model is at least as fast and as accurate, and better in one.
    pub pareto: Vec<String>,
}

impl MatrixRow {
    pub(crate) const fn new(comparison: Comparison, top1: Option<f64>) -> Self {
        Self { comparison, top1, pareto: Vec::new() }
    }

    fn backend(&self, name: &str) -> Option<&BackendReport> {
        self.comparison.backends.iter().find(|row| row.backend == name)
    }

    fn measured(&self, backend: &str) -> Option<&Measured> {
        self.backend(backend)?.measured.as_ref()
    }

    /// Latency and top-1, where both are known.
    fn point(&self, backend: &str) -> Option<(f64, f64)> {
        Some((self.measured(backend)?.latency.median_ms, self.top1?))
    }
}

impl Matrix {
    /// The matrix, with the models that no other beats marked on each backend.
    pub(crate) fn new(image: String, backends: &[String], mut rows: Vec<MatrixRow>) -> Self {
        for backend in backends {
            let points: Vec<Option<(f64, f64)>> =
                rows.iter().map(|row| row.point(backend)).collect();
            for (row, point) in rows.iter_mut().zip(&points) {
                let Some((ms, top1)) = point else { continue };
                let beats = |(other_ms, other_top1): &(f64, f64)| {
                    other_ms <= ms && other_top1 >= top1 && (other_ms < ms || other_top1 > top1)
                };
                if !points.iter().flatten().any(beats) {
                    row.pareto.push(backend.clone());
                }
            }
        }
        Self { image, backends: backends.to_vec(), rows }
    }

    /// One line for each model and backend, with a header.
    pub(crate) fn to_csv(&self) -> String {
        let mut text = String::from(
            "model,weights,top1,backend,device,clock,median_ms,min_ms,p95_ms,spread,runs,\
             energy_mj,identical,max_abs_difference,differing_values,values,pareto,error\n",
        );
        for row in &self.rows {
            for backend in &row.comparison.backends {
                let found = backend.measured.as_ref();
                let agreement = found.and_then(|found| found.agreement.as_ref());
                let cells = [
                    quoted(&row.comparison.model),
                    row.comparison.weights.to_owned(),
                    cell(row.top1),
                    quoted(&backend.backend),
                    quoted(found.map_or("", |found| &found.device)),
                    found.map_or("", |found| found.clock).to_owned(),
                    cell(found.map(|found| found.latency.median_ms)),
                    cell(found.map(|found| found.latency.min_ms)),
                    cell(found.map(|found| found.latency.p95_ms)),
                    cell(found.map(|found| found.latency.spread)),
                    cell(found.map(|found| found.latency.runs)),
                    cell(found.and_then(|found| found.energy_mj)),
                    cell(agreement.map(|agreement| agreement.identical)),
                    cell(agreement.map(|agreement| agreement.max_abs_difference)),
                    cell(agreement.map(|agreement| agreement.differing_values)),
                    cell(agreement.map(|agreement| agreement.values)),
                    row.pareto.contains(&backend.backend).to_string(),
                    quoted(backend.error.as_deref().unwrap_or_default()),
                ];
                text += &line(cells);
            }
        }
        text
    }

    /// Latency against top-1: a colour a backend, and a line through the models that no other
    /// beats there.
    ///
    /// # Errors
    /// If there is no model that ran and whose accuracy is known.
    pub(crate) fn plot(&self) -> Result<Plot> {
        let mut series = Vec::new();
        for (color, backend) in self.backends.iter().enumerate() {
            let points = |on_the_front: bool| -> Vec<Point> {
                let is_wanted = |row: &&MatrixRow| row.pareto.contains(backend) == on_the_front;
                let point = |row: &MatrixRow| {
                    let (x, y) = row.point(backend)?;
                    Some(Point { x, y, name: row.comparison.model.clone() })
                };
                self.rows.iter().filter(is_wanted).filter_map(point).collect()
            };
            let simulated = self.backend_has(backend, |found| found.clock == "simulated");
            let name = format!("{backend}{}", if simulated { ", simulated" } else { "" });
            series.extend(Series::front(&name, points(true), points(false), color));
        }
        if series.is_empty() {
            bail!("nothing to plot: no model whose accuracy is known ran on any backend");
        }
        Ok(Plot {
            title: "Latency and accuracy".into(),
            x: Axis::logarithmic("median latency in ms"),
            y: Axis::linear("ImageNet top-1 in %, as published or stated"),
            series,
        })
    }

    fn backend_has(&self, backend: &str, known: impl Fn(&Measured) -> bool) -> bool {
        self.rows.iter().filter_map(|row| row.measured(backend)).any(known)
    }
}

impl Report for Matrix {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} models on {}\n", self.rows.len(), self.image)?;
        let mut header = vec!["model".to_owned(), "top-1 %".to_owned()];
        let mut right = vec![1];
        for backend in &self.backends {
            right.push(header.len());
            header.push(format!("{backend} ms"));
            if self.backend_has(backend, |found| found.latency.runs > 1) {
                right.push(header.len());
                header.push("spread".to_owned());
            }
            if self.backend_has(backend, |found| found.energy_mj.is_some()) {
                right.push(header.len());
                header.push("mJ".to_owned());
            }
            header.push("agreement".to_owned());
        }
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut rows = table(&header, &right);
        for row in &self.rows {
            let dash = || "-".to_owned();
            let mut cells = vec![
                row.comparison.model.clone(),
                row.top1.map_or_else(dash, |top1| format!("{top1:.1}")),
            ];
            for backend in &self.backends {
                let found = row.measured(backend);
                cells.push(found.map_or_else(dash, |found| {
                    let mark = if row.pareto.contains(backend) { "*" } else { " " };
                    format!("{}{mark}", milliseconds(found.latency.median_ms))
                }));
                if self.backend_has(backend, |found| found.latency.runs > 1) {
                    let spread = found.filter(|found| found.latency.runs > 1);
                    cells.push(spread.map_or_else(dash, |found| percent(found.latency.spread)));
                }
                if self.backend_has(backend, |found| found.energy_mj.is_some()) {
                    let energy = found.and_then(|found| found.energy_mj);
                    cells.push(energy.map_or_else(dash, |mj| format!("{mj:.2}")));
                }
                cells.push(found.map_or_else(
                    || "failed".to_owned(),
                    |found| row.comparison.describe(backend, found),
                ));
            }
            rows.add_row(cells);
        }
        write_table(&rows, out)?;
        self.write_notes(out)
    }
}

impl Matrix {
    fn write_notes(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut notes: Vec<String> = Vec::new();
        for row in &self.rows {
            for backend in &row.comparison.backends {
                let model = &row.comparison.model;
                notes.extend(backend.error.as_ref().map(|error| format!("{model}: {error}")));
            }
        }
        if self.rows.iter().any(|row| !row.pareto.is_empty()) {
            notes.push(
                "*: no other model is at least as fast and as accurate there, and better in one"
                    .into(),
            );
        }
        for backend in &self.backends {
            if self.backend_has(backend, |found| found.clock == "simulated") {
                notes.push(format!("{backend} is simulated: a prediction; nothing was timed"));
            }
        }
        if self.rows.iter().any(|row| row.top1.is_some()) {
            notes.push("top-1: as published or stated, not found out here".into());
        }
        if !notes.is_empty() {
            writeln!(out)?;
        }
        notes.iter().try_for_each(|note| writeln!(out, "{note}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::latency::Latency;
    use crate::report::{Answer, MemoryReport};

    fn row(model: &str, latency_ms: f64, top1: Option<f64>) -> MatrixRow {
        let measured = Measured {
            device: "a, b".into(),
            device_details: BTreeMap::new(),
            clock: "measured",
            latency: Latency::simulated(latency_ms),
            energy_mj: None,
            memory: MemoryReport {
                weight_bytes: 1,
                activation_bytes: 1,
                scratch_bytes: 1,
                total_bytes: 3,
            },
            answer: Answer::Top { top: vec![] },
            agreement: None,
            answer_agreement: None,
            output_sha256: String::new(),
            first_difference: None,
            profile: None,
            roofline: None,
        };
        let backend =
            BackendReport { backend: "cpu".into(), measured: Some(measured), error: None };
        let comparison = Comparison {
            model: model.into(),
            weights: "seeded",
            task: Some("classify"),
            image: "x".into(),
            backends: vec![backend],
        };
        MatrixRow::new(comparison, top1)
    }

    #[test]
    fn models_that_no_other_beats_are_marked() {
        let rows = vec![
            row("fast", 1.0, Some(60.0)),
            row("worse", 2.0, Some(59.0)),
            row("same as fast", 1.0, Some(60.0)),
            row("slow", 3.0, Some(75.0)),
            row("unknown", 0.5, None),
        ];
        let matrix = Matrix::new("x".into(), &["cpu".into(), "gpu".into()], rows);
        let best: Vec<bool> = matrix.rows.iter().map(|row| !row.pareto.is_empty()).collect();
        assert_eq!(best, [true, false, true, true, false]);
        let plot = matrix.plot().unwrap();
        assert_eq!(
            plot.series.iter().map(|series| series.points.len()).collect::<Vec<_>>(),
            [3, 1]
        );
    }

    #[test]
    fn cells_with_commas_are_quoted() {
        let matrix = Matrix::new("x".into(), &["cpu".into()], vec![row("m", 1.5, Some(60.0))]);
        let csv = matrix.to_csv();
        let columns = csv.lines().next().unwrap().split(',').count();
        let line = csv.lines().nth(1).unwrap();
        assert!(line.starts_with("m,seeded,60,cpu,\"a, b\",measured,1.5,1.5,1.5,0,1,,"), "{line}");
        assert_eq!(line.split(',').count(), columns + 1, "one comma is quoted");
    }

    #[test]
    fn a_plot_needs_a_model_that_ran_and_an_accuracy() {
        for (backend, top1) in [("cpu", None), ("gpu", Some(60.0))] {
            let matrix = Matrix::new("x".into(), &[backend.into()], vec![row("m", 1.0, top1)]);
            assert!(matrix.plot().unwrap_err().to_string().contains("nothing to plot"));
        }
    }
}
