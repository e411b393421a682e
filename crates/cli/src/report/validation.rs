//! `validate`: predicted beside published.

use std::io::{self, Write};

use pocketvision::edgetpu_sim::validation::{Quantity, Row};
use serde::Serialize;

use super::Report;
use super::table::{table, write_table};

/// Every published figure with its prediction, and how far they are apart on average.
#[derive(Debug, Serialize)]
pub(crate) struct Validation {
    pub groups: Vec<GroupReport>,
    pub rows: Vec<RowReport>,
}

/// Rows of one kind, in total.
#[derive(Debug, Serialize)]
pub(crate) struct GroupReport {
    pub group: String,
    /// Rows that count: published without reservation, and predicted.
    pub rows: usize,
    /// Those of them that chose no constant.
    pub predictions: usize,
    pub mean_error_percent: f64,
    pub worst_error_percent: f64,
    /// The mean over those that chose no constant; null if there are none.
    pub mean_error_of_predictions_percent: Option<f64>,
    /// What was to be reached, on average and at worst; null where nothing was promised.
    pub goal_mean_percent: Option<f64>,
    pub goal_worst_percent: Option<f64>,
    /// Whether it is; null where nothing was promised.
    pub reached: Option<bool>,
}

/// One published figure.
#[derive(Debug, Serialize)]
pub(crate) struct RowReport {
    pub group: String,
    pub chip: &'static str,
    pub network: &'static str,
    pub quantity: &'static str,
    /// Null where the network is not modelled.
    pub predicted: Option<f64>,
    pub published: f64,
    /// Predicted above published.
    pub error_percent: Option<f64>,
    pub certainty: &'static str,
    /// The constant that the row was used to choose; null for a prediction.
    pub used_for: Option<&'static str>,
    pub source: &'static str,
    pub note: &'static str,
}

impl Validation {
    pub(crate) fn new(rows: &[Row]) -> Self {
        let groups = GOALS.iter().filter_map(|goal| group(goal, rows)).collect();
        let report = |row: &Row| RowReport {
            group: group_of(row).to_owned(),
            chip: row.chip,
            network: row.network,
            quantity: row.quantity.name(),
            predicted: row.predicted,
            published: row.published,
            error_percent: row.error_percent(),
            certainty: row.certainty,
            used_for: (!row.used_for.is_empty()).then_some(row.used_for),
            source: row.source,
            note: row.note,
        };
        Self { groups, rows: rows.iter().map(report).collect() }
    }

    /// The same as Markdown, for the documentation.
    pub(crate) fn write_markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "| figures | rows | mean error | worst | goal | predictions only |")?;
        writeln!(out, "|---|---|---|---|---|---|")?;
        for group in &self.groups {
            let GroupReport { group: name, rows, predictions, .. } = group;
            writeln!(
                out,
                "| {name} | {rows} | {:.1} % | {:+.1} % | {} | {} |",
                group.mean_error_percent,
                group.worst_error_percent,
                goal_text(group),
                group.mean_error_of_predictions_percent.map_or_else(
                    || "none".to_owned(),
                    |mean| format!("{mean:.1} % over {predictions}")
                ),
            )?;
        }
        for group in &self.groups {
            writeln!(out, "\n### {}\n", capitalized(&group.group))?;
            writeln!(out, "| chip | network | published | predicted | error | chose |")?;
            writeln!(out, "|---|---|---|---|---|---|")?;
            let predicted = |row: &&RowReport| row.predicted.is_some();
            for row in self.rows.iter().filter(|row| row.group == group.group).filter(predicted) {
                let doubt = if row.certainty == "ok" { "" } else { " (uncertain)" };
                writeln!(
                    out,
                    "| {} | {} | {}{doubt} | {} | {} | {} |",
                    row.chip,
                    row.network,
                    number(row.published),
                    row.predicted.map_or_else(|| "-".into(), number),
                    error(row.error_percent),
                    row.used_for.unwrap_or(""),
                )?;
            }
        }
        Ok(())
    }
}

impl Report for Validation {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let header = ["group", "chip", "network", "published", "predicted", "error", "chose"];
        let mut rows = table(&header, &[3, 4, 5]);
        for row in self.rows.iter().filter(|row| row.predicted.is_some()) {
            let doubt = if row.certainty == "ok" { "" } else { " ?" };
            rows.add_row([
                row.group.clone(),
                row.chip.into(),
                row.network.into(),
                format!("{}{doubt}", number(row.published)),
                row.predicted.map_or_else(|| "-".into(), number),
                error(row.error_percent),
                row.used_for.unwrap_or("").into(),
            ]);
        }
        write_table(&rows, out)?;
        let left_out = self.rows.iter().filter(|row| row.predicted.is_none()).count();
        writeln!(out, "\n{left_out} published rows are of networks that are not modelled\n")?;
        let header = ["group", "rows", "mean error", "worst", "goal", "predictions only"];
        let mut groups = table(&header, &[1, 2, 3, 5]);
        for group in &self.groups {
            let of_predictions = group.mean_error_of_predictions_percent;
            groups.add_row([
                group.group.clone(),
                group.rows.to_string(),
                format!("{:.1} %", group.mean_error_percent),
                error(Some(group.worst_error_percent)),
                goal_text(group),
                of_predictions.map_or_else(|| "-".into(), |mean| format!("{mean:.1} %")),
            ]);
        }
        write_table(&groups, out)
    }
}

/// Which rows are judged together.
fn group_of(row: &Row) -> &'static str {
    match (row.quantity, row.chip) {
        (Quantity::Cycles, _) => "compiler's cycles",
        (Quantity::CachedParameterBytes, _) => "cached parameter bytes",
        (Quantity::NarrowBytesPerTile, _) => "narrow memory per tile",
        (Quantity::InstructionBytes, _) => "instruction bytes",
        (Quantity::FirstCallMs, _) => "first calls",
        (Quantity::LatencyMs, "pixel4") => "Pixel 4 latency",
        (Quantity::LatencyMs, _) => "Coral latency",
    }
}

/// A group and what its mean and worst error in percent shall be at most.
struct Goal {
    group: &'static str,
    mean: Option<f64>,
    worst: Option<f64>,
}

/// Set before the model was written.
const GOALS: [Goal; 7] = [
    Goal { group: "compiler's cycles", mean: Some(3.0), worst: Some(8.0) },
    Goal { group: "cached parameter bytes", mean: None, worst: Some(1.0) },
    Goal { group: "narrow memory per tile", mean: None, worst: Some(5.0) },
    Goal { group: "instruction bytes", mean: None, worst: None },
    Goal { group: "Coral latency", mean: Some(12.0), worst: None },
    Goal { group: "Pixel 4 latency", mean: Some(5.0), worst: None },
    Goal { group: "first calls", mean: None, worst: None },
];

fn group(goal: &Goal, rows: &[Row]) -> Option<GroupReport> {
    let counted: Vec<(f64, bool)> = rows
        .iter()
        .filter(|row| row.counts() && group_of(row) == goal.group)
        .filter_map(|row| Some((row.error_percent()?, row.used_for.is_empty())))
        .collect();
    let mean = |errors: &[f64]| {
        let sum: f64 = errors.iter().map(|error| error.abs()).sum();
        (!errors.is_empty()).then(|| sum / errors.len() as f64)
    };
    let errors: Vec<f64> = counted.iter().map(|(error, _)| *error).collect();
    let predictions: Vec<f64> =
        counted.iter().filter(|(_, predicted)| *predicted).map(|(error, _)| *error).collect();
    let mean_error_percent = mean(&errors)?;
    let worst_error_percent = errors.into_iter().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    let within = |goal: Option<f64>, error: f64| goal.map(|goal| error.abs() <= goal);
    let verdicts = [within(goal.mean, mean_error_percent), within(goal.worst, worst_error_percent)];
    let promised: Vec<bool> = verdicts.into_iter().flatten().collect();
    Some(GroupReport {
        group: goal.group.to_owned(),
        rows: counted.len(),
        predictions: predictions.len(),
        mean_error_percent,
        worst_error_percent,
        mean_error_of_predictions_percent: mean(&predictions),
        goal_mean_percent: goal.mean,
        goal_worst_percent: goal.worst,
        reached: (!promised.is_empty()).then(|| promised.iter().all(|&held| held)),
    })
}

fn goal_text(group: &GroupReport) -> String {
    let mean = group.goal_mean_percent.map(|goal| format!("mean {goal} %"));
    let worst = group.goal_worst_percent.map(|goal| format!("worst {goal} %"));
    let goals: Vec<String> = mean.into_iter().chain(worst).collect();
    match group.reached {
        None => "none".to_owned(),
        Some(true) => format!("{}: reached", goals.join(", ")),
        Some(false) => format!("{}: missed", goals.join(", ")),
    }
}

fn error(percent: Option<f64>) -> String {
    percent.map_or_else(|| "-".into(), |percent| format!("{percent:+.1} %"))
}

/// Counts whole, milliseconds with three digits.
fn number(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{value:.0}"),
        value if value >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
