//! `classify`: what is in these pictures.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pocketvision::Task;
use pocketvision::vision::{Image, SamplePicture};

use super::inference_report;
use crate::inference::Inference;
use crate::options::{DeviceOptions, ModelOptions, open_image, warn_about_seeded_weights};
use crate::report::{self, Classification, ClassifiedImage, top_classes};
use crate::terminal;

/// Name what is in pictures
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision classify
  pocketvision classify parrot.jpg
  pocketvision classify *.jpg --top 1 --json
  pocketvision classify parrot.jpg --model mobilenet.tflite --backend edgetpu-sim

Names of classes come from MODEL.labels.txt or imagenet_labels.txt beside the model, or from
imagenet_labels.txt in a folder named labels next to the folder of models.")]
pub(crate) struct Classify {
    /// Pictures: JPEG, PNG or BMP [default: five of our own]
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    /// Classes to show of each picture
    #[arg(long, value_name = "K", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Classify {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let count = self.images.len() + self.own_pictures().len();
        let mut inference =
            Inference::open(Task::Classify, &self.model, &self.backend, &self.device, count)?;
        let mut images = Vec::new();
        let progress = terminal::progress(count, "pictures");
        for picture in self.pictures() {
            let (image, picture) = picture?;
            let (outputs, latency_ms) = inference.run(&picture)?;
            let top = top_classes(inference.model.top_k(&outputs, self.top as usize));
            images.push(ClassifiedImage { image, latency_ms, top });
            progress.inc(1);
        }
        progress.finish_and_clear();
        let classification = Classification { inference: inference_report(&inference), images };
        warn_about_seeded_weights(&inference.model);
        report::print(&classification, json, out)
    }

    /// Our own pictures, unless others are asked for.
    fn own_pictures(&self) -> &'static [SamplePicture] {
        if self.images.is_empty() { &SamplePicture::ALL } else { &[] }
    }

    /// Names and pictures, each opened when its turn comes: those asked for, or our own.
    fn pictures(&self) -> impl Iterator<Item = Result<(String, Image)>> {
        let painted = self
            .own_pictures()
            .iter()
            .map(|picture| Ok((format!("painted {}", picture.name()), picture.paint(640, 480))));
        painted.chain(self.images.iter().map(|file| open_image(Some(file))))
    }
}
