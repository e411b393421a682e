//! `evaluate`: accuracy over pictures of which the truth is known.

use std::io::{self, Write};

use pocketvision::vision::{DetectionAccuracy, Labels, SegmentationAccuracy};
use serde::Serialize;

use super::Report;
use super::top::class_name;

/// Accuracy of one model on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Evaluation {
    pub model: String,
    /// `trained` or `seeded`: whether the answers mean anything.
    pub weights: &'static str,
    /// `classify`, `detect` or `segment`.
    pub task: &'static str,
    pub backend: &'static str,
    pub folder: String,
    /// Number of pictures.
    pub images: usize,
    #[serde(flatten)]
    pub accuracy: EvaluatedAccuracy,
    /// Wall time of it all, decoding included.
    pub elapsed_s: f64,
}

/// What was measured. All figures are in percent.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum EvaluatedAccuracy {
    /// Of a classifier.
    Classes {
        /// Pictures whose class is the best one.
        top1: f64,
        /// Pictures whose class is among the best five.
        top5: f64,
    },
    /// Of a detector, as COCO defines them; null where no object of that size was there.
    Boxes {
        /// Objects that were there to be found.
        objects: usize,
        /// Average precision over thresholds from 0.50 to 0.95.
        ap: f64,
        ap50: f64,
        ap75: f64,
        ap_small: Option<f64>,
        ap_medium: Option<f64>,
        ap_large: Option<f64>,
        /// Average recall with 1, 10 and 100 detections of a class a picture.
        ar1: f64,
        ar10: f64,
        ar100: f64,
        per_class: Vec<ClassFigure>,
    },
    /// Of a segmentation.
    Pixels {
        /// Pictures of the folder that have no mask, and were left out.
        without_mask: usize,
        /// Pixels that counted.
        pixels: u64,
        /// Mean intersection over union.
        mean_iou: f64,
        /// Pixels whose class is right.
        pixel_accuracy: f64,
        per_class: Vec<ClassFigure>,
    },
}

/// Average precision or intersection over union of a class that was there.
#[derive(Debug, Serialize)]
pub(crate) struct ClassFigure {
    pub class: usize,
    /// The class's name; null if no labels were found.
    pub label: Option<String>,
    pub percent: f64,
}

impl EvaluatedAccuracy {
    /// A detector's.
    pub(crate) fn boxes(accuracy: &DetectionAccuracy, labels: Option<&Labels>) -> Self {
        let percent = |share: f64| 100.0 * share;
        Self::Boxes {
            objects: accuracy.objects,
            ap: percent(accuracy.average_precision),
            ap50: percent(accuracy.at_50),
            ap75: percent(accuracy.at_75),
            ap_small: accuracy.small.map(percent),
            ap_medium: accuracy.medium.map(percent),
            ap_large: accuracy.large.map(percent),
            ar1: percent(accuracy.recall_1),
            ar10: percent(accuracy.recall_10),
            ar100: percent(accuracy.recall_100),
            per_class: figures(&accuracy.per_class, labels),
        }
    }

    /// A segmentation's.
    pub(crate) fn pixels(
        accuracy: &SegmentationAccuracy,
        labels: Option<&Labels>,
        without_mask: usize,
    ) -> Self {
        Self::Pixels {
            without_mask,
            pixels: accuracy.pixels,
            mean_iou: 100.0 * accuracy.mean_iou,
            pixel_accuracy: 100.0 * accuracy.pixel_accuracy,
            per_class: figures(&accuracy.per_class, labels),
        }
    }
}

fn figures(shares: &[Option<f64>], labels: Option<&Labels>) -> Vec<ClassFigure> {
    let figure = |(class, share): (usize, &Option<f64>)| {
        let label = labels.and_then(|labels| labels.name(class)).map(str::to_owned);
        share.map(|share| ClassFigure { class, label, percent: 100.0 * share })
    };
    shares.iter().enumerate().filter_map(figure).collect()
}

impl Report for Evaluation {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { model, backend, folder, images, elapsed_s, .. } = self;
        writeln!(out, "{model} on {backend}: {images} images of {folder} in {elapsed_s:.1} s")?;
        match &self.accuracy {
            EvaluatedAccuracy::Classes { top1, top5 } => {
                writeln!(out, "  top-1  {top1:5.1} %")?;
                writeln!(out, "  top-5  {top5:5.1} %")
            }
            EvaluatedAccuracy::Boxes {
                objects,
                ap,
                ap50,
                ap75,
                ap_small,
                ap_medium,
                ap_large,
                ar100,
                ..
            } => {
                writeln!(
                    out,
                    "  AP         {ap:5.1} %  of {objects} objects, as COCO measures it"
                )?;
                writeln!(out, "  AP50       {ap50:5.1} %")?;
                writeln!(out, "  AP75       {ap75:5.1} %")?;
                for (name, figure) in
                    [("AP small ", ap_small), ("AP medium", ap_medium), ("AP large ", ap_large)]
                {
                    match figure {
                        Some(percent) => writeln!(out, "  {name}  {percent:5.1} %")?,
                        None => writeln!(out, "  {name}      -  no such objects")?,
                    }
                }
                writeln!(out, "  AR100      {ar100:5.1} %")
            }
            EvaluatedAccuracy::Pixels {
                without_mask, mean_iou, pixel_accuracy, per_class, ..
            } => {
                if *without_mask > 0 {
                    writeln!(out, "  {without_mask} images without a mask are left out")?;
                }
                writeln!(out, "  mean IoU  {mean_iou:5.1} %  over {} classes", per_class.len())?;
                writeln!(out, "  pixels    {pixel_accuracy:5.1} %")?;
                per_class.iter().try_for_each(|figure| {
                    let name = class_name(figure.label.as_deref(), figure.class);
                    writeln!(out, "  {:>8.1} %  {name}", figure.percent)
                })
            }
        }
    }
}
