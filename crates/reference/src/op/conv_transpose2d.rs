//! Transposed convolution.

use pocketvision_core::op::ConvTranspose2d;
use pocketvision_core::{Element, Graph, Node, Shape, Tensor, TensorSliceMut};

use super::dot;
use crate::epilogue::{FloatEpilogue, IntegerEpilogue, centered};

/// At each output position and channel, one sum of products over all taps that reach it.
pub(super) fn conv_transpose2d(
    op: &ConvTranspose2d,
    graph: &Graph,
    input: &Tensor,
    output: &mut Tensor,
) {
    let weight = graph.param(op.weight);
    let (from, taps, to) = (input.shape(), weight.shape(), output.shape());
    let weight_row = |channel: usize, tap: usize| (channel * taps.h * taps.w + tap) * from.c;
    match input.element() {
        Element::F32 => {
            let epilogue = FloatEpilogue::new(graph, op.bias, op.activation);
            let (input, weight) = (input.as_f32().expect("f32"), weight.as_f32().expect("f32"));
            let TensorSliceMut::F32(output) = output.slice_mut() else { unreachable!() };
            for_each_output(op, from, taps, to, |index, channel, pairs| {
                let product = |&(tap, pixel): &(usize, usize)| {
                    let row = &weight[weight_row(channel, tap)..][..from.c];
                    dot::float(&input[pixel * from.c..][..from.c], row)
                };
                output[index] = epilogue.finish(channel, pairs.iter().map(product).sum());
            });
        }
        element => {
            let (bias, activation) = (op.bias, op.activation);
            let epilogue = IntegerEpilogue::new(graph, element, weight, bias, activation, output);
            let (input, weight) = (centered(input), centered(weight));
            let TensorSliceMut::I8(output) = output.slice_mut() else { unreachable!() };
            for_each_output(op, from, taps, to, |index, channel, pairs| {
                let product = |&(tap, pixel): &(usize, usize)| {
                    let row = &weight[weight_row(channel, tap)..][..from.c];
                    dot::integer(&input[pixel * from.c..][..from.c], row)
                };
                let sum = pairs.iter().map(product).fold(0, i32::wrapping_add);
                output[index] = epilogue.finish(channel, sum);
            });
        }
    }
}

/// Calls `visit` for each output with its index, its channel, and what reaches it.
fn for_each_output(
    op: &ConvTranspose2d,
    from: Shape,
    taps: Shape,
    to: Shape,
    mut visit: impl FnMut(usize, usize, &[(usize, usize)]),
) {
    for pixel in 0..to.n * to.pixels() {
        let (line, x) = (pixel / to.w, pixel % to.w);
        let pairs = reaching(op, from, taps, (line / to.h, line % to.h, x));
        for channel in 0..to.c {
            visit(pixel * to.c + channel, channel, &pairs);
        }
    }
}

/// The taps that reach an output position, each with the input pixel that it multiplies,
/// counted over the whole batch.
fn reaching(
    op: &ConvTranspose2d,
    input: Shape,
    taps: Shape,
    (n, y, x): (usize, usize, usize),
) -> Vec<(usize, usize)> {
    let row = |tap| ConvTranspose2d::source(y, tap, op.crop_top, op.stride_h, input.h);
    let column = |tap| ConvTranspose2d::source(x, tap, op.crop_left, op.stride_w, input.w);
    (0..taps.h)
        .filter_map(|tap| Some((tap, row(tap)?)))
        .flat_map(|(i, row)| {
            (0..taps.w).filter_map(move |j| {
                let pixel = (n * input.h + row) * input.w + column(j)?;
                Some((i * taps.w + j, pixel))
            })
        })
        .collect()
}

/// Bytes of the centered input and weights, in int8.
pub(super) fn scratch_bytes(op: &ConvTranspose2d, graph: &Graph, node: &Node) -> u64 {
    let input = graph.ty(node.inputs[0]);
    match input.element {
        Element::F32 => 0,
        _ => 2 * (input.shape.elements() + graph.param(op.weight).shape().elements()) as u64,
    }
}
