//! `classify`: the best classes of each picture.

use std::io::{self, Write};

use serde::Serialize;

use super::top::TopClass;
use super::{InferenceReport, Report};

/// All pictures on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Classification {
    #[serde(flatten)]
    pub inference: InferenceReport,
    pub images: Vec<ClassifiedImage>,
}

/// One picture.
#[derive(Debug, Serialize)]
pub(crate) struct ClassifiedImage {
    pub image: String,
    /// Of this one run; the first includes warming up.
    pub latency_ms: f64,
    pub top: Vec<TopClass>,
}

impl Report for Classification {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (index, image) in self.images.iter().enumerate() {
            self.inference.write_heading(out, index, &image.image, image.latency_ms)?;
            for class in &image.top {
                writeln!(out, "  {:>6.3}  {:>4}  {}", class.score, class.index, class.name())?;
            }
        }
        Ok(())
    }
}
