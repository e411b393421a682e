//! `detect`: the objects in each picture.

use std::io::{self, Write};

use pocketvision::vision::DetectedObject;
use serde::Serialize;

use super::top::class_name;
use super::{InferenceReport, Report};

/// All pictures on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Detections {
    #[serde(flatten)]
    pub inference: InferenceReport,
    /// Objects of lower scores are left out.
    pub min_score: f32,
    pub images: Vec<DetectedImage>,
}

/// One picture.
#[derive(Debug, Serialize)]
pub(crate) struct DetectedImage {
    pub image: String,
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// Of this one run; the first includes warming up.
    pub latency_ms: f64,
    /// The picture that was drawn; null without `--output`.
    pub output: Option<String>,
    /// Best first.
    pub objects: Vec<DetectedObjectReport>,
}

/// One object.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DetectedObjectReport {
    /// Position among the network's classes, a background class not counted.
    pub class: usize,
    /// The class's name; null if no labels were found.
    pub label: Option<String>,
    pub score: f32,
    /// In pixels of the picture, from its upper left corner.
    #[serde(rename = "box")]
    pub bounds: BoxReport,
}

/// The sides of a box.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct BoxReport {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl DetectedObjectReport {
    /// The class's name, or its number.
    pub(crate) fn name(&self) -> String {
        class_name(self.label.as_deref(), self.class)
    }
}

impl From<DetectedObject> for DetectedObjectReport {
    fn from(object: DetectedObject) -> Self {
        let DetectedObject { bounds, class, label, score } = object;
        let bounds = BoxReport {
            left: bounds.left,
            top: bounds.top,
            right: bounds.right,
            bottom: bounds.bottom,
        };
        Self { class, label, score, bounds }
    }
}

impl Report for Detections {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (index, image) in self.images.iter().enumerate() {
            self.inference.write_heading(out, index, &image.image, image.latency_ms)?;
            if image.objects.is_empty() {
                writeln!(out, "  nothing that scores {:.2} or more", self.min_score)?;
            }
            for object in &image.objects {
                let name = object.name();
                let BoxReport { left, top, right, bottom } = object.bounds;
                let (width, height) = (right - left, bottom - top);
                writeln!(
                    out,
                    "  {:>5.2}  {name:<16} {width:4.0} x {height:<4.0} at {left:.0}, {top:.0}",
                    object.score
                )?;
            }
            if let Some(output) = &image.output {
                writeln!(out, "  drawn to {output}")?;
            }
        }
        Ok(())
    }
}
