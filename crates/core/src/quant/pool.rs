//! Averages of int8 numbers.

use super::Multiplier;
use crate::Element;
use crate::op::IntegerRounding;

/// `sum / count`, rounded as stated, for a count above zero. Not yet clamped.
///
/// ```
/// use pocketvision_core::op::IntegerRounding;
/// use pocketvision_core::quant::average;
///
/// assert_eq!(average(7, 2, IntegerRounding::HalfAwayFromZero), 4);
/// assert_eq!(average(-7, 2, IntegerRounding::HalfAwayFromZero), -4);
/// assert_eq!(average(-7, 2, IntegerRounding::HalfUp), -3);
/// ```
pub const fn average(sum: i32, count: i32, rounding: IntegerRounding) -> i32 {
    match rounding {
        IntegerRounding::HalfAwayFromZero if sum <= 0 => (sum - count / 2) / count,
        IntegerRounding::HalfAwayFromZero => (sum + count / 2) / count,
        IntegerRounding::HalfUp => (sum + count / 2).div_euclid(count),
    }
}

/// The constants of an int8 mean over a whole image, rescaled to the output's scale.
///
/// The division by the number of pixels is folded into the multiplier.
///
/// ```
/// use pocketvision_core::Element;
/// use pocketvision_core::quant::QuantizedMean;
///
/// // Four pixels whose numbers add up to 40, at half the scale.
/// let mean = QuantizedMean::new(&Element::int8(1.0, 0), &Element::int8(0.5, 0), 4);
/// assert_eq!(mean.apply(40), 20);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuantizedMean {
    /// `count * input zero point`: what the sum of zeros would be.
    pub zero_sum: i32,
    /// Scales the sum, division included.
    pub multiplier: Multiplier,
    /// Zero point of the output.
    pub output_zero_point: i32,
}

impl QuantizedMean {
    /// The constants for `count` pixels.
    ///
    /// # Panics
    /// If one is not an integer with one scale: [`crate::GraphBuilder`] sees to that.
    pub fn new(input: &Element, output: &Element, count: usize) -> Self {
        let (input_scale, input_zero_point) = input.per_tensor().expect("an integer input");
        let (output_scale, output_zero_point) = output.per_tensor().expect("an integer output");
        let scale = Multiplier::from_real(f64::from(input_scale) / f64::from(output_scale));
        // As many bits as the count has are gained by shifting before dividing, within what
        // a right shift of 31 can undo.
        let gained = (63 - (count as u64).leading_zeros() as i32).min(32).min(31 + scale.exponent);
        let mantissa = ((i64::from(scale.mantissa) << gained) / count as i64) as i32;
        Self {
            zero_sum: input_zero_point * count as i32,
            multiplier: Multiplier { mantissa, exponent: scale.exponent - gained },
            output_zero_point,
        }
    }

    /// The mean, from the sum of all elements.
    pub fn apply(&self, sum: i32) -> i8 {
        let mean = self.multiplier.apply(sum - self.zero_sum);
        mean.saturating_add(self.output_zero_point).clamp(-128, 127) as i8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_where_they_should() {
        let away = IntegerRounding::HalfAwayFromZero;
        assert_eq!([-5, -3, 0, 3, 5].map(|sum| average(sum, 2, away)), [-3, -2, 0, 2, 3]);
        let up = IntegerRounding::HalfUp;
        assert_eq!([-5, -3, 0, 3, 5].map(|sum| average(sum, 2, up)), [-2, -1, 0, 2, 3]);
    }

    #[test]
    fn rounding_up_is_what_uint8_rounding_half_away_becomes_below_128() {
        for count in 1..60 {
            for unsigned_sum in 0..(255 * count) {
                let unsigned = average(unsigned_sum, count, IntegerRounding::HalfAwayFromZero);
                let signed = average(unsigned_sum - 128 * count, count, IntegerRounding::HalfUp);
                assert_eq!(unsigned - 128, signed);
            }
        }
    }

    #[test]
    fn a_mean_is_within_one_step_of_the_real_one() {
        let (input, output) = (Element::int8(0.05, 3), Element::int8(0.02, -100));
        let mean = QuantizedMean::new(&input, &output, 49);
        for average in -128i32..=127 {
            let real = 0.05 * f64::from(average - 3) / 0.02 - 100.0;
            let ours = f64::from(mean.apply(average * 49));
            assert!((ours - real.clamp(-128.0, 127.0)).abs() <= 1.0, "{average}: {ours} {real}");
        }
    }
}
