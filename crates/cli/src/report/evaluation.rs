//! `evaluate`: accuracy over labelled pictures.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;

/// Accuracy of one model on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Evaluation {
    pub model: String,
    /// `trained` or `seeded`: whether the answers mean anything.
    pub weights: &'static str,
    pub backend: &'static str,
    pub folder: String,
    /// Number of pictures.
    pub images: usize,
    /// Pictures whose class is the best one, in percent.
    pub top1: f64,
    /// Pictures whose class is among the best five, in percent.
    pub top5: f64,
    /// Wall time of it all, decoding included.
    pub elapsed_s: f64,
}

impl Report for Evaluation {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { model, backend, folder, images, top1, top5, elapsed_s, .. } = self;
        writeln!(out, "{model} on {backend}: {images} images of {folder} in {elapsed_s:.1} s")?;
        writeln!(out, "  top-1  {top1:5.1} %")?;
        writeln!(out, "  top-5  {top5:5.1} %")
    }
}
