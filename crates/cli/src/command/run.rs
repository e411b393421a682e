//! `run`: raw tensors in, raw tensors out.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use pocketvision::{CompileOptions, Graph, Keep, Signature, Tensor};

use crate::npy;
use crate::options::{DeviceOptions, ModelChoices};
use crate::output_file;
use crate::report::{self, SavedTensor, SavedTensors};

/// Run a network on tensors from .npy files and write what it yields as .npy files
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision run mobilenet.tflite --input photo.npy --output results
  pocketvision run mobilenet.tflite --input photo.npy --output layers --every-node -b gpu

Numbers are read and written in the network's own type: a quantized network of TFLite takes
and yields uint8 or int8. Inputs must be of the network's shape, in C order; leading
dimensions of 1 do not matter. A vector of scores is written as [batch, classes], anything
else as [batch, height, width, channels]. Files are named after nodes; with --every-node
their place in the network comes first.")]
pub(crate) struct Run {
    /// Model: a name (see `pocketvision models`) or a file
    model: String,
    /// Input as a .npy file; repeat for networks of several inputs, in their order
    #[arg(long, short, value_name = "FILE", required = true)]
    input: Vec<PathBuf>,
    /// Folder to write to; made if it does not exist
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Backend: cpu, gpu, edgetpu-sim or reference
    #[arg(long, short, default_value = "cpu")]
    backend: String,
    /// Write every node's output, not only the network's
    #[arg(long)]
    every_node: bool,
    #[command(flatten)]
    choices: ModelChoices,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Run {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let backend = self.device.backend(&self.backend)?;
        let model = self.choices.open_named(&self.model)?;
        let graph = model.graph();
        let keep = if self.every_node { Keep::EveryNode } else { Keep::Outputs };
        let options = CompileOptions { keep };
        let inputs = self.read_inputs(&Signature::new(graph, &options))?;
        output_file::make_folder(&self.output)?;

        let mut plan = backend.compile(graph, &options)?;
        let outputs = plan.run(&inputs)?;
        let mut taken = HashSet::new();
        let mut saved = Vec::with_capacity(outputs.len());
        for (id, tensor) in outputs.iter() {
            let node = graph.node(id);
            let stem = file_stem(&node.name, self.every_node.then_some(id.index()), &mut taken);
            let path = self.output.join(format!("{stem}.npy"));
            npy::write(&path, tensor)?;
            saved.push(saved_tensor(graph, id, tensor, &path));
        }
        let (model, backend) = (model.name().to_owned(), backend.name());
        report::print(&SavedTensors { model, backend, outputs: saved }, json, out)
    }

    fn read_inputs(&self, signature: &Signature) -> Result<Vec<Tensor>> {
        if self.input.len() != signature.inputs.len() {
            let names: Vec<String> = signature
                .inputs
                .iter()
                .map(|port| format!("'{}' {}", port.name, port.ty))
                .collect();
            bail!(
                "--input was given {} times, but the network takes {}: {}",
                self.input.len(),
                signature.inputs.len(),
                names.join(", "),
            );
        }
        self.input.iter().zip(&signature.inputs).map(|(file, port)| npy::read(file, port)).collect()
    }
}

fn saved_tensor(
    graph: &Graph,
    id: pocketvision::NodeId,
    tensor: &Tensor,
    path: &Path,
) -> SavedTensor {
    SavedTensor {
        node: graph.node(id).name.clone(),
        op: graph.node(id).op.name(),
        shape: tensor.shape().dims(),
        element: tensor.element().to_string(),
        file: path.display().to_string(),
    }
}

/// A node's name as a file may be called on any system, unlike all before it.
fn file_stem(name: &str, index: Option<usize>, taken: &mut HashSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-.".contains(c) { c } else { '_' };
    let name: String = name.chars().map(plain).take(MAX_NAME_CHARACTERS).collect();
    let name = name.trim_matches('.').to_owned();
    let stem = match index {
        Some(index) => format!("{index:03}_{name}"),
        None if name.is_empty() => "output".into(),
        None => name,
    };
    let numbered = (2..).map(|number| format!("{stem}_{number}"));
    let mut candidates = std::iter::once(stem.clone()).chain(numbered);
    // Systems that ignore case must not lose a file either.
    candidates.find(|candidate| taken.insert(candidate.to_lowercase())).unwrap_or(stem)
}

/// Leaves room for a number and an extension in the 255 bytes that file systems allow.
const MAX_NAME_CHARACTERS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain_and_distinct() {
        let mut taken = HashSet::new();
        let mut stem = |name: &str, index| file_stem(name, index, &mut taken);
        assert_eq!(stem("Mobilenet/Predictions/Softmax", None), "Mobilenet_Predictions_Softmax");
        assert_eq!(stem("a:b", None), "a_b");
        assert_eq!(stem("A/b", None), "A_b_2");
        assert_eq!(stem("../../etc/passwd", None), "_.._etc_passwd");
        assert_eq!(stem("", None), "output");
        assert_eq!(stem("conv", Some(7)), "007_conv");
        assert_eq!(stem(&"x".repeat(500), None).len(), 200);
    }
}
