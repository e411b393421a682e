//! A picture's bytes to the numbers that a network was trained on.

use pocketvision_core::op::Normalize;
use pocketvision_core::{Tensor, TensorSliceMut};

/// `(pixel - mean) / std` of each channel. In f32, where other operators compute in f64: the
/// operator is defined to be what preprocessing on the host computes, to the bit.
pub(super) fn normalize(op: &Normalize, input: &Tensor, output: &mut Tensor) {
    let TensorSliceMut::F32(output) = output.slice_mut() else { unreachable!() };
    for (index, (output, &pixel)) in output.iter_mut().zip(input.bytes()).enumerate() {
        *output = op.real(pixel, index % 3);
    }
}
