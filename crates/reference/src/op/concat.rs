//! Tensors side by side.

use pocketvision_core::op::{Axis, Concat};
use pocketvision_core::quant::concat_table;
use pocketvision_core::{Shape, Tensor};

/// Copies each input, block by block, to its place; int8 numbers of another scale go through
/// a table.
pub(super) fn concat(op: &Concat, inputs: &[&Tensor], output: &mut Tensor) {
    let element = output.element().clone();
    let element_bytes = element.bytes();
    let stride = block_elements(op.axis, output.shape()) * element_bytes;
    let mut offset = 0;
    for input in inputs {
        let block = block_elements(op.axis, input.shape()) * element_bytes;
        let table = concat_table(op.rescaling, input.element(), &element);
        let blocks =
            input.bytes().chunks_exact(block).zip(output.bytes_mut().chunks_exact_mut(stride));
        for (from, to) in blocks {
            let to = &mut to[offset..][..block];
            match &table {
                None => to.copy_from_slice(from),
                Some(table) => to.iter_mut().zip(from).for_each(|(to, &q)| *to = table[q as usize]),
            }
        }
        offset += block;
    }
}

/// Elements from one index before the axis to the next: those that stay together.
fn block_elements(axis: Axis, shape: Shape) -> usize {
    match axis {
        Axis::Height => shape.h * shape.w * shape.c,
        Axis::Width => shape.w * shape.c,
        Axis::Channels => shape.c,
    }
}
