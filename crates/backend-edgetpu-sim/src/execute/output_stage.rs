//! From a sum to an int8 output: what follows the multipliers on every tile.

use pocketvision_core::op::ActivationKind;
use pocketvision_core::quant::{Multiplier, activation_range, output_multipliers};
use pocketvision_core::{Element, Graph, ParamId, Tensor, TensorType};

/// Bias, multiplier and clamp of a layer's output channels.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct OutputStage {
    bias: Vec<i32>,
    multipliers: Vec<Multiplier>,
    zero_point: i32,
    range: (i32, i32),
}

impl OutputStage {
    pub(super) fn new(
        graph: &Graph,
        input: &Element,
        weight: ParamId,
        bias: Option<ParamId>,
        activation: Option<ActivationKind>,
        output: &TensorType,
    ) -> Self {
        let channels = output.shape.c;
        let weights = graph.param(weight).element().quantization().expect("int8 weights");
        let bias = bias.map(|id| graph.param(id)).and_then(Tensor::as_i32);
        Self {
            bias: bias.map_or_else(|| vec![0; channels], <[i32]>::to_vec),
            multipliers: output_multipliers(input, weights, &output.element, channels),
            zero_point: output.element.quantization().map_or(0, |q| q.zero_point()),
            range: activation_range(activation, &output.element),
        }
    }

    /// Writes the outputs of neighbouring channels, from the sums of their products.
    pub(super) fn write(&self, first_channel: usize, sums: &[i32], outputs: &mut [i8]) {
        let count = outputs.len();
        let bias = &self.bias[first_channel..][..count];
        let multipliers = &self.multipliers[first_channel..][..count];
        let sums = sums.iter().zip(bias).map(|(sum, bias)| sum.wrapping_add(*bias));
        for ((output, multiplier), sum) in outputs.iter_mut().zip(multipliers).zip(sums) {
            let value = multiplier.apply(sum).saturating_add(self.zero_point);
            *output = value.clamp(self.range.0, self.range.1) as i8;
        }
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> u64 {
        (size_of_val(&self.bias[..]) + size_of_val(&self.multipliers[..])) as u64
    }
}
