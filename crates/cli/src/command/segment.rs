//! `segment`: what each pixel of these pictures belongs to.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use pocketvision::vision::{ClassMap, Image, Placement, class_name, draw_class_map, is_background};
use pocketvision::{Model, Task, hint};

use super::inference_report;
use crate::inference::Inference;
use crate::options::{
    DeviceOptions, ModelOptions, open_image, picture_list, warn_about_seeded_weights,
};
use crate::output_file;
use crate::picture_files::PictureFiles;
use crate::report::{self, ClassShare, Segmentations, SegmentedImage};
use crate::terminal;

/// Find out what each pixel of pictures belongs to, and colour it
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision segment pets.jpg -o colored.png
  pocketvision segment pets.jpg -o dog.png --draw cut-out --class dog
  pocketvision segment *.jpg -o maps/ --draw classes
  pocketvision segment street.jpg --json --model deeplab_cityscapes.tflite

Pictures that are written have the size of the picture that was read. Names of classes are
those of the dataset that the network was trained on, or the lines of MODEL.labels.txt beside
it.")]
pub(crate) struct Segment {
    /// Pictures: JPEG, PNG or BMP [default: one of our own]
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    /// Draw the result: a .png file for one picture, a folder for many
    #[arg(long, short, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// What to draw
    #[arg(long, value_enum, default_value = "overlay", requires = "output")]
    draw: Drawing,
    /// Class to cut out, by name or number; may be repeated [default: all but a background]
    #[arg(long = "class", value_name = "CLASS")]
    wanted: Vec<String>,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    device: DeviceOptions,
}

/// What a picture of the result shows.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Drawing {
    /// The picture, coloured by class, with a legend
    Overlay,
    /// The colours of the classes alone
    Colors,
    /// Grey pixels that are the numbers of the classes, for other programs
    Classes,
    /// The picture, transparent where it is of no class that was asked for
    CutOut,
}

impl Segment {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        if !self.wanted.is_empty() && self.draw != Drawing::CutOut {
            bail!("--class says what --draw cut-out leaves: pass both");
        }
        let files: Vec<Option<&Path>> = picture_list(&self.images);
        let outputs = self.output.as_ref().map(|output| PictureFiles::plan(output, &files));
        let outputs = outputs.transpose()?;
        let mut inference =
            Inference::open(Task::Segment, &self.model, &self.backend, &self.device, files.len())?;
        let wanted = self.wanted_classes(&inference.model)?;

        let mut images = Vec::with_capacity(files.len());
        let progress = terminal::progress(files.len(), "pictures");
        for (index, file) in files.iter().enumerate() {
            let (image, picture) = open_image(*file)?;
            let (width, height) = picture.size();
            let (results, latency_ms) = inference.run(&picture)?;
            let model = &inference.model;
            let map = model.class_map(&results)?;
            let placement = model.placement(&picture).context("the network takes no picture")?;
            let classes = shares(model, &map);
            let output = match &outputs {
                None => None,
                Some(outputs) => {
                    let file = outputs.file(index)?;
                    self.write(file, model, &map, picture, &placement, &wanted)?;
                    Some(file.display().to_string())
                }
            };
            images.push(SegmentedImage { image, width, height, latency_ms, output, classes });
            progress.inc(1);
        }
        progress.finish_and_clear();
        let segmentations = Segmentations { inference: inference_report(&inference), images };
        warn_about_seeded_weights(&inference.model);
        report::print(&segmentations, json, out)
    }

    fn write(
        &self,
        file: &Path,
        model: &Model,
        map: &ClassMap,
        mut picture: Image,
        placement: &Placement,
        wanted: &[bool; 256],
    ) -> Result<()> {
        output_file::write_with(file, |out| match self.draw {
            Drawing::Overlay => {
                let map = map.to_photo(placement);
                draw_class_map(&mut picture, &map, &model.palette(), model.labels());
                picture.write_png(out)
            }
            Drawing::Colors => map.to_photo(placement).write_colored_png(out, &model.palette()),
            Drawing::Classes => map.to_photo(placement).write_png(out),
            Drawing::CutOut => {
                let belongs = |class: u8| wanted[usize::from(class)];
                map.write_cut_out(out, &picture, placement, belongs)
            }
        })
    }

    /// For each class, whether it is cut out.
    fn wanted_classes(&self, model: &Model) -> Result<[bool; 256]> {
        let count = model.classes().unwrap_or(0).min(256);
        let names: Vec<String> =
            (0..=255).take(count).map(|class| class_name(model.labels(), class)).collect();
        let mut wanted = [false; 256];
        for (class, name) in names.iter().enumerate().filter(|_| self.wanted.is_empty()) {
            wanted[class] = !is_background(name);
        }
        for class in &self.wanted {
            let by_name = names.iter().position(|name| name.eq_ignore_ascii_case(class));
            let by_number = || class.parse().ok().filter(|number| *number < count);
            let Some(number) = by_name.or_else(by_number) else {
                let hint = hint(class, names.iter().map(String::as_str));
                bail!("{} has no class '{class}'; {hint}", model.name());
            };
            wanted[number] = true;
        }
        Ok(wanted)
    }
}

/// How much of a map each class has, most first.
pub(super) fn shares(model: &Model, map: &ClassMap) -> Vec<ClassShare> {
    let pixels = map.classes().len() as f64;
    let mut shares: Vec<ClassShare> = (map.pixels_of_each().into_iter().zip(0..=255))
        .filter(|(count, _)| *count > 0)
        .map(|(count, class)| ClassShare {
            class,
            label: model.labels().and_then(|labels| labels.name(class.into())).map(str::to_owned),
            share: count as f64 / pixels,
        })
        .collect();
    shares.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.class.cmp(&b.class)));
    shares
}
