//! From int32 sums to int8 outputs.

use std::ops::Range;

use pocketvision_core::quant::{Multiplier, activation_range, output_multipliers};
use pocketvision_core::{Element, Quantization};

use pocketvision_core::op::ActivationKind;

use super::float_multiplier::{FloatMultiplier, Rounding};

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
    /// The multipliers in floats, and for each [`Self::FLOAT_BLOCK`] channels if they are
    /// exact.
    pub(crate) scale: Vec<f32>,
    pub(crate) scale_rest: Vec<f32>,
    pub(crate) half: Vec<f32>,
    pub(crate) exact_floats: Vec<bool>,
    /// True if no sum is shifted left and every product is shifted right: then a shorter
    /// sequence of instructions rounds as well.
    pub(crate) only_right_shifts: bool,
}

impl Requantize {
    /// What lists are padded to a multiple of.
    pub(crate) const PADDING: usize = 64;

    /// Channels that are requantized together, in floats or in integers.
    pub(crate) const FLOAT_BLOCK: usize = 16;

    /// True if the floats of some neighbouring channels are exact.
    pub(crate) fn has_exact_floats(&self, channels: Range<usize>) -> bool {
        let blocks = channels.start / Self::FLOAT_BLOCK..channels.end.div_ceil(Self::FLOAT_BLOCK);
        self.exact_floats[blocks].iter().all(|&exact| exact)
    }

    /// True if no output is below the zero point, as after a ReLU: then what becomes of negative
    /// sums need not be exact.
    pub(crate) const fn starts_at_zero_point(&self) -> bool {
        self.low == self.zero_point
    }

    /// The epilogue of one operator, with floats for a level that rounds them so.
    pub(crate) fn new(
        rounding: Rounding,
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
        let (least, most) = (low - zero_point, high - zero_point);
        let float = |m: &Multiplier| FloatMultiplier::prove(*m, least, most, rounding);
        let mut floats: Vec<_> = multipliers.iter().map(float).collect();
        floats.resize(channels.next_multiple_of(Self::PADDING), Some(FloatMultiplier::NONE));
        let exact_floats = floats.chunks(Self::FLOAT_BLOCK).map(|b| b.iter().all(Option::is_some));
        let mut padded_bias = bias.to_vec();
        padded_bias.resize(channels.next_multiple_of(Self::PADDING), 0);
        Self {
            bias: padded_bias,
            mantissa: padded(&|m| m.mantissa, 0),
            left: padded(&|m| m.shifts().0 as i32, 0),
            right: padded(&|m| m.shifts().1 as i32, 1),
            exact_floats: exact_floats.collect(),
            scale: list_of_floats(&floats, |float| float.scale),
            scale_rest: list_of_floats(&floats, |float| float.scale_rest),
            half: list_of_floats(&floats, |float| float.half),
            zero_point,
            low,
            high,
            only_right_shifts: multipliers.iter().all(|m| m.exponent < 0),
        }
    }

    /// The epilogue of some of the channels.
    pub(crate) fn of_channels(&self, channels: Range<usize>) -> Self {
        let padded = channels.len().next_multiple_of(Self::PADDING);
        fn part<T: Copy + Default>(list: &[T], channels: &Range<usize>, padded: usize) -> Vec<T> {
            let mut part = list[channels.clone()].to_vec();
            part.resize(padded, T::default());
            part
        }
        // Blocks of the part are not those of the whole, unless it starts with one.
        let exact = |block: usize| {
            let first = channels.start + block * Self::FLOAT_BLOCK;
            let last = (first + Self::FLOAT_BLOCK - 1).min(channels.end.max(1) - 1);
            (first / Self::FLOAT_BLOCK..=last / Self::FLOAT_BLOCK)
                .all(|block| self.exact_floats[block])
        };
        Self {
            bias: part(&self.bias, &channels, padded),
            mantissa: part(&self.mantissa, &channels, padded),
            left: part(&self.left, &channels, padded),
            right: part(&self.right, &channels, padded),
            scale: part(&self.scale, &channels, padded),
            scale_rest: part(&self.scale_rest, &channels, padded),
            half: part(&self.half, &channels, padded),
            exact_floats: (0..padded / Self::FLOAT_BLOCK)
                .map(|block| block * Self::FLOAT_BLOCK >= channels.len() || exact(block))
                .collect(),
            ..*self
        }
    }

    /// The same with every list in another order: place `i` has what `order(i)` had, of the same
    /// [`Self::PADDING`] channels. Whether floats are exact is known of all of these together.
    pub(crate) fn reordered(&self, order: impl Fn(usize) -> usize) -> Self {
        fn list<T: Copy>(list: &[T], order: &impl Fn(usize) -> usize) -> Vec<T> {
            (0..list.len()).map(|index| list[order(index)]).collect()
        }
        Self {
            bias: list(&self.bias, &order),
            mantissa: list(&self.mantissa, &order),
            left: list(&self.left, &order),
            right: list(&self.right, &order),
            scale: list(&self.scale, &order),
            scale_rest: list(&self.scale_rest, &order),
            half: list(&self.half, &order),
            exact_floats: self.exact_floats.clone(),
            ..*self
        }
    }

    /// Takes from a channel's bias what a zero point adds to all numbers that its weights, which
    /// have this sum, are multiplied with.
    pub(crate) fn take_zero_point(&mut self, channel: usize, weight_sum: i32, zero_point: i32) {
        let constant = weight_sum.wrapping_mul(zero_point);
        self.bias[channel] = self.bias[channel].wrapping_sub(constant);
    }

    /// The same with the channels of each [`Self::FLOAT_BLOCK`] where [`interleaved`] has them.
    pub(crate) fn interleaved(&self) -> Self {
        self.reordered(interleaved)
    }

    /// The output of one channel, for a sum that includes the bias.
    pub(crate) fn apply(&self, channel: usize, sum: i32) -> i8 {
        let exponent = self.left[channel] - self.right[channel];
        let multiplier = Multiplier { mantissa: self.mantissa[channel], exponent };
        (multiplier.apply(sum).wrapping_add(self.zero_point)).clamp(self.low, self.high) as i8
    }

    /// Bytes of the lists.
    pub(crate) const fn bytes(&self) -> usize {
        // Seven lists of four bytes each.
        7 * 4 * self.bias.len()
    }
}

/// The place of a channel in vectors that are packed in pairs, half by half, into narrower ones
/// with the channels in order: of 16 the second four and the third four change places.
pub(crate) const fn interleaved(channel: usize) -> usize {
    channel & !12 | (channel & 4) << 1 | (channel & 8) >> 1
}

/// One constant of each channel; 0 where there is none.
fn list_of_floats(
    floats: &[Option<FloatMultiplier>],
    constant: impl Fn(FloatMultiplier) -> f32,
) -> Vec<f32> {
    floats.iter().map(|float| constant(float.unwrap_or(FloatMultiplier::NONE))).collect()
}
