//! `detect`: the objects in each picture.

use std::io::{self, Write};

use pocketvision::vision::DetectedObject;
use serde::Serialize;

use super::Report;
use super::table::milliseconds;

/// All pictures on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Detections {
    pub model: String,
    /// `trained` or `seeded`: whether the answers mean anything.
    pub weights: &'static str,
    pub backend: &'static str,
    pub device: String,
    /// Whether latencies were `measured` or `simulated`.
    pub clock: &'static str,
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
        match &self.label {
            Some(label) => label.clone(),
            None => format!("class {}", self.class),
        }
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
            if index > 0 {
                writeln!(out)?;
            }
            let latency = milliseconds(image.latency_ms);
            let (model, backend, clock) = (&self.model, self.backend, self.clock);
            writeln!(out, "{} ({model} on {backend}, {latency} ms {clock})", image.image)?;
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
