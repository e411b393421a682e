//! `evaluate`: how right a network is, over pictures of which the truth is known.

mod classify;
mod detect;
mod each_picture;
mod segment;

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use pocketvision::Task;

use super::weights_name;
use crate::inference::check_task;
use crate::options::{DeviceOptions, ModelChoices, TaskOption, warn_about_seeded_weights};
use crate::report::{self, Evaluation};

/// Measure accuracy over a folder of pictures of which the truth is known
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision evaluate mobilenet.tflite imagenet/val
  pocketvision evaluate mobilenet.tflite photos --backend gpu --wnids wnids.txt --json
  pocketvision evaluate ssd.tflite val2017 --annotations instances_val2017.json
  pocketvision evaluate deeplab.tflite JPEGImages --masks SegmentationClass

What is measured follows from the network's task.

A classifier's top-1 and top-5: the folder holds either pictures named WNID_anything.JPEG, as
in n01440764_tench.JPEG, or one folder of pictures for each class, named by WordNet id, by
index among the network's scores, or by label. WordNet ids become indices by their line in a
list of them, one more for a network whose first class is a background: --wnids FILE, or else
imagenet_1000_wnids.txt in the folder, beside it, in a folder named labels up to two levels
above, or next to the folders of $POCKETVISION_MODELS.

A detector's average precision, as COCO defines it: boxes come from COCO's file of
annotations, of which the pictures in the folder count, or from a text file for each picture,
beside it or in a folder named labels, with YOLO's lines of class, centre and size.

A segmentation's mean intersection over union: each picture has a PNG mask of the same name,
whose grey or palette values are classes, 255 those that do not count. It is compared in the
size of the network's own map.")]
pub(crate) struct Evaluate {
    /// Model: a name (see `pocketvision models`) or a file
    model: String,
    /// Folder of pictures
    folder: PathBuf,
    /// What to measure; refused if the network is for something else [default: found out]
    #[arg(long, value_enum)]
    task: Option<TaskOption>,
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    /// Of a classifier: list of WordNet ids, one a line, in the order of the classes
    #[arg(long, value_name = "FILE")]
    wnids: Option<PathBuf>,
    /// Of a detector: COCO's file of annotations
    #[arg(long, value_name = "FILE")]
    annotations: Option<PathBuf>,
    /// Of a segmentation: folder of masks [default: masks, semantic or SegmentationClass, in
    /// the folder or beside it]
    #[arg(long, value_name = "DIR")]
    masks: Option<PathBuf>,
    /// Of a segmentation: what the numbers in masks mean
    #[arg(long, value_enum, default_value = "network")]
    mask_classes: MaskClasses,
    #[command(flatten)]
    choices: ModelChoices,
    #[command(flatten)]
    device: DeviceOptions,
}

/// What the numbers in masks mean.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum MaskClasses {
    /// The network's classes
    Network,
    /// COCO's categories from 1, 0 not counting; they become the network's classes by name
    Coco,
}

impl Evaluate {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let backend = self.device.backend(&self.backend)?;
        let model = self.choices.open_named(&self.model)?;
        let task = self.task.map(TaskOption::task).or(model.task()).unwrap_or(Task::Classify);
        check_task(&model, task)?;

        let start = Instant::now();
        let (images, accuracy) = match task {
            Task::Classify => self.classify(&*backend, &model)?,
            Task::Detect => self.detect(&*backend, &model)?,
            Task::Segment => self.segment(&*backend, &model)?,
        };
        let evaluation = Evaluation {
            model: model.name().to_owned(),
            weights: weights_name(&model),
            task: task.name(),
            backend: backend.name(),
            folder: self.folder.display().to_string(),
            images,
            accuracy,
            elapsed_s: start.elapsed().as_secs_f64(),
        };
        warn_about_seeded_weights(&model);
        report::print(&evaluation, json, out)
    }
}
