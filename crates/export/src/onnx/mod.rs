//! Graphs as ONNX files: opset 17, images as N, C, H, W.
//!
//! ```text
//! Graph ─► translation: values by name, integers between QuantizeLinear and DequantizeLinear
//!             └─► operator: what a node is in ONNX's words
//!                     └─► model: messages, and from them the bytes
//! ```
//!
//! **Vectors** (height and width 1) that a linear layer yields have two dimensions, as ONNX's
//! classifiers have; so have outputs of that kind. Everything else has four.
//!
//! **Integers** are said as ONNX says them: a float operator between pairs of `QuantizeLinear`
//! and `DequantizeLinear`. Reading the file again gives the same integer network. Other
//! runtimes round each sum in their own way, half to even, and differ by single steps.

mod model;
mod operator;
mod translation;

use pocketvision_core::Graph;

use crate::{ExportError, Format};

/// The bytes of a file that holds the graph.
pub(crate) fn to_bytes(graph: &Graph) -> Result<Vec<u8>, ExportError> {
    let bytes = graph.parameter_bytes();
    if bytes > MAX_WEIGHT_BYTES {
        let (format, limit_bytes) = (Format::Onnx, MAX_WEIGHT_BYTES);
        return Err(ExportError::Size { format, bytes, limit_bytes });
    }
    Ok(translation::translate(graph)?.into_bytes())
}

/// Most bytes of weights, 2 GB: a protobuf message ends there.
const MAX_WEIGHT_BYTES: u64 = 2_000_000_000;
