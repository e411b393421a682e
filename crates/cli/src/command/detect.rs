//! `detect`: what is where in these pictures.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use pocketvision::Task;
use pocketvision::vision::draw_detections;

use super::inference_report;
use crate::inference::Inference;
use crate::options::{
    DeviceOptions, ModelOptions, open_image, picture_list, share, warn_about_seeded_weights,
};
use crate::output_file;
use crate::picture_files::PictureFiles;
use crate::report::{self, DetectedImage, DetectedObjectReport, Detections};
use crate::terminal;

/// Find objects in pictures, and draw boxes around them
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision detect pets.jpg -o found.png
  pocketvision detect *.jpg -o found/ --min-score 0.4
  pocketvision detect street.jpg --json --backend gpu

Boxes are in pixels of the picture, from its upper left corner. Names of classes are those of
the dataset that the network was trained on, or the lines of MODEL.labels.txt beside it.")]
pub(crate) struct Detect {
    /// Pictures: JPEG, PNG or BMP [default: one of our own]
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    /// Draw the boxes: a .png file for one picture, a folder for many
    #[arg(long, short, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// Lowest score of an object that is shown, from 0 to 1
    #[arg(long, value_name = "S", default_value_t = 0.5, value_parser = share)]
    min_score: f32,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Detect {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let files: Vec<Option<&Path>> = picture_list(&self.images);
        let outputs = self.output.as_ref().map(|output| PictureFiles::plan(output, &files));
        let outputs = outputs.transpose()?;
        let mut inference =
            Inference::open(Task::Detect, &self.model, &self.backend, &self.device, files.len())?;

        let mut images = Vec::with_capacity(files.len());
        let progress = terminal::progress(files.len(), "pictures");
        for (index, file) in files.iter().enumerate() {
            let (image, mut picture) = open_image(*file)?;
            let (width, height) = picture.size();
            let (results, latency_ms) = inference.run(&picture)?;
            let objects = inference.model.detections(&results, &picture, self.min_score);
            let output = match &outputs {
                None => None,
                Some(outputs) => {
                    let file = outputs.file(index)?;
                    draw_detections(&mut picture, &objects);
                    output_file::write_with(file, |file| picture.write_png(file))?;
                    Some(file.display().to_string())
                }
            };
            let objects = objects.into_iter().map(DetectedObjectReport::from).collect();
            images.push(DetectedImage { image, width, height, latency_ms, output, objects });
            progress.inc(1);
        }
        progress.finish_and_clear();
        let detections = Detections {
            inference: inference_report(&inference),
            min_score: self.min_score,
            images,
        };
        warn_about_seeded_weights(&inference.model);
        report::print(&detections, json, out)
    }
}
