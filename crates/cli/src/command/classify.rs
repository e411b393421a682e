//! `classify`: what is in these pictures.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use pocketvision::{Clock, CompileOptions};

use super::{run_clock, weights_name};
use crate::options::{DeviceOptions, ModelOptions, open_image, warn_about_seeded_weights};
use crate::report::{self, Classification, ClassifiedImage, top_classes};

/// Name what is in pictures
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision classify parrot.jpg
  pocketvision classify *.jpg --top 1 --json
  pocketvision classify parrot.jpg --model mobilenet.tflite --backend edgetpu-sim

Names of classes come from MODEL.labels.txt or imagenet_labels.txt beside the model, or from
imagenet_labels.txt in a folder named labels next to the folder of models.")]
pub(crate) struct Classify {
    /// Pictures: JPEG, PNG or BMP [default: one of our own]
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelOptions,
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    /// Classes to show of each picture
    #[arg(long, value_name = "K", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Classify {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let backend = self.device.backend(&self.backend)?;
        let model = self.model.open()?;
        if model.classes().is_none() {
            bail!("{} is no classifier: its output is not one score a class", model.name());
        }
        let mut plan = backend.compile(model.graph(), &CompileOptions::default())?;
        let device = backend.device();

        let files: Vec<Option<&Path>> = match self.images.as_slice() {
            [] => vec![None],
            files => files.iter().map(|file| Some(file.as_path())).collect(),
        };
        let mut images = Vec::with_capacity(files.len());
        for file in files {
            let (image, picture) = open_image(file)?;
            let inputs = [model.preprocess(&picture)?];
            let start = Instant::now();
            let outputs = plan.run(&inputs)?;
            let latency_ms = match device.clock {
                Clock::Simulated => plan.profile(&inputs)?.latency_ms,
                Clock::HostWall | Clock::DeviceTimestamp => start.elapsed().as_secs_f64() * 1e3,
            };
            let top = top_classes(model.top_k(&outputs, self.top as usize));
            images.push(ClassifiedImage { image, latency_ms, top });
        }
        let classification = Classification {
            model: model.name().to_owned(),
            weights: weights_name(&model),
            backend: backend.name(),
            device: device.name,
            clock: run_clock(device.clock),
            images,
        };
        warn_about_seeded_weights(&model);
        report::print(&classification, json, out)
    }
}
