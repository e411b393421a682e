//! From a sum of products to an output: what convolutions and linear layers end with.

use pocketvision_core::op::ActivationKind;
use pocketvision_core::quant::{Multiplier, activation_range, output_multipliers};
use pocketvision_core::{Element, Graph, ParamId, Tensor};

use crate::op::activate;

/// Bias and activation of a float operator.
pub(crate) struct FloatEpilogue<'a> {
    bias: Option<&'a [f32]>,
    activation: Option<ActivationKind>,
}

impl<'a> FloatEpilogue<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        bias: Option<ParamId>,
        activation: Option<ActivationKind>,
    ) -> Self {
        let bias = bias.map(|id| graph.param(id).as_f32().expect("a float bias"));
        Self { bias, activation }
    }

    /// The output of one channel. Everything is f64 until the one rounding at the end.
    pub(crate) fn finish(&self, channel: usize, sum: f64) -> f32 {
        let biased = sum + self.bias.map_or(0.0, |bias| f64::from(bias[channel]));
        self.activation.map_or(biased, |kind| activate(kind, biased)) as f32
    }
}

/// Bias, scale and clamp of an int8 operator.
pub(crate) struct IntegerEpilogue<'a> {
    bias: Option<&'a [i32]>,
    multipliers: Vec<Multiplier>,
    output_zero_point: i32,
    range: (i32, i32),
}

impl<'a> IntegerEpilogue<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        input: &Element,
        weight: &Tensor,
        bias: Option<ParamId>,
        activation: Option<ActivationKind>,
        output: &Tensor,
    ) -> Self {
        let quantization = weight.element().quantization().expect("integer weights");
        let (element, channels) = (output.element(), output.shape().c);
        Self {
            bias: bias.map(|id| graph.param(id).as_i32().expect("an int32 bias")),
            multipliers: output_multipliers(input, quantization, element, channels),
            output_zero_point: zero_point(element),
            range: activation_range(activation, element),
        }
    }

    /// The output of one channel. Additions wrap around, as in TFLite.
    pub(crate) fn finish(&self, channel: usize, sum: i32) -> i8 {
        let biased = sum.wrapping_add(self.bias.map_or(0, |bias| bias[channel]));
        let scaled = self.multipliers[channel].apply(biased);
        scaled.saturating_add(self.output_zero_point).clamp(self.range.0, self.range.1) as i8
    }
}

/// Int8 numbers with their zero point taken off: 9 bits, so products are 17 bits and a
/// processor can multiply eight at a time.
pub(crate) fn centered(tensor: &Tensor) -> Vec<i16> {
    let zero_point = zero_point(tensor.element()) as i16;
    tensor.as_i8().expect("int8 numbers").iter().map(|&q| i16::from(q) - zero_point).collect()
}

fn zero_point(element: &Element) -> i32 {
    element.quantization().expect("an integer element").zero_point()
}
