//! `bench`: latency of one model on one backend.

use std::io::{self, Write};

use pocketvision::{Clock, Profile};
use serde::Serialize;

use super::Report;
use super::regression::Regression;
use super::table::{bytes, count, milliseconds, percent};
use crate::latency::Latency;

/// One model on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Benchmark {
    pub model: String,
    pub backend: &'static str,
    pub device: String,
    /// Whether the latency was `measured` or `simulated`.
    pub clock: &'static str,
    /// Images a run.
    pub batch: usize,
    /// Multiply-accumulates of a run.
    pub macs: u64,
    /// Unobserved runs before those that are timed.
    pub warm_up_runs: usize,
    /// Reading the graph, packing weights, making the plan.
    pub compile_ms: f64,
    #[serde(flatten)]
    pub latency: Latency,
    /// Of the median run.
    pub images_per_second: f64,
    /// Modelled energy of a run; null where there is no model.
    pub energy_mj: Option<f64>,
    /// All memory that the plan holds.
    pub memory_bytes: u64,
    /// What only a graphics adapter has.
    #[serde(flatten)]
    pub gpu: Option<GpuRun>,
    /// The file of the baseline that was kept; null without `--save`.
    pub saved_to: Option<String>,
    /// The change since a baseline; null without `--against`.
    pub against: Option<Regression>,
}

/// A run on a graphics adapter.
#[derive(Debug, Serialize)]
pub(crate) struct GpuRun {
    /// The adapter's name.
    pub adapter: String,
    /// Dispatches of a run.
    pub dispatches: usize,
    /// Time between the device's timestamps around each dispatch, added up, of one run in
    /// which each has a pass of its own; null where the device has no clock.
    pub device_ms: Option<f64>,
}

impl GpuRun {
    /// From a profile, which has a row a dispatch and one of all else.
    pub(crate) fn of(profile: &Profile, adapter: String) -> Self {
        let rows = profile.layers.iter().filter(|layer| layer.name != Profile::OTHER);
        let dispatches = rows.clone().count();
        let device_ms = (profile.clock == Clock::DeviceTimestamp)
            .then(|| rows.map(|layer| layer.latency_ms).sum());
        Self { adapter, dispatches, device_ms }
    }
}

impl Report for Benchmark {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Latency { median_ms, min_ms, p95_ms, spread, runs } = self.latency;
        writeln!(out, "{} on {} ({})", self.model, self.backend, self.device)?;
        writeln!(out, "  clock       {}", self.clock)?;
        writeln!(out, "  median      {} ms", milliseconds(median_ms))?;
        if runs > 1 {
            writeln!(out, "  fastest     {} ms", milliseconds(min_ms))?;
            writeln!(out, "  95th pct.   {} ms", milliseconds(p95_ms))?;
            writeln!(out, "  spread      {} over {runs} runs", percent(spread))?;
        }
        if let Some(GpuRun { dispatches, device_ms, .. }) = &self.gpu {
            writeln!(out, "  dispatches  {dispatches}")?;
            if let Some(device_ms) = device_ms {
                writeln!(out, "  on device   {} ms", milliseconds(*device_ms))?;
            }
        }
        if let Some(energy_mj) = self.energy_mj {
            writeln!(out, "  energy      {energy_mj:.2} mJ (modelled)")?;
        }
        let giga_macs_per_second = self.macs as f64 / median_ms / 1e6;
        writeln!(out, "  throughput  {:.1} images/s", self.images_per_second)?;
        writeln!(out, "  arithmetic  {} MAC, {giga_macs_per_second:.1} GMAC/s", count(self.macs))?;
        writeln!(out, "  compile     {} ms", milliseconds(self.compile_ms))?;
        writeln!(out, "  memory      {}", bytes(self.memory_bytes))?;
        if let Some(against) = &self.against {
            against.write_text(out)?;
        }
        match &self.saved_to {
            Some(file) => writeln!(out, "  saved to    {file}"),
            None => Ok(()),
        }
    }
}
