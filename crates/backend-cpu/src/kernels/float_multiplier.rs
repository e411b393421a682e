//! Requantization in float arithmetic that is exact all the same.
//!
//! TFLite turns a sum `x` into an output by a fixed-point product that rounds twice. Done in
//! integers that takes some fourteen vector instructions. In floats it is five:
//!
//! ```text
//! G(x) = truncate(fma(float(x), scale, fma(float(x), scale_rest, copysign(half, x))))
//! ```
//!
//! with everything rounded towards zero. Both TFLite's function F and G are monotone. So they
//! are equal for *every* sum if they take their steps at the same sums: if T is the smallest
//! sum with `F(T) >= k`, then `G(T) >= k` and `G(T - 1) < k`, for each output k that the clamp
//! leaves. That is at most 255 steps a channel, and all are looked at when a network is
//! compiled.
//!
//! With multiplier `m / 2^31 / 2^r`, F takes the step to k > 0 where the first product reaches
//! `P = k 2^r - 2^(r-1)`, hence at the first integer from `θ = (P - 1/2) 2^31 / m` on. All θ
//! lie on the line `θ scale + 1/2 + 2^-(r+1) = k`. Since F only sees integers, the line may be
//! moved: by as much as leaves every θ between the same two integers. The middle of that range
//! is taken; if the range is wider than what the floats leave out, F and G agree. `k` itself
//! is a float, so that rounding the outer product towards zero moves nothing across it. The
//! steps to k <= 0 mirror those to 1 - k.
//!
//! Levels that can only round to the nearest float take the step to k early, where the outer
//! product is half a float's distance short of k (a tie goes to k, which is even). That distance
//! is known, so it is added to the distance between each θ and the line.

use pocketvision_core::quant::Multiplier;

/// How a level rounds float sums and products.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rounding {
    /// As an instruction says: towards zero.
    TowardZero,
    /// As the machine is set: to the nearest float, to the even one of two.
    Nearest,
}

/// A multiplier in floats, proven to be equal to the integer one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct FloatMultiplier {
    pub(crate) scale: f32,
    /// What the float `scale` lacks.
    pub(crate) scale_rest: f32,
    pub(crate) half: f32,
}

impl FloatMultiplier {
    /// For channels that do not exist.
    pub(crate) const NONE: Self = Self { scale: 0.0, scale_rest: 0.0, half: 0.0 };

    /// The constants of a channel whose outputs, before the zero point is added, are clamped to
    /// `low..=high`; `None` if there are none that are exact.
    pub(crate) fn prove(
        multiplier: Multiplier,
        low: i32,
        high: i32,
        rounding: Rounding,
    ) -> Option<Self> {
        let right = -multiplier.exponent;
        if !(1..=MOST_SHIFT).contains(&right) || multiplier.mantissa < 1 << 30 || low > high {
            return None;
        }
        let mantissa = i64::from(multiplier.mantissa);
        let last = high.max(1 - low).max(1);
        let (least, most) = step_distances(mantissa, right, last, rounding)?;
        let real = multiplier.to_real();
        let room = (least - most + mantissa) as f64 / mantissa as f64 * real;
        if room < LEAST_ROOM {
            return None;
        }
        let moved = (most - mantissa + least) as f64 / 2.0 / mantissa as f64 * real;
        let scale = real as f32;
        Some(Self {
            scale,
            scale_rest: (real - f64::from(scale)) as f32,
            half: (0.5 + 0.5 * 2f64.powi(-right) - moved) as f32,
        })
    }
}

/// How far the sums that take the steps to 1, 2, ... `last` are behind the real line, or behind
/// where rounding takes them from it, least and most, in units of `1 / mantissa`. `None` if a
/// step falls on a sum to the bit: it is taken differently on the two sides of 0.
fn step_distances(mantissa: i64, right: i32, last: i32, rounding: Rounding) -> Option<(i64, i64)> {
    let first = (1_i64 << (right - 1 + 31)) - (1 << 30);
    let remainder_of_step = (1_i64 << (right + 31)) % mantissa;
    let mut remainder = first % mantissa;
    let (mut least, mut most) = (i64::MAX, 0);
    for k in 1..=last {
        if remainder == 0 {
            return None;
        }
        let behind = mantissa - remainder;
        // Floats just below k are 2^-24 of the power of two from k on apart.
        let early = match rounding {
            Rounding::TowardZero => 0,
            Rounding::Nearest => i64::from((k as u32).next_power_of_two()) << (right + 31 - 25),
        };
        let distance = behind + early;
        (least, most) = (least.min(distance), most.max(distance));
        remainder += remainder_of_step;
        if remainder >= mantissa {
            remainder -= mantissa;
        }
    }
    Some((least, most))
}

/// With larger shifts, sums that decide are no longer whole numbers as floats.
const MOST_SHIFT: i32 = 15;

/// Twice what the floats leave out, in outputs: `half` and the inner product, both below 1, to
/// 2^-24 each, and the rest of the scale to 2^-49 of sums below 2^24.
const LEAST_ROOM: f64 = 1.0 / (1 << 21) as f64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A number with the bits that a float has room for.
    fn rounded(number: i128, rounding: Rounding) -> i128 {
        let magnitude = number.unsigned_abs();
        let excess = (128 - magnitude.leading_zeros()).saturating_sub(24);
        let whole = magnitude >> excess;
        let rest = magnitude - (whole << excess);
        let half = (1 << excess) >> 1;
        let up = rest > half || (rest == half && excess > 0 && whole % 2 == 1);
        let up = up && rounding == Rounding::Nearest;
        ((whole + u128::from(up)) << excess) as i128 * number.signum()
    }

    /// A float as a multiple of 2^-64.
    fn fixed(x: f32) -> i128 {
        (f64::from(x) * 2f64.powi(64)) as i128
    }

    impl FloatMultiplier {
        /// The function, as vector kernels compute it, in exact arithmetic.
        fn apply(self, sum: i32, rounding: Rounding) -> i32 {
            let x = rounded(i128::from(sum.unsigned_abs()), rounding);
            let inner = x * fixed(self.scale_rest) + fixed(self.half);
            let outer = x * fixed(self.scale) + rounded(inner, rounding);
            (rounded(outer, rounding) >> 64) as i32 * sum.signum()
        }
    }

    /// The smallest sum that yields `k` or more, found by trying.
    fn first_sum(multiplier: Multiplier, k: i32) -> i32 {
        let (mut low, mut high) = (-(1_i64 << 27), 1_i64 << 27);
        while low < high {
            let middle = (low + high).div_euclid(2);
            if multiplier.apply(middle as i32) >= k { high = middle } else { low = middle + 1 }
        }
        low as i32
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn what_is_proven_is_true(
            mantissa in (1i32 << 30)..=i32::MAX, right in 1i32..=MOST_SHIFT,
            low in -255i32..=0, span in 0i32..=255, sums: [i32; 32], trailing_zeros in 0u32..31,
            nearest: bool,
        ) {
            let rounding = if nearest { Rounding::Nearest } else { Rounding::TowardZero };
            let mantissa = (mantissa >> trailing_zeros << trailing_zeros).max(1 << 30);
            let multiplier = Multiplier { mantissa, exponent: -right };
            let high = low + span;
            let float = FloatMultiplier::prove(multiplier, low, high, rounding);
            let Some(float) = float else { return Ok(()) };
            let near_steps = (low..=high + 1).flat_map(|k| (-2..2).map(move |d| (k, d)));
            let near_steps = near_steps.map(|(k, d)| first_sum(multiplier, k) + d);
            for sum in near_steps.chain(sums).chain([0, 1, -1, i32::MAX, -i32::MAX]) {
                let exact = multiplier.apply(sum).clamp(low, high);
                prop_assert_eq!(float.apply(sum, rounding).clamp(low, high), exact, "{}", sum);
            }
        }
    }

    #[test]
    fn most_multipliers_of_networks_have_an_exact_float() {
        let proven = |exponent: i32, rounding: Rounding| {
            let mantissas = (0..1000).map(|i| (1 << 30) + i * 1_073_741 + 12_345);
            let multipliers = mantissas.map(|mantissa| Multiplier { mantissa, exponent });
            let prove = |m: &Multiplier| FloatMultiplier::prove(*m, -128, 127, rounding).is_some();
            multipliers.filter(prove).count()
        };
        for (exponent, toward_zero, nearest) in [(-5, 990, 980), (-8, 980, 850), (-10, 900, 400)] {
            let counts = [Rounding::TowardZero, Rounding::Nearest].map(|r| proven(exponent, r));
            assert!(counts[0] > toward_zero && counts[1] > nearest, "{exponent}: {counts:?}");
        }
    }
}
