//! An int8 number between four others.

use crate::op::{FIXED_POINT_ONE, Sample};

/// The number between four, by weights of 1/1024, rounded half away from zero: what TFLite does
/// with int8.
///
/// `corners` are upper left, lower left, upper right, lower right; `row` and `column` say how far
/// between them it lies. All sums are exact in 32 bits.
///
/// ```
/// use pocketvision_core::op::{FIXED_POINT_ONE, Sample};
/// use pocketvision_core::quant::interpolate_fixed_point;
///
/// let middle = Sample { lower: 0, upper: 1, weight: FIXED_POINT_ONE / 2 };
/// assert_eq!(interpolate_fixed_point([0, 20, 40, 60], middle, middle), 30);
/// ```
pub const fn interpolate_fixed_point(
    corners: [i8; 4],
    row: Sample<i32>,
    column: Sample<i32>,
) -> i8 {
    let [upper_left, lower_left, upper_right, lower_right] = corners;
    let (down, right) = (row.weight, column.weight);
    let (up, left) = (FIXED_POINT_ONE - down, FIXED_POINT_ONE - right);
    let sum = upper_left as i32 * up * left
        + lower_left as i32 * down * left
        + upper_right as i32 * up * right
        + lower_right as i32 * down * right;
    let one = FIXED_POINT_ONE * FIXED_POINT_ONE;
    let half = if sum > 0 { one / 2 } else { -one / 2 };
    clamp((sum + half) / one)
}

/// The number between four in f32, on the numbers plus 128 and rounded half up: what TFLite does
/// with the uint8 that they were. Every step is one IEEE operation, in this order.
///
/// ```
/// use pocketvision_core::op::Sample;
/// use pocketvision_core::quant::interpolate_float;
///
/// let middle = Sample { lower: 0, upper: 1, weight: 0.5 };
/// assert_eq!(interpolate_float([0, 20, 40, 60], middle, middle), 30);
/// ```
pub fn interpolate_float(corners: [i8; 4], row: Sample<f32>, column: Sample<f32>) -> i8 {
    let [upper_left, lower_left, upper_right, lower_right] =
        corners.map(|corner| f32::from((corner as u8) ^ 0x80));
    let (down, right) = (row.weight, column.weight);
    let (up, left) = (1.0 - down, 1.0 - right);
    let sum = upper_left * up * left
        + lower_left * down * left
        + upper_right * up * right
        + lower_right * down * right
        + 0.5;
    ((sum as u8) ^ 0x80) as i8
}

const fn clamp(x: i32) -> i8 {
    if x > 127 {
        127
    } else if x < -128 {
        -128
    } else {
        x as i8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_rules_are_within_half_a_step_of_the_real_number(
            corners: [i8; 4], down in 0..=FIXED_POINT_ONE, right in 0..=FIXED_POINT_ONE,
        ) {
            let one = f64::from(FIXED_POINT_ONE);
            let (y, x) = (f64::from(down) / one, f64::from(right) / one);
            let [a, b, c, d] = corners.map(f64::from);
            let exact =
                a * (1.0 - y) * (1.0 - x) + b * y * (1.0 - x) + c * (1.0 - y) * x + d * y * x;
            let fixed = |weight| Sample { lower: 0, upper: 1, weight };
            let ours = interpolate_fixed_point(corners, fixed(down), fixed(right));
            prop_assert!((f64::from(ours) - exact).abs() <= 0.5);
            let float = |weight| Sample { lower: 0, upper: 1, weight };
            let ours = interpolate_float(corners, float(y as f32), float(x as f32));
            prop_assert!((f64::from(ours) - exact).abs() <= 0.5 + 1e-4);
        }
    }

    #[test]
    fn halves_go_where_they_should() {
        let between = |a, b| [a, a, b, b];
        let (middle, whole) = (FIXED_POINT_ONE / 2, 0);
        let fixed = |weight| Sample { lower: 0, upper: 1, weight };
        let away = |a, b| interpolate_fixed_point(between(a, b), fixed(whole), fixed(middle));
        assert_eq!([away(2, 3), away(-3, -2), away(-1, 1)], [3, -3, 0]);
        let float = |weight| Sample { lower: 0, upper: 1, weight };
        let up = |a, b| interpolate_float(between(a, b), float(0.0), float(0.5));
        assert_eq!([up(2, 3), up(-3, -2), up(-1, 1)], [3, -2, 0]);
    }
}
