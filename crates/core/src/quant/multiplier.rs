//! Multiplying an integer by a real number.

use super::fixed_point::{rounding_divide_by_power_of_two, rounding_doubling_high_mul};
use crate::{Element, Quantization};

/// A positive real number `mantissa / 2^31 * 2^exponent`, made to multiply 32-bit integers.
///
/// [`Multiplier::apply`] rounds twice: after the high multiply, half up, and after the right
/// shift, half away from zero. TFLite also has builds that round once; the recorded
/// reference outputs are of the double-rounding kind.
///
/// ```
/// use pocketvision_core::quant::Multiplier;
///
/// let half = Multiplier::from_real(0.5);
/// assert_eq!(half.to_real(), 0.5);
/// assert_eq!([7, 8, -9].map(|x| half.apply(x)), [4, 4, -4]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Multiplier {
    /// Mantissa in `[2^30, 2^31)`, or 0 for the number 0.
    pub mantissa: i32,
    /// Power of two: above zero shifts the integer left first, below zero the product right
    /// afterwards. At least -31.
    pub exponent: i32,
}

impl Multiplier {
    /// The nearest multiplier of a real number that is finite and not negative.
    ///
    /// The mantissa rounds half away from zero. Numbers below 2^-32 become 0, numbers of
    /// 2^31 and more saturate.
    ///
    /// ```
    /// use pocketvision_core::quant::Multiplier;
    ///
    /// assert_eq!(Multiplier::from_real(1.0).apply(1234), 1234);
    /// assert_eq!(Multiplier::from_real(0.0).apply(1234), 0);
    /// assert!((Multiplier::from_real(0.3).to_real() - 0.3).abs() < 1e-9);
    /// ```
    pub fn from_real(real: f64) -> Self {
        if real <= 0.0 || !real.is_finite() {
            return Self { mantissa: 0, exponent: 0 };
        }
        let mut exponent = real.log2().floor() as i32 + 1;
        let mut fraction = real / 2f64.powi(exponent);
        // log2 may be off by one ulp around powers of two; the fraction is in [0.5, 1).
        if fraction < 0.5 {
            fraction *= 2.0;
            exponent -= 1;
        } else if fraction >= 1.0 {
            fraction /= 2.0;
            exponent += 1;
        }
        let mut mantissa = (fraction * (1u64 << 31) as f64).round() as i64;
        if mantissa == 1 << 31 {
            mantissa /= 2;
            exponent += 1;
        }
        if exponent < -31 {
            return Self { mantissa: 0, exponent: 0 };
        }
        if exponent > 30 {
            return Self { mantissa: i32::MAX, exponent: 30 };
        }
        Self { mantissa: mantissa as i32, exponent }
    }

    /// The real number.
    pub fn to_real(self) -> f64 {
        f64::from(self.mantissa) / (1u64 << 31) as f64 * 2f64.powi(self.exponent)
    }

    /// `round(x * self)`, rounded twice.
    pub const fn apply(self, x: i32) -> i32 {
        let (left, right) = self.shifts();
        let shifted = x.wrapping_shl(left);
        rounding_divide_by_power_of_two(rounding_doubling_high_mul(shifted, self.mantissa), right)
    }

    /// The shift to the left before the multiply and to the right after it; one is zero.
    pub const fn shifts(self) -> (u32, u32) {
        if self.exponent > 0 { (self.exponent as u32, 0) } else { (0, -self.exponent as u32) }
    }
}

/// What turns a convolution's sum into its output: `input scale * weight scale / output
/// scale`, one for each output channel.
///
/// The product of the two scales is rounded to f32 where the weights have one scale, and not
/// rounded where they have one for each channel, as in TFLite. That moves the multiplier by
/// 2^-24 of itself at most, which is enough to change the outputs of some sums.
///
/// ```
/// use pocketvision_core::quant::output_multipliers;
/// use pocketvision_core::{Element, Quantization};
///
/// let (input, output) = (Element::int8(0.5, 0), Element::int8(1.0, 0));
/// let weight = Quantization::PerChannel { scales: [0.5, 0.25].into() };
/// let multipliers = output_multipliers(&input, &weight, &output, 2);
/// assert_eq!([0, 1].map(|channel| multipliers[channel].to_real()), [0.25, 0.125]);
/// ```
///
/// # Panics
/// If input or output is not an integer with one scale: [`crate::GraphBuilder`] sees to that.
pub fn output_multipliers(
    input: &Element,
    weight: &Quantization,
    output: &Element,
    channels: usize,
) -> Vec<Multiplier> {
    let (input_scale, _) = input.per_tensor().expect("an integer input");
    let (output_scale, _) = output.per_tensor().expect("an integer output");
    let multiplier = |channel| {
        let weight_scale = weight.scale(channel);
        let product = match weight {
            Quantization::PerTensor { .. } => f64::from(input_scale * weight_scale),
            Quantization::PerChannel { .. } => f64::from(input_scale) * f64::from(weight_scale),
        };
        Multiplier::from_real(product / f64::from(output_scale))
    };
    (0..channels).map(multiplier).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn powers_of_two_are_exact() {
        for exponent in -20..20 {
            let multiplier = Multiplier::from_real(2f64.powi(exponent));
            assert_eq!(multiplier, Multiplier { mantissa: 1 << 30, exponent: exponent + 1 });
        }
        assert_eq!(Multiplier::from_real(1.0).apply(-12345), -12345);
        assert_eq!(Multiplier::from_real(0.0).apply(12345), 0);
    }

    #[test]
    fn a_mantissa_that_rounds_up_to_one_moves_to_the_next_power() {
        let just_below_one = 1.0 - 2f64.powi(-40);
        assert_eq!(Multiplier::from_real(just_below_one), Multiplier::from_real(1.0));
    }

    #[test]
    fn scales_multiply_in_f32_where_the_weights_have_one() {
        // A depthwise convolution of MobileNetV3-Large minimalistic; TFLite's reference
        // kernels were recorded to turn its sum of 662 into 17.
        let (input, output) =
            (Element::int8(0.135_421_34, -128), Element::int8(0.168_828_77, -128));
        let scale = 0.031_043_727;
        let per_tensor = Quantization::PerTensor { scale, zero_point: 32 };
        assert_eq!(output_multipliers(&input, &per_tensor, &output, 1)[0].apply(662), 17);
        let per_channel = Quantization::PerChannel { scales: [scale].into() };
        assert_eq!(output_multipliers(&input, &per_channel, &output, 1)[0].apply(662), 16);
    }

    proptest! {
        #[test]
        fn applying_is_within_one_of_the_real_product(
            real in 1e-6f64..1.0, x in -100_000_000i32..100_000_000
        ) {
            let ours = f64::from(Multiplier::from_real(real).apply(x));
            prop_assert!((ours - real * f64::from(x)).abs() <= 1.0 + 1e-8 * ours.abs());
        }
    }
}
