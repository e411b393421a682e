//! Moving numbers without computing any.

use pocketvision_core::op::{Axis, Pad};
use pocketvision_core::{Element, Shape};

/// Copies one input of a concatenation to its place in the output, `offset` bytes into each
/// run of the output, and returns the offset of the next input. `table` changes its scale.
pub(super) fn place_beside(
    axis: Axis,
    (input, input_shape): (&[u8], Shape),
    (output, output_shape): (&mut [u8], Shape),
    offset: usize,
    table: Option<&[u8; 256]>,
) -> usize {
    let run = |shape: Shape| match axis {
        Axis::Height => shape.h * shape.w * shape.c,
        Axis::Width => shape.w * shape.c,
        Axis::Channels => shape.c,
    };
    let (input_run, output_run) = (run(input_shape), run(output_shape));
    let runs = input.chunks_exact(input_run).zip(output.chunks_exact_mut(output_run));
    for (from, to) in runs {
        let to = &mut to[offset..][..input_run];
        match table {
            Some(table) => super::elementwise::look_up(table, from, to),
            None => to.copy_from_slice(from),
        }
    }
    offset + input_run
}

/// Copies an image into one with a border of the number that stands for 0.
pub(super) fn pad(
    op: &Pad,
    element: &Element,
    (input, input_shape): (&[u8], Shape),
    (output, output_shape): (&mut [u8], Shape),
) {
    output.fill(element.quantization().map_or(0, |q| q.zero_point()) as u8);
    let row_bytes = input_shape.w * input_shape.c;
    for (y, row) in input.chunks_exact(row_bytes).enumerate() {
        let start = ((y + op.top) * output_shape.w + op.left) * output_shape.c;
        output[start..][..row_bytes].copy_from_slice(row);
    }
}
