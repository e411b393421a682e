//! Sum of two tensors.

use pocketvision_core::op::Add;
use pocketvision_core::quant::QuantizedAdd;
use pocketvision_core::{Tensor, TensorData, TensorSliceMut};

use super::{activate, broadcast};

/// `activation(a + b)`.
pub(super) fn add(op: &Add, a: &Tensor, b: &Tensor, output: &mut Tensor) {
    let pairs = broadcast::pairs(a.shape(), b.shape(), output.shape());
    let element = output.element().clone();
    match (a.data(), b.data(), output.slice_mut()) {
        (TensorData::F32(a), TensorData::F32(b), TensorSliceMut::F32(output)) => {
            for (output, (i, j)) in output.iter_mut().zip(pairs) {
                let sum = f64::from(a[i]) + f64::from(b[j]);
                *output = op.activation.map_or(sum, |kind| activate(kind, sum)) as f32;
            }
        }
        (TensorData::I8(left), TensorData::I8(right), TensorSliceMut::I8(output)) => {
            let rule = QuantizedAdd::new(a.element(), b.element(), &element, op.activation);
            for (output, (i, j)) in output.iter_mut().zip(pairs) {
                *output = rule.apply(left[i], right[j]);
            }
        }
        _ => unreachable!("sums are f32 or int8"),
    }
}
