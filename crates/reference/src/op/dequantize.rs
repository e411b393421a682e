//! From int8 or uint8 to float.

use pocketvision_core::{Element, Tensor, TensorSliceMut};

/// `scale * (x - zero_point)`.
pub(super) fn dequantize(input: &Tensor, output: &mut Tensor) {
    let (scale, zero_point) = input.element().per_tensor().expect("one scale");
    let signed = matches!(input.element(), Element::Int8(_));
    let TensorSliceMut::F32(output) = output.slice_mut() else { unreachable!() };
    for (output, &byte) in output.iter_mut().zip(input.bytes()) {
        let q = if signed { i32::from(byte as i8) } else { i32::from(byte) };
        *output = scale * (q - zero_point) as f32;
    }
}
