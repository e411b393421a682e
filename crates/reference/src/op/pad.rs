//! A border of the real number 0.

use pocketvision_core::op::Pad;
use pocketvision_core::{Element, Tensor};

/// Fills the output with the element that stands for 0, then copies the image row by row.
pub(super) fn pad(op: &Pad, input: &Tensor, output: &mut Tensor) {
    let (inner, outer) = (input.shape(), output.shape());
    let element_bytes = input.element().bytes();
    let zero = zero_bytes(input.element());
    for element in output.bytes_mut().chunks_exact_mut(element_bytes) {
        element.copy_from_slice(&zero[..element_bytes]);
    }
    let row_bytes = inner.w * inner.c * element_bytes;
    for (index, row) in input.bytes().chunks_exact(row_bytes).enumerate() {
        let (n, y) = (index / inner.h, index % inner.h + op.top);
        let start = ((n * outer.h + y) * outer.w + op.left) * outer.c * element_bytes;
        output.bytes_mut()[start..][..row_bytes].copy_from_slice(row);
    }
}

/// The element that stands for 0, as it is stored; only as many bytes count as it has.
fn zero_bytes(element: &Element) -> [u8; 4] {
    element.quantization().map_or([0; 4], |q| q.zero_point().to_le_bytes())
}
