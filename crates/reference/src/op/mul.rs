//! Product of two tensors.

use pocketvision_core::op::Mul;
use pocketvision_core::quant::QuantizedMul;
use pocketvision_core::{Tensor, TensorData, TensorSliceMut};

use super::{activate, broadcast};

/// `activation(a * b)`.
pub(super) fn mul(op: &Mul, a: &Tensor, b: &Tensor, output: &mut Tensor) {
    let pairs = broadcast::pairs(a.shape(), b.shape(), output.shape());
    let element = output.element().clone();
    match (a.data(), b.data(), output.slice_mut()) {
        (TensorData::F32(a), TensorData::F32(b), TensorSliceMut::F32(output)) => {
            for (output, (i, j)) in output.iter_mut().zip(pairs) {
                let product = f64::from(a[i]) * f64::from(b[j]);
                *output = op.activation.map_or(product, |kind| activate(kind, product)) as f32;
            }
        }
        (TensorData::I8(left), TensorData::I8(right), TensorSliceMut::I8(output)) => {
            let rule = QuantizedMul::new(a.element(), b.element(), &element, op.activation);
            for (output, (i, j)) in output.iter_mut().zip(pairs) {
                *output = rule.apply(left[i], right[j]);
            }
        }
        _ => unreachable!("products are f32 or int8"),
    }
}
