//! `profile`: where a run's time and energy go.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use pocketvision::CompileOptions;

use super::bench::some_inputs;
use crate::options::{DeviceOptions, ModelOptions};
use crate::report::{self, ProfileReport};

/// Show what each layer costs on one backend
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision profile
  pocketvision profile --backend edgetpu-sim --chip coral
  pocketvision profile --model mobilenet_v2_1.0_224_quant --backend gpu --json

The layers' times, with those of the row (other), sum to the total.")]
pub(crate) struct Profile {
    #[command(flatten)]
    model: ModelOptions,
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Profile {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let backend = self.device.backend(&self.backend)?;
        let model = self.model.open()?;
        let inputs = some_inputs(&model);
        let mut plan = backend.compile(model.graph(), &CompileOptions::default())?;
        // The first run pays for pages and caches that later ones find ready.
        plan.run(&inputs)?;
        let profile = plan.profile(&inputs)?;
        let device = backend.device().name;
        report::print(&ProfileReport::new(model.name(), device, &profile), json, out)
    }
}
