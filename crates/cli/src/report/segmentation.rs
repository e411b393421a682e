//! `segment`: how much of each picture belongs to which class.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::table::{milliseconds, percent};

/// All pictures on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Segmentations {
    pub model: String,
    /// `trained` or `seeded`: whether the answers mean anything.
    pub weights: &'static str,
    pub backend: &'static str,
    pub device: String,
    /// Whether latencies were `measured` or `simulated`.
    pub clock: &'static str,
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
        match &self.label {
            Some(label) => label.clone(),
            None => format!("class {}", self.class),
        }
    }
}

impl Report for Segmentations {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (index, image) in self.images.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            let latency = milliseconds(image.latency_ms);
            let (model, backend, clock) = (&self.model, self.backend, self.clock);
            writeln!(out, "{} ({model} on {backend}, {latency} ms {clock})", image.image)?;
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
