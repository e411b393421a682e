//! `convert`: a network in another format.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pocketvision::Graph;
use pocketvision::export::{self, Format};

use super::weights_name;
use crate::options::ModelChoices;
use crate::output_file;
use crate::report::{self, Conversion};

/// Write a network as a file that other programs read
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision convert mobilenet-v3-small small.tflite
  pocketvision convert mobilenet-v2-1.0 float.tflite --precision f32
  pocketvision convert mobilenet_v2.safetensors mobilenet_v2.tflite
  pocketvision convert mobilenet-edgetpu-1.0 edgetpu.onnx --precision f32

A .tflite or .onnx file holds the whole network, float or 8-bit. A .safetensors file holds the float
weights of a network that is built in, and nothing else. docs/formats.md says what becomes of
operators that a format lacks.")]
pub(crate) struct Convert {
    /// Model: a name (see `pocketvision models`) or a file
    model: String,
    /// File to write; its extension says the format
    output: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    choices: ModelChoices,
}

impl Convert {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let format = Format::from_path(&self.output)?;
        output_file::refuse_existing(&self.output, self.force)?;
        let model = self.choices.open_named(&self.model)?;
        let graph = model.graph();
        let bytes = export::to_bytes(graph, format)?;
        output_file::write(&self.output, &bytes)?;
        let conversion = Conversion {
            model: model.name().to_owned(),
            weights: weights_name(&model),
            file: self.output.display().to_string(),
            format: format.to_string(),
            bytes: bytes.len() as u64,
            layers: graph.nodes().len(),
            parameters: graph.parameters(),
            precision: precision(graph),
        };
        report::print(&conversion, json, out)
    }
}

/// Type of the weights, or of what is computed without any.
fn precision(graph: &Graph) -> &'static str {
    let weights = graph.nodes().iter().flat_map(|node| node.op.params().into_iter().next());
    let elements = weights.map(|weight| graph.param(weight).element().name());
    let mut names: Vec<&str> = elements.collect();
    names.sort_unstable();
    names.dedup();
    match names[..] {
        [] => graph.ty(graph.outputs()[0]).element.name(),
        [only] => only,
        _ => "mixed",
    }
}
