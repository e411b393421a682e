//! `profile`: where a run's time and energy go.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use pocketvision::CompileOptions;
use pocketvision::edgetpu_sim::{self, CompilerLog, Estimate};

use super::bench::some_inputs;
use crate::options::{DeviceOptions, ModelOptions};
use crate::report::trace::Trace;
use crate::report::{self, ProfileReport, Roof, Roofline, plot_file};

/// Show what each layer costs on one backend
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision profile
  pocketvision profile --model mobilenet_v2_1.0_224_quant --backend gpu --json
  pocketvision profile --backend edgetpu-sim --chip coral-pcie --trace timeline.json
  pocketvision profile --backend gpu --trace timeline.json
  pocketvision profile --backend edgetpu-sim --roofline roofline.svg --fps 30
  pocketvision profile --backend edgetpu-sim --compiler-log

The layers' times, with those of the row (other), sum to the total. A timeline opens in
ui.perfetto.dev; a graphics adapter without timestamps has one bar in it, the whole run. The roof
of a roofline plot is measured for cpu, the chip's for edgetpu-sim, and not known elsewhere.")]
pub(crate) struct Profile {
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    /// Write a timeline that Perfetto and chrome://tracing open
    #[arg(long, value_name = "FILE.json")]
    trace: Option<PathBuf>,
    /// Write a roofline plot: how near each layer comes to what the device can do
    #[arg(long, value_name = "FILE.svg|.png")]
    #[arg(value_parser = plot_file())]
    roofline: Option<PathBuf>,
    /// Show what the compiler says of each kind of operator (edgetpu-sim)
    #[arg(long, conflicts_with = "json")]
    compiler_log: bool,
    /// Calls a second to state the average power for (edgetpu-sim)
    #[arg(long, value_name = "FPS", value_parser = calls_per_second)]
    fps: Option<f64>,
    /// Temperature of the chip in degrees Celsius, at which its clock may be lowered (edgetpu-sim)
    #[arg(long, value_name = "CELSIUS", allow_negative_numbers = true)]
    temperature: Option<f64>,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Profile {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        if self.backend == edgetpu_sim::NAME {
            return self.simulate(json, out);
        }
        self.refuse_what_is_simulated()?;
        let backend = self.device.backend(&self.backend)?;
        let model = self.model.open()?;
        let inputs = some_inputs(&model);
        let mut plan = backend.compile(model.graph(), &CompileOptions::default())?;
        // The first run pays for pages and caches that later ones find ready.
        plan.run(&inputs)?;
        let profile = plan.profile(&inputs)?;
        let device = backend.device();
        if let Some(path) = &self.trace {
            let process = format!("{} on {device}", model.name());
            Trace::of_profile(&process, &model, &profile).write(path)?;
        }
        if let Some(path) = &self.roofline {
            let roof = match backend.name() {
                "cpu" => {
                    let peak = pocketvision::processor_peak(&self.device.options())?;
                    Some(Roof::of_processor(&peak, &model))
                }
                _ => None,
            };
            let title = format!("{} on {}", model.name(), device.name);
            Roofline::of_profile(&profile, roof).plot(title).write(path)?;
        }
        report::print(&ProfileReport::new(&model, device.name, &profile), json, out)
    }

    /// The simulated chip's cost needs no run: it depends on nothing that is computed.
    fn simulate(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let mut chip = self.device.chip()?;
        if let Some(celsius) = self.temperature {
            chip = chip.at_temperature(celsius)?;
        }
        let model = self.model.open()?;
        let estimate = Estimate::new(model.graph(), &chip)?;
        if let Some(path) = &self.trace {
            report::timeline(&model, &estimate, &chip).write(path)?;
        }
        if let Some(path) = &self.roofline {
            let title = format!("{} on {}", model.name(), chip.name);
            Roofline::of_estimate(&model, &estimate, &chip).plot(title).write(path)?;
        }
        if self.compiler_log {
            write!(out, "{}", CompilerLog::new(model.graph(), &estimate, &chip))?;
            return Ok(());
        }
        let device = format!("{}, {}", chip.name, chip.description);
        let report = ProfileReport::of_estimate(&model, device, &estimate, &chip, self.fps);
        report::print(&report, json, out)
    }

    fn refuse_what_is_simulated(&self) -> Result<()> {
        let asked = [
            ("--compiler-log", self.compiler_log),
            ("--fps", self.fps.is_some()),
            ("--temperature", self.temperature.is_some()),
        ];
        match asked.iter().find(|(_, asked)| *asked) {
            Some((option, _)) => {
                bail!("{option} is for --backend {}, not for {}", edgetpu_sim::NAME, self.backend)
            }
            None => Ok(()),
        }
    }
}

fn calls_per_second(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(fps) if fps > 0.0 && fps <= 1e6 => Ok(fps),
        _ => Err("a number above 0 and up to 1000000 is expected".into()),
    }
}
