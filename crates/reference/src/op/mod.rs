//! The kernels: one file an operator, each a function from input tensors to an output tensor.
//!
//! A kernel may assume what [`pocketvision_core::GraphBuilder`] has checked, that shapes and
//! elements fit the operator, and nothing more.

mod activation;
mod add;
mod arg_max;
mod broadcast;
mod concat;
mod conv2d;
mod conv_transpose2d;
mod depthwise_conv2d;
mod dequantize;
mod detection_postprocess;
mod dot;
mod linear;
mod mul;
mod normalize;
mod pad;
mod pool2d;
mod quantize;
mod resize;
mod softmax;

use pocketvision_core::detection::Postprocessor;
use pocketvision_core::{Graph, Node, Op, Tensor};

pub(crate) use activation::activate;

/// Computes one node. Its inputs and output are of the types the graph says.
pub(crate) fn run(graph: &Graph, node: &Node, inputs: &[&Tensor], output: &mut Tensor) {
    match (&node.op, inputs) {
        (Op::Input, _) => {}
        (Op::Constant(op), _) => copy(graph.param(op.value), output),
        (Op::Conv2d(op), [input]) => conv2d::conv2d(op, graph, input, output),
        (Op::DepthwiseConv2d(op), [input]) => {
            depthwise_conv2d::depthwise_conv2d(op, graph, input, output);
        }
        (Op::ConvTranspose2d(op), [input]) => {
            conv_transpose2d::conv_transpose2d(op, graph, input, output);
        }
        (Op::Linear(op), [input]) => linear::linear(op, graph, input, output),
        (Op::Pool2d(op), [input]) => pool2d::pool2d(op, input, output),
        (Op::Add(op), [a, b]) => add::add(op, a, b, output),
        (Op::Mul(op), [a, b]) => mul::mul(op, a, b, output),
        (Op::Activation(op), [input]) => activation::activation(op, input, output),
        (Op::Softmax(op), [input]) => softmax::softmax(op, input, output),
        (Op::ArgMax(_), [input]) => arg_max::arg_max(input, output),
        (Op::Resize(op), [input]) => resize::resize(op, input, output),
        (Op::Concat(op), inputs) => concat::concat(op, inputs, output),
        (Op::Pad(op), [input]) => pad::pad(op, input, output),
        (Op::Reshape(_), [input]) => copy(input, output),
        (Op::Quantize(_), [input]) => quantize::quantize(input, output),
        (Op::Dequantize(_), [input]) => dequantize::dequantize(input, output),
        (Op::Normalize(op), [input]) => normalize::normalize(op, input, output),
        (Op::DetectionPostprocess(op), [boxes, scores]) => {
            detection_postprocess::detection_postprocess(op, graph, [boxes, scores], output);
        }
        (op, inputs) => unreachable!("{} with {} inputs", op.name(), inputs.len()),
    }
}

/// Bytes that [`run`] allocates besides the output, at most.
pub(crate) fn scratch_bytes(graph: &Graph, node: &Node) -> u64 {
    match &node.op {
        Op::Conv2d(op) => conv2d::scratch_bytes(op, graph, node),
        Op::DepthwiseConv2d(op) => depthwise_conv2d::scratch_bytes(op, graph, node),
        Op::ConvTranspose2d(op) => conv_transpose2d::scratch_bytes(op, graph, node),
        Op::Linear(op) => linear::scratch_bytes(op, graph, node),
        Op::DetectionPostprocess(op) => {
            Postprocessor::new(op, graph.param(op.anchors)).scratch_bytes() as u64
        }
        Op::Softmax(_) => softmax::scratch_bytes(node),
        _ => 0,
    }
}

fn copy(input: &Tensor, output: &mut Tensor) {
    output.bytes_mut().copy_from_slice(input.bytes());
}
