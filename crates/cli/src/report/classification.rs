//! `classify`: the best classes of each picture.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::table::milliseconds;
use super::top::TopClass;

/// All pictures on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Classification {
    pub model: String,
    /// `trained` or `seeded`: whether the answers mean anything.
    pub weights: &'static str,
    pub backend: &'static str,
    pub device: String,
    /// Whether latencies were `measured` or `simulated`.
    pub clock: &'static str,
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
            if index > 0 {
                writeln!(out)?;
            }
            let latency = milliseconds(image.latency_ms);
            let (model, backend, clock) = (&self.model, self.backend, self.clock);
            writeln!(out, "{} ({model} on {backend}, {latency} ms {clock})", image.image)?;
            for class in &image.top {
                writeln!(out, "  {:>6.3}  {:>4}  {}", class.score, class.index, class.name())?;
            }
        }
        Ok(())
    }
}
