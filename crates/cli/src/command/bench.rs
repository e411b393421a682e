//! `bench`: how long a run takes.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, bail};
use clap::Args;
use pocketvision::vision::SamplePicture;
use pocketvision::{Clock, CompileOptions, DeviceInfo, GpuTuning, Model, Plan, Tensor, tune_gpu};

use super::run_clock;
use crate::baseline::{self, Baseline, Baselines, Setting, baseline_name};
use crate::latency::{Latency, measure_watched};
use crate::options::{DeviceOptions, ModelOptions, PrecisionOption};
use crate::report::{self, Benchmark, GpuRun, MILLIJOULES_PER_PICOJOULE, Regression};
use crate::terminal;

/// Time one model on one backend
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision bench
  pocketvision bench --model mobilenet_v2_1.0_224_quant --threads 1 --runs 200
  pocketvision bench --model mobilenet-edgetpu-1.0 --precision f32 --backend gpu --json
  pocketvision bench --save before
  pocketvision bench --against before --fail-over 5

On the simulated Edge TPU the latency is the simulator's, computed once; nothing is timed.

A baseline keeps every run's time, and what was timed on what: it is compared with nothing else.
The interval of a change comes from drawing from both runs' times again and again (a bootstrap of
the ratio of medians): it covers how runs scatter, not that the machine was busier or warmer.
--fail-over fails if all of the interval is above the limit. Baselines are kept in the folder of
--baselines, else of $POCKETVISION_BASELINES, else among the user's data.")]
pub(crate) struct Bench {
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    /// Images a run, for models that are built in
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// Timed runs
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    runs: u32,
    /// Runs before those that are timed
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    warm_up: u32,
    /// First measure how the gpu backend best cuts this network, and remember it
    #[arg(long)]
    tune: bool,
    /// Keep the times as a baseline of this name, in the place of an older one
    #[arg(long, value_name = "NAME", value_parser = baseline_name)]
    save: Option<String>,
    /// Compare with the baseline of this name
    #[arg(long, value_name = "NAME", value_parser = baseline_name)]
    against: Option<String>,
    /// Fail if that baseline was surely faster by more than so many percent
    #[arg(long, value_name = "PERCENT", requires = "against", value_parser = limit_percent)]
    fail_over: Option<f64>,
    /// Folder of baselines
    #[arg(long, value_name = "DIR")]
    baselines: Option<PathBuf>,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Bench {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let backend = self.device.backend(&self.backend)?;
        let model = self.model.open_batch(self.batch as usize)?;
        let inputs = some_inputs(&model);
        let device = backend.device();
        let setting = setting(&model, &device);
        // Before any work: a run that cannot be compared is for nothing.
        let baseline = self.baseline(&setting)?;
        if self.tune {
            if backend.name() != "gpu" {
                bail!("--tune is for the gpu backend; add --backend gpu");
            }
            report_tuning(&tune_gpu(model.graph(), &self.device.options())?);
        }

        let start = Instant::now();
        let mut plan = backend.compile(model.graph(), &CompileOptions::default())?;
        let compile_ms = start.elapsed().as_secs_f64() * 1e3;
        let simulated = device.clock == Clock::Simulated;
        let warm_up_runs = if simulated { 0 } else { self.warm_up as usize };
        let (times_ms, energy_pj) = if simulated {
            let profile = plan.profile(&inputs)?;
            (vec![profile.latency_ms], profile.energy_pj)
        } else {
            (self.time(&mut *plan, &inputs)?, None)
        };
        let latency = Latency::of_runs(times_ms.clone());
        let against = baseline.map(|baseline| Regression::new(&baseline, &times_ms));
        let gpu = match backend.name() {
            "gpu" => Some(GpuRun::of(&plan.profile(&inputs)?, device.name.clone())),
            _ => None,
        };
        let batch = model.graph().ty(model.graph().inputs()[0]).shape.n;
        let benchmark = Benchmark {
            model: model.name().to_owned(),
            backend: backend.name(),
            clock: run_clock(device.clock),
            device: device.to_string(),
            batch,
            macs: model.graph().macs(),
            warm_up_runs,
            compile_ms,
            images_per_second: batch as f64 / (latency.median_ms / 1e3),
            latency,
            energy_mj: energy_pj.map(|pj| pj * MILLIJOULES_PER_PICOJOULE),
            memory_bytes: plan.memory().total_bytes(),
            gpu,
            saved_to: self.save(setting, run_clock(device.clock), times_ms)?,
            against,
        };
        report::print(&benchmark, json, out)?;
        out.flush()?;
        match (&benchmark.against, self.fail_over) {
            (Some(against), Some(limit)) if against.is_over(limit) => {
                bail!("{}", against.failure(limit))
            }
            _ => Ok(()),
        }
    }

    /// Milliseconds of each run. Runs that take long together are counted for who waits.
    fn time(&self, plan: &mut dyn Plan, inputs: &[Tensor]) -> Result<Vec<f64>> {
        let (warm_up, runs) = (self.warm_up as usize, self.runs as usize);
        let mut progress = None;
        let timed = measure_watched(plan, inputs, warm_up, runs, |run, elapsed| {
            if run == 1 && elapsed * self.runs > LONG {
                progress = Some(terminal::progress(runs, "runs"));
            }
            if let Some(progress) = &progress {
                progress.set_position(run as u64);
            }
        });
        if let Some(progress) = progress {
            progress.finish_and_clear();
        }
        Ok(timed?.times_ms)
    }

    /// The baseline to compare with. It must be of the same network on the same device.
    fn baseline(&self, setting: &Setting) -> Result<Option<Baseline>> {
        let Some(name) = &self.against else { return Ok(None) };
        let baseline = Baselines::open(self.baselines.as_deref())?.load(name)?;
        if let Some(difference) = baseline.setting.difference(setting) {
            bail!("baseline '{name}' cannot be compared with: {difference}");
        }
        Ok(Some(baseline))
    }

    /// Keeps the times if asked to; the file.
    fn save(
        &self,
        setting: Setting,
        clock: &'static str,
        times_ms: Vec<f64>,
    ) -> Result<Option<String>> {
        let Some(name) = &self.save else { return Ok(None) };
        let baseline = Baseline {
            format: baseline::FORMAT,
            name: name.clone(),
            saved_at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            setting,
            clock: clock.to_owned(),
            times_ms,
        };
        let file = Baselines::open(self.baselines.as_deref())?.save(&baseline)?;
        Ok(Some(file.display().to_string()))
    }
}

fn setting(model: &Model, device: &DeviceInfo) -> Setting {
    let graph = model.graph();
    let details = device.details.iter();
    Setting {
        model: model.name().to_owned(),
        precision: PrecisionOption::of(model).name().to_owned(),
        input_shape: graph.ty(graph.inputs()[0]).shape.dims(),
        macs: graph.macs(),
        backend: device.backend.to_owned(),
        device: device.name.clone(),
        device_details: details.map(|(what, value)| ((*what).to_owned(), value.clone())).collect(),
        system: match device.clock {
            Clock::Simulated => "any".to_owned(),
            _ => format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        },
    }
}

fn limit_percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if (0.0..=10_000.0).contains(&percent) => Ok(percent),
        _ => Err("a number from 0 to 10000 is expected".into()),
    }
}

/// So long nobody wonders whether anything happens.
const LONG: Duration = Duration::from_secs(1);

/// One line on stderr for each way that the network was run in.
fn report_tuning(tuned: &GpuTuning) {
    for (way, time) in tuned.times_ms.iter().enumerate() {
        let time = match time {
            Some(ms) => format!("{ms:.2} ms"),
            None => "wrong results: not used (is the driver up to date?)".into(),
        };
        let chosen = if tuned.chosen == Some(way) { ", the fastest" } else { "" };
        terminal::note(format!("way {} to cut it: {time}{chosen}", way + 1));
    }
}

/// A picture where the network takes one, zeros elsewhere.
pub(super) fn some_inputs(model: &Model) -> Vec<Tensor> {
    let graph = model.graph();
    let picture = model.preprocess(&SamplePicture::Macaw.paint(640, 480)).ok();
    let mut inputs: Vec<Tensor> =
        graph.inputs().iter().map(|&id| Tensor::zeros(graph.ty(id))).collect();
    if let Some(picture) = picture {
        inputs[0] = picture;
    }
    inputs
}
