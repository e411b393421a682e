//! Saturating, rounding fixed-point steps on 32- and 16-bit integers.

/// `round(a * b / 2^31)`, half up; the one product that overflows saturates.
pub(super) const fn rounding_doubling_high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = a as i64 * b as i64;
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    ((product + nudge) / (1 << 31)) as i32
}

/// `round(x / 2^exponent)`, half away from zero, for exponents 0 to 31.
pub(super) const fn rounding_divide_by_power_of_two(x: i32, exponent: u32) -> i32 {
    let mask = ((1i64 << exponent) - 1) as i32;
    let remainder = x & mask;
    let threshold = (mask >> 1) + (x < 0) as i32;
    // Shifting by 31 leaves the sign, as the division should.
    (x >> exponent) + (remainder > threshold) as i32
}

/// `x * 2^exponent`, saturating.
pub(super) const fn saturating_shift_left(x: i32, exponent: u32) -> i32 {
    let wide = (x as i64) << exponent;
    if wide > i32::MAX as i64 {
        i32::MAX
    } else if wide < i32::MIN as i64 {
        i32::MIN
    } else {
        wide as i32
    }
}

/// `round(a * b / 2^15)`, half up, saturating.
pub(super) const fn rounding_doubling_high_mul_i16(a: i16, b: i16) -> i16 {
    if a == i16::MIN && b == i16::MIN {
        return i16::MAX;
    }
    let product = a as i32 * b as i32;
    let nudge = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
    ((product + nudge) / (1 << 15)) as i16
}

/// `a * b / 2^15` cut off toward zero, saturating.
pub(super) const fn doubling_high_mul_i16(a: i16, b: i16) -> i16 {
    if a == i16::MIN && b == i16::MIN {
        return i16::MAX;
    }
    (a as i32 * b as i32 / (1 << 15)) as i16
}

/// `x * 2^exponent`, saturating to 16 bits.
pub(super) const fn saturating_shift_left_i16(x: i16, exponent: u32) -> i16 {
    let wide = (x as i64) << exponent;
    if wide > i16::MAX as i64 {
        i16::MAX
    } else if wide < i16::MIN as i64 {
        i16::MIN
    } else {
        wide as i16
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rounds half away from zero in 128 bits: the definition, without tricks.
    fn round_divide(x: i128, divisor: i128) -> i128 {
        let half = divisor / 2;
        (x.abs() + half) / divisor * x.signum()
    }

    proptest! {
        #[test]
        fn high_multiply_rounds_half_away_or_to_the_definition(a: i32, b: i32) {
            prop_assume!(a != i32::MIN || b != i32::MIN);
            let exact = i128::from(a) * i128::from(b);
            let ours = i128::from(rounding_doubling_high_mul(a, b));
            // Negative ties go up: TFLite's nudge for them is one short of a half.
            let tie = exact < 0 && (exact.abs() % (1 << 31)) == 1 << 30;
            let expected = round_divide(exact, 1 << 31) + i128::from(tie);
            prop_assert_eq!(ours, expected);
        }

        #[test]
        fn division_by_a_power_of_two_rounds_half_away(x: i32, exponent in 0u32..=31) {
            let expected = round_divide(i128::from(x), 1 << exponent);
            prop_assert_eq!(i128::from(rounding_divide_by_power_of_two(x, exponent)), expected);
        }
    }
}
