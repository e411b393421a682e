//! Dense and grouped convolution.

use pocketvision_core::op::Conv2d;
use pocketvision_core::{Element, Graph, Node, Shape, Tensor, TensorSliceMut};

use super::dot;
use crate::epilogue::{FloatEpilogue, IntegerEpilogue, centered};
use crate::sliding::Sliding;

/// For each output pixel, gathers what the window covers into one contiguous patch, laid out
/// like a filter; each output channel is then one sum of products.
pub(super) fn conv2d(op: &Conv2d, graph: &Graph, input: &Tensor, output: &mut Tensor) {
    let weight = graph.param(op.weight);
    let filters =
        Filters { per_group: weight.shape().n / op.groups, length: filter_length(weight) };
    let (image, channels) = (input.shape(), output.shape().c);
    let sliding = Sliding::new(op.window, image, output.shape());
    match input.element() {
        Element::F32 => {
            let epilogue = FloatEpilogue::new(graph, op.bias, op.activation);
            let (input, weight) = (input.as_f32().expect("f32"), weight.as_f32().expect("f32"));
            let TensorSliceMut::F32(output) = output.slice_mut() else { unreachable!() };
            for_each_patch(sliding, image, op.groups, input, |pixel, group, patch| {
                for channel in filters.of_group(group) {
                    let sum = dot::float(patch, filters.get(weight, channel));
                    output[pixel * channels + channel] = epilogue.finish(channel, sum);
                }
            });
        }
        element => {
            let (bias, activation) = (op.bias, op.activation);
            let epilogue = IntegerEpilogue::new(graph, element, weight, bias, activation, output);
            let (input, weight) = (centered(input), centered(weight));
            let TensorSliceMut::I8(output) = output.slice_mut() else { unreachable!() };
            for_each_patch(sliding, image, op.groups, &input, |pixel, group, patch| {
                for channel in filters.of_group(group) {
                    let sum = dot::integer(patch, filters.get(&weight, channel));
                    output[pixel * channels + channel] = epilogue.finish(channel, sum);
                }
            });
        }
    }
}

/// Bytes of the patch and, in int8, of the centered input and weights.
pub(super) fn scratch_bytes(op: &Conv2d, graph: &Graph, node: &Node) -> u64 {
    let weight = graph.param(op.weight);
    let input = graph.ty(node.inputs[0]);
    let elements = match input.element {
        Element::F32 => 2 * filter_length(weight),
        _ => filter_length(weight) + input.shape.elements() + weight.shape().elements(),
    };
    2 * elements as u64
}

/// Calls `visit` with each output pixel, group of channels and the patch of numbers that the
/// window covers there: taps row by row, the group's channels within each, zero on the border.
fn for_each_patch<T: Copy + Default>(
    sliding: Sliding,
    image: Shape,
    groups: usize,
    input: &[T],
    mut visit: impl FnMut(usize, usize, &[T]),
) {
    let channels = image.c / groups;
    let mut patch = vec![T::default(); sliding.taps() * channels];
    for (pixel, place) in sliding.places().enumerate() {
        for group in 0..groups {
            patch.fill(T::default());
            for (tap, input_pixel) in place.taps() {
                let start = input_pixel * image.c + group * channels;
                patch[tap * channels..][..channels].copy_from_slice(&input[start..][..channels]);
            }
            visit(pixel, group, &patch);
        }
    }
}

/// The weights as filters, one for each output channel.
#[derive(Clone, Copy)]
struct Filters {
    per_group: usize,
    length: usize,
}

impl Filters {
    fn of_group(self, group: usize) -> std::ops::Range<usize> {
        group * self.per_group..(group + 1) * self.per_group
    }

    fn get<T>(self, weight: &[T], channel: usize) -> &[T] {
        &weight[channel * self.length..][..self.length]
    }
}

fn filter_length(weight: &Tensor) -> usize {
    weight.shape().elements() / weight.shape().n
}
