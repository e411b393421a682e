//! Softmax over int8 scores.

use super::Multiplier;
use super::fixed_point::{
    rounding_divide_by_power_of_two, rounding_doubling_high_mul, saturating_shift_left,
};
use crate::Element;

/// The constants of an int8 softmax: an exponential for each of the 256 differences that a
/// score can have from the largest.
///
/// Exponentials are fixed-point numbers with 31 fractional bits; their sum has 12 integer
/// bits, so at most 4096 scores are exact. The output always has scale 1/256 and zero
/// point -128.
///
/// ```
/// use pocketvision_core::Element;
/// use pocketvision_core::quant::QuantizedSoftmax;
///
/// let softmax = QuantizedSoftmax::new(&Element::int8(0.1, 0), 1.0);
/// let mut shares = [0; 2];
/// softmax.apply(&[5, 5], &mut shares);
/// // One half each, at scale 1/256 and zero point -128.
/// assert_eq!(shares, [0, 0]);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuantizedSoftmax {
    /// `exp(-difference)` with 31 fractional bits, by difference from the largest score;
    /// `None` where it is too small to count.
    pub exponentials: [Option<i32>; 256],
}

impl QuantizedSoftmax {
    /// The constants for scores of one scale.
    ///
    /// # Panics
    /// If the input is not an integer with one scale: [`crate::GraphBuilder`] sees to that.
    pub fn new(input: &Element, beta: f32) -> Self {
        let (scale, _) = input.per_tensor().expect("an integer input");
        let real = f64::from(beta) * f64::from(scale) * f64::from(1 << (31 - INTEGER_BITS));
        let multiplier = Multiplier::from_real(real.min(f64::from(i32::MAX)));
        let (left, _) = multiplier.shifts();
        let most = ((1i64 << INTEGER_BITS) - 1) as f64 * (1i64 << (31 - INTEGER_BITS)) as f64;
        let largest_difference = (most / (1i64 << left) as f64).floor() as i64;
        let exponential = |difference: usize| {
            if difference as i64 > largest_difference {
                return None;
            }
            let shifted = -(difference as i32) << left;
            Some(exp_of_negative(rounding_doubling_high_mul(shifted, multiplier.mantissa)))
        };
        Self { exponentials: std::array::from_fn(exponential) }
    }

    /// Softmax over one position's scores.
    pub fn apply(&self, scores: &[i8], output: &mut [i8]) {
        let Some(&largest) = scores.iter().max() else { return };
        let exponential =
            |&score: &i8| self.exponentials[usize::from(largest.wrapping_sub(score) as u8)];
        let sum = scores
            .iter()
            .filter_map(exponential)
            .fold(0i32, |sum, e| sum.wrapping_add(Self::summand(e)));
        let reciprocal = Reciprocal::new(sum);
        for (out, score) in output.iter_mut().zip(scores) {
            *out = exponential(score).map_or(i8::MIN, |e| reciprocal.scale(e));
        }
    }

    /// An exponential at the scale of the sum.
    const fn summand(exponential: i32) -> i32 {
        rounding_divide_by_power_of_two(exponential, SUM_INTEGER_BITS)
    }
}

/// One over the sum of exponentials: `mantissa / 2^31 / 2^shift`.
struct Reciprocal {
    mantissa: i32,
    shift: i32,
}

impl Reciprocal {
    fn new(sum: i32) -> Self {
        let headroom = sum.leading_zeros();
        // The sum as 1 + x with x in 0..1, 31 fractional bits.
        let x = ((sum as u32) << headroom).wrapping_sub(1 << 31) as i32;
        let shift = SUM_INTEGER_BITS as i32 - headroom as i32;
        Self { mantissa: one_over_one_plus(x), shift }
    }

    fn scale(&self, exponential: i32) -> i8 {
        let product = rounding_doubling_high_mul(self.mantissa, exponential);
        let exponent = (self.shift + 31 - 8) as u32;
        // Of over 512 like scores each is less than half of 2^32: nothing.
        let value =
            if exponent > 31 { 0 } else { rounding_divide_by_power_of_two(product, exponent) };
        (value - 128).clamp(-128, 127) as i8
    }
}

/// `exp(x)` for `x <= 0` with 26 fractional bits; the result has 31.
///
/// `x` is split into a remainder in -1/4..0, whose exponential is a polynomial, and quarters
/// and powers of two, whose exponentials are constants.
fn exp_of_negative(x: i32) -> i32 {
    if x == 0 {
        return i32::MAX;
    }
    const QUARTER: i32 = 1 << 24;
    let small = (x & (QUARTER - 1)) - QUARTER;
    let mut result = exp_between_minus_quarter_and_zero(saturating_shift_left(small, 5));
    let remainder = small.wrapping_sub(x);
    // exp(-1/4), exp(-1/2), exp(-1) ... exp(-16) with 31 fractional bits.
    const FACTORS: [i32; 7] =
        [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];
    for (bit, factor) in FACTORS.into_iter().enumerate() {
        if remainder & (QUARTER << bit) != 0 {
            result = rounding_doubling_high_mul(result, factor);
        }
    }
    result
}

/// `exp(x)` for `x` in -1/4..0, both with 31 fractional bits: a Taylor polynomial of degree
/// four around -1/8.
fn exp_between_minus_quarter_and_zero(x: i32) -> i32 {
    const EXP_OF_MINUS_EIGHTH: i32 = 1_895_147_668;
    const ONE_THIRD: i32 = 715_827_883;
    let mul = rounding_doubling_high_mul;
    let x = x.wrapping_add(1 << 28);
    let x2 = mul(x, x);
    let x3 = mul(x2, x);
    let x4_over_4 = rounding_divide_by_power_of_two(mul(x2, x2), 2);
    // x^2/2 + x^3/6 + x^4/24
    let tail = rounding_divide_by_power_of_two(mul(x4_over_4 + x3, ONE_THIRD) + x2, 1);
    EXP_OF_MINUS_EIGHTH + mul(EXP_OF_MINUS_EIGHTH, x + tail)
}

/// `1 / (1 + x)` for `x` in 0..1, both with 31 fractional bits: Newton's method on half the
/// denominator from the linear guess 48/17 - 32/17 d, three steps with 29 fractional bits.
fn one_over_one_plus(x: i32) -> i32 {
    const GUESS: i32 = 1_515_870_810;
    const SLOPE: i32 = -1_010_580_540;
    const ONE: i32 = 1 << 29;
    let mul = rounding_doubling_high_mul;
    let half_denominator = ((i64::from(x) + i64::from(i32::MAX) + 1) / 2) as i32;
    let mut guess = GUESS + mul(half_denominator, SLOPE);
    for _ in 0..3 {
        let error = ONE - mul(half_denominator, guess);
        guess += saturating_shift_left(mul(guess, error), 2);
    }
    saturating_shift_left(guess, 1)
}

/// Integer bits of a scaled difference.
const INTEGER_BITS: u32 = 5;
/// Integer bits of the sum of exponentials.
const SUM_INTEGER_BITS: u32 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_accurate() {
        for step in 0..400 {
            let x = -(step * 2_796_203);
            let exact = (f64::from(x) / f64::from(1 << 26)).exp();
            let ours = f64::from(exp_of_negative(x)) / f64::from(i32::MAX);
            assert!((ours - exact).abs() < 1e-6, "exp({x}): {ours} {exact}");
        }
    }

    #[test]
    fn a_thousand_like_scores_have_no_probability_left() {
        let softmax = QuantizedSoftmax::new(&Element::int8(0.1, 4), 1.0);
        for (count, expected) in [(256, -127), (511, -127), (600, -128), (1001, -128), (4095, -128)]
        {
            let mut output = vec![0; count];
            softmax.apply(&vec![3; count], &mut output);
            assert_eq!(output, vec![expected; count], "{count}");
        }
    }

    #[test]
    fn probabilities_are_accurate_and_add_up() {
        let scores: Vec<i8> = (0..64).map(|i| (i * 37 % 101) as i8 - 50).collect();
        let mut output = vec![0; scores.len()];
        QuantizedSoftmax::new(&Element::int8(0.1, 4), 1.0).apply(&scores, &mut output);
        let sum: f64 = scores.iter().map(|&s| (f64::from(s) * 0.1).exp()).sum();
        for (&score, &out) in scores.iter().zip(&output) {
            let exact = (f64::from(score) * 0.1).exp() / sum * 256.0 - 128.0;
            assert!((f64::from(out) - exact).abs() <= 0.51, "{score}: {out} {exact}");
        }
    }
}
