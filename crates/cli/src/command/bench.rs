//! `bench`: how long a run takes.

use std::io::Write;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use pocketvision::vision::sample_picture;
use pocketvision::{Clock, CompileOptions, GpuTuning, Model, Tensor, tune_gpu};

use super::run_clock;
use crate::latency::{Latency, measure};
use crate::options::{DeviceOptions, ModelOptions};
use crate::report::{self, Benchmark, GpuRun, MILLIJOULES_PER_PICOJOULE};

/// Time one model on one backend
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision bench
  pocketvision bench --model mobilenet_v2_1.0_224_quant --threads 1 --runs 200
  pocketvision bench --model mobilenet-edgetpu-1.0 --precision f32 --backend gpu --json

On the simulated Edge TPU the latency is the simulator's, computed once; nothing is timed.")]
pub(crate) struct Bench {
    #[command(flatten)]
    model: ModelOptions,
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
    #[command(flatten)]
    device: DeviceOptions,
}

impl Bench {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let backend = self.device.backend(&self.backend)?;
        let model = self.model.open_batch(self.batch as usize)?;
        let inputs = some_inputs(&model);
        let device = backend.device();
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
        let (latency, energy_pj) = if simulated {
            let profile = plan.profile(&inputs)?;
            (Latency::simulated(profile.latency_ms), profile.energy_pj)
        } else {
            (measure(&mut *plan, &inputs, warm_up_runs, self.runs as usize)?.1, None)
        };
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
        };
        report::print(&benchmark, json, out)
    }
}

/// One line on stderr for each way that the network was run in.
fn report_tuning(tuned: &GpuTuning) {
    for (way, time) in tuned.times_ms.iter().enumerate() {
        let time = match time {
            Some(ms) => format!("{ms:.2} ms"),
            None => "wrong results: not used (is the driver up to date?)".into(),
        };
        let chosen = if tuned.chosen == Some(way) { ", the fastest" } else { "" };
        let _ = writeln!(std::io::stderr(), "way {} to cut it: {time}{chosen}", way + 1);
    }
}

/// A picture where the network takes one, zeros elsewhere.
pub(super) fn some_inputs(model: &Model) -> Vec<Tensor> {
    let graph = model.graph();
    let picture = model.preprocess(&sample_picture(640, 480)).ok();
    let mut inputs: Vec<Tensor> =
        graph.inputs().iter().map(|&id| Tensor::zeros(graph.ty(id))).collect();
    if let Some(picture) = picture {
        inputs[0] = picture;
    }
    inputs
}
