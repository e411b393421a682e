//! `convert`: the file that was written.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::table::count;

/// A network and the file that holds it now.
#[derive(Debug, Serialize)]
pub(crate) struct Conversion {
    pub model: String,
    /// "trained" or "seeded".
    pub weights: &'static str,
    pub file: String,
    pub format: String,
    pub bytes: u64,
    /// Nodes of the network; a format may take more operators, or fewer, to say them.
    pub layers: usize,
    pub parameters: u64,
    /// Type of the weights: "f32", "int8" or "mixed".
    pub precision: &'static str,
}

impl Report for Conversion {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { model, weights, file, format, bytes, layers, parameters, precision } = self;
        let parameters = count(*parameters);
        writeln!(
            out,
            "{file}: {model} ({weights} weights) as {format}, {bytes} bytes: {layers} layers, \
             {parameters} parameters, {precision}"
        )
    }
}
