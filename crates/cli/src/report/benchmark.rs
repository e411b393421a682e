//! `bench`: latency of one model on one backend.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;
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
        if let Some(energy_mj) = self.energy_mj {
            writeln!(out, "  energy      {energy_mj:.2} mJ (modelled)")?;
        }
        let giga_macs_per_second = self.macs as f64 / median_ms / 1e6;
        writeln!(out, "  throughput  {:.1} images/s", self.images_per_second)?;
        writeln!(out, "  arithmetic  {} MAC, {giga_macs_per_second:.1} GMAC/s", count(self.macs))?;
        writeln!(out, "  compile     {} ms", milliseconds(self.compile_ms))?;
        writeln!(out, "  memory      {}", bytes(self.memory_bytes))
    }
}
