//! Convolution of each channel on its own.

use pocketvision_core::op::DepthwiseConv2d;
use pocketvision_core::{Element, Graph, Node, Tensor, TensorSliceMut};

use crate::epilogue::{FloatEpilogue, IntegerEpilogue, centered};
use crate::sliding::{Place, Sliding};

/// Keeps one sum for each output channel and adds the taps one after another.
pub(super) fn depthwise_conv2d(
    op: &DepthwiseConv2d,
    graph: &Graph,
    input: &Tensor,
    output: &mut Tensor,
) {
    let weight = graph.param(op.weight);
    let (image, channels) = (input.shape(), output.shape().c);
    let sliding = Sliding::new(op.window, image, output.shape());
    match input.element() {
        Element::F32 => {
            let epilogue = FloatEpilogue::new(graph, op.bias, op.activation);
            let (input, weight) = (input.as_f32().expect("f32"), weight.as_f32().expect("f32"));
            let TensorSliceMut::F32(output) = output.slice_mut() else { unreachable!() };
            let mut sums = vec![0.0; channels];
            for (place, output) in sliding.places().zip(output.chunks_exact_mut(channels)) {
                sums.fill(0.0);
                accumulate(&place, image.c, input, weight, &mut sums, |sum, x, w| {
                    sum + f64::from(x) * f64::from(w)
                });
                for (channel, (output, &sum)) in output.iter_mut().zip(&sums).enumerate() {
                    *output = epilogue.finish(channel, sum);
                }
            }
        }
        element => {
            let (bias, activation) = (op.bias, op.activation);
            let epilogue = IntegerEpilogue::new(graph, element, weight, bias, activation, output);
            let (input, weight) = (centered(input), centered(weight));
            let TensorSliceMut::I8(output) = output.slice_mut() else { unreachable!() };
            let mut sums = vec![0; channels];
            for (place, output) in sliding.places().zip(output.chunks_exact_mut(channels)) {
                sums.fill(0);
                accumulate(&place, image.c, &input, &weight, &mut sums, |sum: i32, x, w| {
                    sum.wrapping_add(i32::from(x) * i32::from(w))
                });
                for (channel, (output, &sum)) in output.iter_mut().zip(&sums).enumerate() {
                    *output = epilogue.finish(channel, sum);
                }
            }
        }
    }
}

/// Bytes of the sums and, in int8, of the centered input and weights.
pub(super) fn scratch_bytes(op: &DepthwiseConv2d, graph: &Graph, node: &Node) -> u64 {
    let (input, weight) = (graph.ty(node.inputs[0]), graph.param(op.weight).shape());
    let bytes = match input.element {
        Element::F32 => 8 * node.output.shape.c,
        _ => 4 * node.output.shape.c + 2 * (input.shape.elements() + weight.elements()),
    };
    bytes as u64
}

/// Adds what the window covers at one place to the sums, one for each output channel. Each
/// input channel feeds as many neighbouring output channels as there are filters for it.
fn accumulate<T: Copy, Sum: Copy>(
    place: &Place,
    input_channels: usize,
    input: &[T],
    weight: &[T],
    sums: &mut [Sum],
    multiply_add: impl Fn(Sum, T, T) -> Sum,
) {
    let channels = sums.len();
    let filters = channels / input_channels;
    for (tap, pixel) in place.taps() {
        let input = &input[pixel * input_channels..][..input_channels];
        let weight = &weight[tap * channels..][..channels];
        let outputs = sums.chunks_exact_mut(filters).zip(weight.chunks_exact(filters));
        for (&x, (sums, weights)) in input.iter().zip(outputs) {
            for (sum, &w) in sums.iter_mut().zip(weights) {
                *sum = multiply_add(*sum, x, w);
            }
        }
    }
}
