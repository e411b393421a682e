//! `devices`: what can run networks here.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use pocketvision::{BACKEND_NAMES, gpu_adapters};

use crate::one_line;
use crate::options::DeviceOptions;
use crate::report::{self, DeviceReport};

/// List backends and the devices behind them
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision devices
  pocketvision devices --json")]
pub(crate) struct Devices {
    #[command(flatten)]
    device: DeviceOptions,
}

impl Devices {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let backends = BACKEND_NAMES.iter().map(|name| self.device_report(name)).collect();
        let devices = report::Devices { backends, gpu_adapters: gpu_adapters() };
        report::print(&devices, json, out)
    }

    fn device_report(&self, backend: &'static str) -> DeviceReport {
        match self.device.backend(backend) {
            Ok(opened) => {
                let device = opened.device();
                DeviceReport {
                    backend,
                    device: Some(device.name),
                    clock: Some(device.clock.to_string()),
                    details: device.details.into_iter().collect(),
                    error: None,
                }
            }
            Err(error) => DeviceReport {
                backend,
                device: None,
                clock: None,
                details: Default::default(),
                error: Some(one_line(&error)),
            },
        }
    }
}
