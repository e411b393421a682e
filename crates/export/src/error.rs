//! Why a graph is not a file.

use std::io;
use std::path::PathBuf;

use pocketvision_core::op::Window;
use pocketvision_core::{Graph, Node, Op};
use thiserror::Error;

use crate::Format;

/// A graph could not be written.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::models;
/// use pocketvision_export::{ExportError, Format, to_bytes};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let int8 = network.build(&network.options())?;
/// // Checkpoints hold the weights of float networks.
/// let error = to_bytes(&int8, Format::Safetensors).unwrap_err();
/// assert!(matches!(error, ExportError::NotDefined { .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
pub enum ExportError {
    /// An extension that is of no format.
    #[error("{}: networks are written as {}; give the file such an extension", path.display(), extensions())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// Something that the format has no words for.
    #[error("node '{node}' ({op}) cannot be written as {format}: {problem}")]
    Node {
        /// The node's name.
        node: String,
        /// Its operator.
        op: &'static str,
        /// The format.
        format: Format,
        /// What there are no words for, and what to do.
        problem: Box<Problem>,
    },
    /// A network without a definition, whose weights alone would mean nothing.
    #[error(
        "{network}: a safetensors file holds the weights of a network that is built in, as it is \
         defined, and this is not one: {reason}; write the network itself, as .tflite or .onnx"
    )]
    NotDefined {
        /// The network's name.
        network: String,
        /// What does not fit.
        reason: String,
    },
    /// More than the format's offsets can count.
    #[error("the weights fill {bytes} bytes; a {format} file holds at most {limit_bytes}")]
    Size {
        /// The format.
        format: Format,
        /// What the weights fill.
        bytes: u64,
        /// What the format holds.
        limit_bytes: u64,
    },
    /// The file or its folder.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What a format has no words for.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum Problem {
    /// Elements that the format's operators do not take.
    #[error("its elements are {element}; build the network in f32 or int8")]
    Element {
        /// The element.
        element: String,
    },
    /// An operator that is read but not written yet.
    #[error("this operator is not written as {format}; write the network without it")]
    NotWritten {
        /// The format.
        format: Format,
    },
    /// Something that is computed of a class map or of detections.
    #[error(
        "it reads '{name}', whose result has another type or shape in the file; make '{name}' an \
         output of the network"
    )]
    ReadResult {
        /// The node that is read.
        name: String,
    },
    /// A transposed convolution whose edges are cut off as no padding cuts them.
    #[error(
        "it cuts off {crop_top} rows above and {crop_left} columns on the left, which neither SAME \
         nor VALID padding does"
    )]
    Crop {
        /// Rows that are cut off above.
        crop_top: usize,
        /// Columns that are cut off on the left.
        crop_left: usize,
    },
    /// A transposed convolution whose output goes on beyond what its input reaches.
    #[error("its output of {output_h}x{output_w} pixels goes beyond what its input reaches")]
    Beyond {
        /// Rows of the output.
        output_h: usize,
        /// Columns of the output.
        output_w: usize,
    },
    /// A border whose pixels do not count, or count as the smallest number.
    #[error(
        "its padding {window:?} is neither SAME nor VALID, and a border of zeros would count; \
         use SAME or VALID padding"
    )]
    PoolPadding {
        /// The pool's window.
        window: Window,
    },
    /// A pool that skips pixels.
    #[error(
        "its taps are {dilation_h} rows and {dilation_w} columns apart; pools have no dilation"
    )]
    PoolDilation {
        /// Rows between two taps.
        dilation_h: usize,
        /// Columns between two taps.
        dilation_w: usize,
    },
    /// Probabilities at another scale than the kernels yield.
    #[error("its output is {element}; integer probabilities have scale 1/256 and zero point -128")]
    Probabilities {
        /// The output's element.
        element: String,
    },
}

/// Fails if a node reads what the format holds in another type or shape than the graph.
pub(crate) fn refuse_reading(
    graph: &Graph,
    node: &Node,
    is_result: impl Fn(&Op) -> bool,
) -> Result<(), Problem> {
    let mut read = node.inputs.iter().map(|&input| graph.node(input));
    match read.find(|input| is_result(&input.op)) {
        Some(input) => Err(Problem::ReadResult { name: input.name.clone() }),
        None => Ok(()),
    }
}

fn extensions() -> String {
    Format::ALL.map(|format| format!(".{}", format.extension())).join(" or ")
}
