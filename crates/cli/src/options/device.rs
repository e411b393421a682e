//! Which backend, and how a model runs on it.

use std::ops::RangeInclusive;

use anyhow::Result;
use clap::Args;
use pocketvision::edgetpu_sim::Chip;
use pocketvision::{Backend, BackendOptions, backend};

use super::DEVICE_HEADING;
use crate::terminal;
use crate::verbose::Told;

/// How to run it.
#[derive(Args, Debug)]
#[command(next_help_heading = DEVICE_HEADING)]
pub(crate) struct DeviceOptions {
    /// Threads of the cpu backend [default: one a core]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(THREADS))]
    pub threads: Option<u16>,
    /// Round the factors of the cpu backend's float products to bf16: faster and less exact
    #[arg(long)]
    pub bf16: bool,
    /// Store the gpu backend's float tensors in half precision: fewer bytes and less exact
    #[arg(long)]
    pub f16: bool,
    /// Chip of the edgetpu-sim backend: a preset or a .toml file [default: coral-usb]
    #[arg(long, value_name = "CHIP")]
    pub chip: Option<String>,
    /// GPU adapter to use: a part of its name [default: the best; see `pocketvision devices`]
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
}

/// How many threads may be asked for.
const THREADS: RangeInclusive<i64> = 1..=BackendOptions::MAX_THREADS as i64;

/// So often may the cpu backend run a network before it pays to prepare it for speed.
const FEW_RUNS: usize = 16;

impl DeviceOptions {
    /// Opens a backend.
    pub(crate) fn backend(&self, name: &str) -> Result<Box<dyn Backend>> {
        Self::open(name, &self.options())
    }

    /// Opens a backend whose plans will run so many times.
    pub(crate) fn backend_for_runs(&self, name: &str, runs: usize) -> Result<Box<dyn Backend>> {
        let few_runs = runs <= FEW_RUNS;
        Self::open(name, &BackendOptions { few_runs, ..self.options() })
    }

    fn open(name: &str, options: &BackendOptions) -> Result<Box<dyn Backend>> {
        let backend = backend(name, options)?;
        // Only on request, so that what is timed is the backend and nothing else.
        Ok(if terminal::is_verbose() { Box::new(Told(backend)) } else { backend })
    }

    /// The chip of the edgetpu-sim backend.
    pub(crate) fn chip(&self) -> Result<Chip> {
        Ok(pocketvision::chip(self.chip.as_deref().unwrap_or("coral-usb"))?)
    }

    /// As the library takes them.
    pub(crate) fn options(&self) -> BackendOptions {
        BackendOptions {
            threads: self.threads.map(usize::from),
            bf16: self.bf16,
            few_runs: false,
            half: self.f16,
            chip: self.chip.clone(),
            adapter: self.adapter.clone(),
        }
    }
}
