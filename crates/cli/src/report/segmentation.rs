//! `segment`: how much of each picture belongs to which class.

use std::io::{self, Write};

use serde::Serialize;

use super::table::percent;
use super::top::class_name;
use super::{InferenceReport, Report};

/// All pictures on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Segmentations {
    #[serde(flatten)]
    pub inference: InferenceReport,
    pub images: Vec<SegmentedImage>,
}

/// One picture.
#[derive(Debug, Serialize)]
pub(crate) struct SegmentedImage {
    pub image: String,
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// Of this one run; the first includes warming up.
    pub latency_ms: f64,
    /// The picture that was drawn; null without `--output`.
    pub output: Option<String>,
    /// Classes that any pixel belongs to, largest first.
    pub classes: Vec<ClassShare>,
}

/// One class in one picture.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ClassShare {
    pub class: u8,
    /// The class's name; null if no labels were found.
    pub label: Option<String>,
    /// Its pixels as a share of all, from 0 to 1.
    pub share: f64,
}

impl ClassShare {
    /// The class's name, or its number.
    pub(crate) fn name(&self) -> String {
        class_name(self.label.as_deref(), self.class.into())
    }
}

impl Report for Segmentations {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (index, image) in self.images.iter().enumerate() {
            self.inference.write_heading(out, index, &image.image, image.latency_ms)?;
            for class in &image.classes {
                writeln!(
                    out,
                    "  {:>7}  {:>3}  {}",
                    percent(class.share),
                    class.class,
                    class.name()
                )?;
            }
            if let Some(output) = &image.output {
                writeln!(out, "  drawn to {output}")?;
            }
        }
        Ok(())
    }
}
