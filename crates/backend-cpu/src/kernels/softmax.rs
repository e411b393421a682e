//! Softmax over the channels of each position. A thread computes whole positions; networks
//! have one of some thousand scores, which costs microseconds.

use pocketvision_core::quant::QuantizedSoftmax;

use super::Kernel;
use crate::simd::{Inputs, Tile};

/// `exp(beta * (x - max))` over the sum of the same, in f32.
#[derive(Debug)]
pub(crate) struct SoftmaxF32 {
    /// Sharpness.
    pub(crate) beta: f32,
}

impl Kernel for SoftmaxF32 {
    fn name(&self) -> String {
        "softmax f32".into()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let input: &[f32] = inputs.numbers(0);
        for row in tile.rows() {
            let output: &mut [f32] = tile.row_of(row);
            let scores = &input[row * output.len()..][..output.len()];
            let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for (out, &score) in output.iter_mut().zip(scores) {
                *out = (self.beta * (score - largest)).exp();
                sum += f64::from(*out);
            }
            let sum = sum as f32;
            output.iter_mut().for_each(|x| *x /= sum);
        }
    }
}

/// The int8 softmax of [`QuantizedSoftmax`].
#[derive(Debug)]
pub(crate) struct SoftmaxI8 {
    /// Its constants.
    pub(crate) constants: Box<QuantizedSoftmax>,
}

impl Kernel for SoftmaxI8 {
    fn name(&self) -> String {
        "softmax int8".into()
    }

    fn weight_bytes(&self) -> usize {
        size_of::<QuantizedSoftmax>()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let input: &[i8] = inputs.numbers(0);
        for row in tile.rows() {
            let output: &mut [i8] = tile.row_of(row);
            self.constants.apply(&input[row * output.len()..][..output.len()], output);
        }
    }
}
