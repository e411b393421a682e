//! `sweep`: many chips and networks at once.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use pocketvision::Model;
use pocketvision::edgetpu_sim::{Chip, Estimate, Partition, Workload};
use rayon::prelude::*;

use crate::options::ModelChoices;
use crate::output_file;
use crate::report::{self, SweepPoint, SweepReport, plot_file};
use crate::terminal;

/// Vary the simulated chip, the network, or both
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision sweep --vary clock=125:500:125
  pocketvision sweep --vary tiles=2,4,8 --vary memory=65536,196608 --csv chips.csv --svg chips.svg
  pocketvision sweep --models mobilenet-v2-1.0,mobilenet-edgetpu-1.0 --chip pixel4 --svg nets.svg
  pocketvision sweep --vary energy.mac_pj=0.1,0.2 --json

A figure is named as in a chip's file (array.clock_mhz), or is one of: clock, tiles (rows and
columns alike), lanes, memory (activations), parameters (of wide memory), bandwidth (both ways).
Its values are a list (2,4,8) or a range with a step (125:500:125). All combinations are
simulated. The plot shows latency and energy. Points of the Pareto front are marked: no other is
at least as fast and as frugal, and better in one.")]
pub(crate) struct Sweep {
    /// Chip to begin with: a preset or a .toml file
    #[arg(long, value_name = "CHIP", default_value = "coral-usb")]
    chip: String,
    /// A figure of the chip and its values; may be repeated
    #[arg(long, value_name = "FIGURE=VALUES", value_parser = variation)]
    vary: Vec<Variation>,
    /// Models, separated by commas
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    #[arg(default_value = "mobilenet-edgetpu-1.0")]
    models: Vec<String>,
    /// Write all points as a table for programs
    #[arg(long, value_name = "FILE.csv")]
    csv: Option<PathBuf>,
    /// Write a plot of latency and energy
    #[arg(long, value_name = "FILE.svg|.png")]
    #[arg(value_parser = plot_file())]
    svg: Option<PathBuf>,
    #[command(flatten)]
    choices: ModelChoices,
}

/// A figure and the values that it takes.
#[derive(Clone, PartialEq, Debug)]
struct Variation {
    figure: String,
    values: Vec<f64>,
}

impl Sweep {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        self.refuse_figures_that_vary_twice()?;
        let chip = pocketvision::chip(&self.chip)?;
        let networks = self.networks()?;
        let points: usize = self.vary.iter().map(|v| v.values.len()).product();
        if points.saturating_mul(networks.len()) > MOST_POINTS {
            bail!(
                "{points} chips and {} networks are too many: at most {MOST_POINTS} points",
                networks.len()
            );
        }
        let chips = self.chips(&chip, points)?;
        let cells: Vec<(&Network, &(Vec<f64>, Chip))> = networks
            .iter()
            .flat_map(|network| chips.iter().map(move |chip| (network, chip)))
            .collect();
        let progress = terminal::progress(cells.len(), "points");
        let point = |(network, (values, chip)): (&Network, &(Vec<f64>, Chip))| {
            let point = network.point(values, chip);
            progress.inc(1);
            point
        };
        let rows: Vec<SweepPoint> = cells.into_par_iter().map(point).collect();
        progress.finish_and_clear();
        let figures = self.vary.iter().map(|variation| variation.figure.clone()).collect();
        let report = SweepReport::new(chip.name, figures, rows);
        if let Some(path) = &self.csv {
            output_file::write(path, report.to_csv())?;
        }
        if let Some(path) = &self.svg {
            report.plot().write(path)?;
        }
        report::print(&report, json, out)
    }

    /// Of two values at once, only one would count.
    fn refuse_figures_that_vary_twice(&self) -> Result<()> {
        let mut varied = HashSet::new();
        for figure in self.vary.iter().flat_map(|variation| figures(&variation.figure)) {
            if !varied.insert(figure) {
                bail!("{figure} varies twice: state its values in one --vary");
            }
        }
        Ok(())
    }

    fn networks(&self) -> Result<Vec<Network>> {
        self.models
            .iter()
            .map(|name| {
                let model = self.choices.open_named(name)?;
                let workload = Workload::new(model.graph());
                Ok(Network { partition: Partition::new(model.graph()), workload, model })
            })
            .collect()
    }

    /// Every combination of values, with its chip.
    fn chips(&self, base: &Chip, points: usize) -> Result<Vec<(Vec<f64>, Chip)>> {
        let mut chips = Vec::with_capacity(points);
        for index in 0..points {
            let (mut chip, mut rest) = (base.clone(), index);
            let mut values = Vec::with_capacity(self.vary.len());
            for Variation { figure, values: all } in &self.vary {
                let value = all[rest % all.len()];
                rest /= all.len();
                for name in figures(figure) {
                    chip.set(name, value)?;
                }
                values.push(value);
            }
            // What varies one by one may contradict itself together.
            chip.check().context("this combination is no chip")?;
            chips.push((values, chip));
        }
        Ok(chips)
    }
}

struct Network {
    model: Model,
    workload: Workload,
    partition: Partition,
}

impl Network {
    fn point(&self, values: &[f64], chip: &Chip) -> SweepPoint {
        let estimate = Estimate::of_workload(&self.workload, &self.partition.places, chip);
        SweepPoint::new(self.model.name(), values, self.workload.macs(), estimate, chip)
    }
}

/// The figures that a name stands for.
fn figures(name: &str) -> Vec<&str> {
    match name {
        "clock" => vec!["array.clock_mhz"],
        "tiles" => vec!["array.tile_rows", "array.tile_columns"],
        "lanes" => vec!["array.lanes_per_tile"],
        "memory" => vec!["memory.narrow_bytes_per_tile"],
        "parameters" => vec!["memory.wide_bytes_per_tile", "memory.parameter_bytes_per_tile"],
        "bandwidth" => {
            vec!["link.host_to_device_bytes_per_second", "link.device_to_host_bytes_per_second"]
        }
        name => vec![name],
    }
}

/// A figure and its values, as in `clock=125:500:125`.
fn variation(text: &str) -> Result<Variation, String> {
    let expected = "a figure and its values are expected, as in clock=125:500:125 or tiles=2,4,8";
    let (figure, values) = text.split_once('=').ok_or(expected)?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    let values = match values.split(':').collect::<Vec<_>>()[..] {
        [from, to, step] => {
            let (from, to, step) = number(from)
                .zip(number(to))
                .zip(number(step))
                .map(|((a, b), c)| (a, b, c))
                .ok_or(expected)?;
            let count = ((to - from) / step + 1e-9).floor();
            if step <= 0.0 || !(0.0..MOST_POINTS as f64).contains(&count) {
                return Err(format!(
                    "a range is FROM:TO:STEP with FROM up to TO, a step above 0 and at most \
                     {MOST_POINTS} values"
                ));
            }
            (0..=count as usize).map(|index| from + index as f64 * step).collect()
        }
        _ => values.split(',').map(number).collect::<Option<Vec<f64>>>().ok_or(expected)?,
    };
    if figure.is_empty() || values.is_empty() {
        return Err(expected.into());
    }
    Ok(Variation { figure: figure.to_owned(), values })
}

/// More than a plot can show, and a minute's work.
const MOST_POINTS: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        sweep: Sweep,
    }

    #[test]
    fn a_figure_varies_once_by_whatever_name() {
        let line = |figures: &[&str]| {
            let options = figures.iter().flat_map(|figure| ["--vary", *figure]);
            Line::parse_from(["sweep"].into_iter().chain(options)).sweep
        };
        let refused = |figures: &[&str]| line(figures).refuse_figures_that_vary_twice().is_err();
        assert!(refused(&["clock=1", "clock=2"]));
        assert!(refused(&["tiles=2", "array.tile_rows=4"]));
        assert!(!refused(&["clock=1", "tiles=2", "memory=65536"]));
    }

    #[test]
    fn values_are_a_list_or_a_range() {
        let values = |text| variation(text).map(|variation| variation.values);
        assert_eq!(values("clock=125:500:125"), Ok(vec![125.0, 250.0, 375.0, 500.0]));
        assert_eq!(values("tiles=2, 4,8"), Ok(vec![2.0, 4.0, 8.0]));
        for wrong in ["clock", "clock=", "=3", "clock=1:2", "clock=1:0:1", "clock=1:2:0", "x=nan"] {
            assert!(values(wrong).is_err(), "{wrong}");
        }
    }
}
