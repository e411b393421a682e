//! Graphs as TFLite files.
//!
//! ```text
//! Graph ─► signedness: which nodes are computed in uint8
//!       ─► translation, operator/*: nodes to TFLite's tensors and operators
//!               └─► model: these, as plain data
//!                       └─► flatbuffer: the bytes
//! ```
//!
//! **Exactness.** Every operator that is written computes, in TFLite's reference kernels, what
//! our node computes, to the bit in integers. Two remarks:
//!
//! * The int8 hard sigmoid is a table of ours. It becomes a sum with 3 (clamped to 0..6) and a
//!   product with 1/6, at scales where the product changes no integer; the constant 3 is stored
//!   at a scale for which all 256 results of the sum are those of the table. Should there be
//!   none (we know of none missing where inputs stay below 128), the best is taken, some of
//!   whose results are one step away.
//! * The int8 sigmoid is a table of ours that TFLite's own is at most one step from. Where its
//!   output's scale is not TFLite's 1/256, a QUANTIZE follows.

mod flatbuffer;
mod flexbuffer;
mod hard_sigmoid;
mod model;
mod operator;
mod signedness;
mod translation;

use pocketvision_core::Graph;

use crate::{ExportError, Format};

/// The bytes of a file that holds the graph.
pub(crate) fn to_bytes(graph: &Graph) -> Result<Vec<u8>, ExportError> {
    let bytes = graph.parameter_bytes();
    if bytes > MAX_WEIGHT_BYTES {
        let (format, limit_bytes) = (Format::Tflite, MAX_WEIGHT_BYTES);
        return Err(ExportError::Size { format, bytes, limit_bytes });
    }
    Ok(flatbuffer::write(&translation::translate(graph)?))
}

/// Most bytes of weights, 1 GB: a quarter of what 32-bit offsets reach, as weights that are
/// read twice may be stored twice and the buffer doubles as it grows.
const MAX_WEIGHT_BYTES: u64 = 1_000_000_000;
