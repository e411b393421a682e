//! From int32 sums to int8 outputs.

use std::ops::Range;

use pocketvision_core::quant::{Multiplier, activation_range, output_multipliers};
use pocketvision_core::{Element, Quantization};

use pocketvision_core::op::ActivationKind;

/// The int8 epilogue of convolutions: `clamp(zero_point + multiplier[c] * (bias[c] + sum))`
/// for each output channel, rounded twice as [`Multiplier::apply`] says.
///
/// The lists are padded to [`Self::PADDING`], so that vector kernels may load past the end.
#[derive(Clone, Debug)]
pub(crate) struct Requantize {
    /// Added to each sum: the bias, and whatever zero points make constant.
    pub(crate) bias: Vec<i32>,
    /// Mantissas of the multipliers.
    pub(crate) mantissa: Vec<i32>,
    /// Bits that a sum is shifted left before the multiply.
    pub(crate) left: Vec<i32>,
    /// Bits that a product is shifted right after it.
    pub(crate) right: Vec<i32>,
    /// Zero point of the output.
    pub(crate) zero_point: i32,
    /// Smallest output.
    pub(crate) low: i32,
    /// Largest output.
    pub(crate) high: i32,
    /// True if no sum is shifted left and every product is shifted right: then a shorter
    /// sequence of instructions rounds as well.
    pub(crate) only_right_shifts: bool,
}

impl Requantize {
    /// What lists are padded to a multiple of.
    pub(crate) const PADDING: usize = 64;

    /// The epilogue of one operator.
    pub(crate) fn new(
        input: &Element,
        weights: &Quantization,
        bias: &[i32],
        activation: Option<ActivationKind>,
        output: &Element,
    ) -> Self {
        let channels = bias.len();
        let multipliers = output_multipliers(input, weights, output, channels);
        let (_, zero_point) = output.per_tensor().expect("an integer output");
        let (low, high) = activation_range(activation, output);
        let padded = |f: &dyn Fn(&Multiplier) -> i32, filler: i32| {
            let mut list: Vec<i32> = multipliers.iter().map(f).collect();
            list.resize(channels.next_multiple_of(Self::PADDING), filler);
            list
        };
        let mut padded_bias = bias.to_vec();
        padded_bias.resize(channels.next_multiple_of(Self::PADDING), 0);
        Self {
            bias: padded_bias,
            mantissa: padded(&|m| m.mantissa, 0),
            left: padded(&|m| m.shifts().0 as i32, 0),
            right: padded(&|m| m.shifts().1 as i32, 1),
            zero_point,
            low,
            high,
            only_right_shifts: multipliers.iter().all(|m| m.exponent < 0),
        }
    }

    /// The epilogue of some of the channels.
    pub(crate) fn of_channels(&self, channels: Range<usize>) -> Self {
        let padded = channels.len().next_multiple_of(Self::PADDING);
        let part = |list: &[i32]| {
            let mut part = list[channels.clone()].to_vec();
            part.resize(padded, 0);
            part
        };
        Self {
            bias: part(&self.bias),
            mantissa: part(&self.mantissa),
            left: part(&self.left),
            right: part(&self.right),
            ..*self
        }
    }

    /// The output of one channel, for a sum that includes the bias.
    pub(crate) fn apply(&self, channel: usize, sum: i32) -> i8 {
        let exponent = self.left[channel] - self.right[channel];
        let multiplier = Multiplier { mantissa: self.mantissa[channel], exponent };
        (multiplier.apply(sum).wrapping_add(self.zero_point)).clamp(self.low, self.high) as i8
    }

    /// Bytes of the lists.
    pub(crate) const fn bytes(&self) -> usize {
        4 * (self.bias.len() + self.mantissa.len() + self.left.len() + self.right.len())
    }
}
