//! Fully connected layer.

use pocketvision_core::op::Linear;
use pocketvision_core::{Element, Graph, Node, Tensor, TensorSliceMut};

use super::dot;
use crate::epilogue::{FloatEpilogue, IntegerEpilogue, centered};

/// At each position, each output channel is one sum of products over the input channels.
pub(super) fn linear(op: &Linear, graph: &Graph, input: &Tensor, output: &mut Tensor) {
    let weight = graph.param(op.weight);
    let (inputs, outputs) = (input.shape().c, output.shape().c);
    match input.element() {
        Element::F32 => {
            let epilogue = FloatEpilogue::new(graph, op.bias, op.activation);
            let (input, weight) = (input.as_f32().expect("f32"), weight.as_f32().expect("f32"));
            let TensorSliceMut::F32(output) = output.slice_mut() else { unreachable!() };
            let positions = input.chunks_exact(inputs).zip(output.chunks_exact_mut(outputs));
            for (input, output) in positions {
                let rows = output.iter_mut().zip(weight.chunks_exact(inputs));
                for (channel, (output, row)) in rows.enumerate() {
                    *output = epilogue.finish(channel, dot::float(input, row));
                }
            }
        }
        element => {
            let (bias, activation) = (op.bias, op.activation);
            let epilogue = IntegerEpilogue::new(graph, element, weight, bias, activation, output);
            let (input, weight) = (centered(input), centered(weight));
            let TensorSliceMut::I8(output) = output.slice_mut() else { unreachable!() };
            let positions = input.chunks_exact(inputs).zip(output.chunks_exact_mut(outputs));
            for (input, output) in positions {
                let rows = output.iter_mut().zip(weight.chunks_exact(inputs));
                for (channel, (output, row)) in rows.enumerate() {
                    *output = epilogue.finish(channel, dot::integer(input, row));
                }
            }
        }
    }
}

/// Bytes of the centered input and weights, in int8.
pub(super) fn scratch_bytes(op: &Linear, graph: &Graph, node: &Node) -> u64 {
    let input = graph.ty(node.inputs[0]);
    match input.element {
        Element::F32 => 0,
        _ => 2 * (input.shape.elements() + graph.param(op.weight).shape().elements()) as u64,
    }
}
