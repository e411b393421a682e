//! What `classify`, `detect` and `segment` have in common: a network that saw pictures.

use std::io::{self, Write};

use serde::Serialize;

use super::table::milliseconds;

/// Which network it was, and what it ran on.
#[derive(Debug, Serialize)]
pub(crate) struct InferenceReport {
    pub model: String,
    /// `trained` or `seeded`: whether the answers mean anything.
    pub weights: &'static str,
    pub backend: &'static str,
    pub device: String,
    /// Whether latencies were `measured` or `simulated`.
    pub clock: &'static str,
}

impl InferenceReport {
    /// The line above what was found in a picture, apart from what was found in the one before.
    pub(super) fn write_heading(
        &self,
        out: &mut dyn Write,
        index: usize,
        image: &str,
        latency_ms: f64,
    ) -> io::Result<()> {
        if index > 0 {
            writeln!(out)?;
        }
        let Self { model, backend, clock, .. } = self;
        let latency = milliseconds(latency_ms);
        writeln!(out, "{image} ({model} on {backend}, {latency} ms {clock})")
    }
}
