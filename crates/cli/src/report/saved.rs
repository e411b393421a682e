//! `run`: the files that were written.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;

/// All tensors of one run.
#[derive(Debug, Serialize)]
pub(crate) struct SavedTensors {
    pub model: String,
    pub backend: &'static str,
    pub outputs: Vec<SavedTensor>,
}

/// One tensor.
#[derive(Debug, Serialize)]
pub(crate) struct SavedTensor {
    pub node: String,
    pub op: &'static str,
    /// Batch, height, width, channels.
    pub shape: [usize; 4],
    /// The element, quantization included.
    pub element: String,
    pub file: String,
}

impl Report for SavedTensors {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.outputs.iter().try_for_each(|tensor| writeln!(out, "{}", tensor.file))
    }
}
