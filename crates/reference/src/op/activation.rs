//! Functions of one number.

use pocketvision_core::op::{Activation, ActivationKind};
use pocketvision_core::quant::activation_table;
use pocketvision_core::{Tensor, TensorData, TensorSliceMut};

/// The function in f64; the definition that [`ActivationKind`] documents.
pub(crate) fn activate(kind: ActivationKind, x: f64) -> f64 {
    let gate = || (x + 3.0).clamp(0.0, 6.0) / 6.0;
    match kind {
        ActivationKind::Relu => x.max(0.0),
        ActivationKind::Relu6 => x.clamp(0.0, 6.0),
        ActivationKind::HardSwish => x * gate(),
        ActivationKind::HardSigmoid => gate(),
        ActivationKind::Sigmoid => 1.0 / (1.0 + (-x).exp()),
    }
}

/// The function at every element; in int8 a table says it for all 256 numbers.
pub(super) fn activation(op: &Activation, input: &Tensor, output: &mut Tensor) {
    let element = output.element().clone();
    match (input.data(), output.slice_mut()) {
        (TensorData::F32(input), TensorSliceMut::F32(output)) => {
            for (output, &x) in output.iter_mut().zip(input) {
                *output = activate(op.kind, f64::from(x)) as f32;
            }
        }
        (TensorData::I8(numbers), TensorSliceMut::I8(output)) => {
            let table = activation_table(op.kind, input.element(), &element);
            for (output, &q) in output.iter_mut().zip(numbers) {
                *output = table[(i32::from(q) + 128) as usize];
            }
        }
        _ => unreachable!("activations are f32 or int8"),
    }
}
