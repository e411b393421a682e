//! Scores to probabilities.

use pocketvision_core::op::Softmax;
use pocketvision_core::quant::QuantizedSoftmax;
use pocketvision_core::{Element, Node, Tensor, TensorData, TensorSliceMut};

/// Softmax over the channels of each position. The largest score is subtracted first, so
/// that no exponential overflows.
pub(super) fn softmax(op: &Softmax, input: &Tensor, output: &mut Tensor) {
    let channels = input.shape().c;
    match (input.data(), output.slice_mut()) {
        (TensorData::F32(scores), TensorSliceMut::F32(output)) => {
            let positions = scores.chunks_exact(channels).zip(output.chunks_exact_mut(channels));
            for (scores, output) in positions {
                let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let exponential = |&score: &f32| {
                    (f64::from(op.beta) * (f64::from(score) - f64::from(largest))).exp()
                };
                let exponentials: Vec<f64> = scores.iter().map(exponential).collect();
                let sum: f64 = exponentials.iter().sum();
                for (output, exponential) in output.iter_mut().zip(exponentials) {
                    *output = (exponential / sum) as f32;
                }
            }
        }
        (TensorData::I8(scores), TensorSliceMut::I8(output)) => {
            let rule = QuantizedSoftmax::new(input.element(), op.beta);
            let positions = scores.chunks_exact(channels).zip(output.chunks_exact_mut(channels));
            for (scores, output) in positions {
                rule.apply(scores, output);
            }
        }
        _ => unreachable!("softmax is f32 or int8"),
    }
}

/// Bytes of the exponentials, in float.
pub(super) fn scratch_bytes(node: &Node) -> u64 {
    match node.output.element {
        Element::F32 => 8 * node.output.shape.c as u64,
        _ => 0,
    }
}
