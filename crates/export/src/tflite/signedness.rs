//! Which 8-bit type each node is computed in.
//!
//! Our int8 stands for both of TFLite's families of 8-bit operators, which compute alike but
//! for four: concatenations rescale in uint8 alone, averages are rounded half away from zero in
//! int8 and half up in uint8, pixels are interpolated in fixed point in int8 and in f32 in uint8,
//! and the scales of a convolution are multiplied in f64 in int8 and in f32 in uint8, where
//! weights have one scale and may have a zero point. All other nodes take what most of these
//! need.

use pocketvision_core::op::{
    IntegerInterpolation, IntegerRounding, PoolKind, Rescaling, ResizeKind,
};
use pocketvision_core::{Element, Graph, Node, Op, Quantization};

use super::translation::refuse;
use crate::{ExportError, Problem};

/// How a tensor's numbers are stored in the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Storage {
    /// 32-bit float.
    F32,
    /// Signed 8-bit integers, as in our graphs.
    Int8,
    /// Unsigned 8-bit integers: those of our int8, and zero points, plus 128.
    UInt8,
}

/// How each node's output is stored where it is computed.
pub(super) fn storages(graph: &Graph) -> Result<Vec<Storage>, ExportError> {
    let needs: Vec<Option<Storage>> =
        graph.nodes().iter().map(|node| needed(graph, node)).collect();
    let count = |storage| needs.iter().filter(|&&need| need == Some(storage)).count();
    let prevailing =
        if count(Storage::UInt8) > count(Storage::Int8) { Storage::UInt8 } else { Storage::Int8 };
    let storage = |(node, need): (&Node, Option<Storage>)| match &node.output.element {
        Element::F32 => Ok(Storage::F32),
        Element::UInt8(Quantization::PerTensor { .. }) => Ok(Storage::UInt8),
        Element::Int8(Quantization::PerTensor { .. }) if matches!(node.op, Op::Input) => {
            Ok(Storage::Int8)
        }
        // Written in a type of its own.
        _ if matches!(node.op, Op::ArgMax(_)) => Ok(Storage::UInt8),
        Element::Int8(Quantization::PerTensor { .. }) => Ok(need.unwrap_or(prevailing)),
        element => Err(refuse(node, Problem::Element { element: element.to_string() })),
    };
    graph.nodes().iter().zip(needs).map(storage).collect()
}

/// What an int8 node must be computed in, if only one family computes it as we do.
fn needed(graph: &Graph, node: &Node) -> Option<Storage> {
    let Element::Int8(_) = node.output.element else { return None };
    let scales_of = |weight| graph.param(weight).element().quantization();
    match &node.op {
        Op::Conv2d(op) => Some(convolution(scales_of(op.weight))),
        Op::ConvTranspose2d(op) => Some(convolution(scales_of(op.weight))),
        Op::Resize(op) if op.kind == ResizeKind::Bilinear => Some(match op.interpolation {
            IntegerInterpolation::FixedPoint => Storage::Int8,
            IntegerInterpolation::Float => Storage::UInt8,
        }),
        Op::DepthwiseConv2d(op) => Some(convolution(scales_of(op.weight))),
        Op::Linear(op) => match scales_of(op.weight) {
            Some(Quantization::PerChannel { .. }) => Some(Storage::Int8),
            _ => None,
        },
        Op::Pool2d(op) if op.kind != PoolKind::Max => Some(match op.rounding {
            IntegerRounding::HalfAwayFromZero => Storage::Int8,
            IntegerRounding::HalfUp => Storage::UInt8,
        }),
        Op::Concat(op) if op.rescaling == Rescaling::Float => {
            let mut inputs = node.inputs.iter().map(|&id| &graph.ty(id).element);
            inputs.any(|element| *element != node.output.element).then_some(Storage::UInt8)
        }
        _ => None,
    }
}

const fn convolution(scales: Option<&Quantization>) -> Storage {
    match scales {
        Some(Quantization::PerTensor { .. }) => Storage::UInt8,
        _ => Storage::Int8,
    }
}
