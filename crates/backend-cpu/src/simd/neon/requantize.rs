//! Fixed-point multiplication of 4 numbers, exact to the bit.
//!
//! Both roundings of [`Multiplier::apply`] are instructions. `sqrdmulh` is the high multiply:
//! TFLite's nudge for negative products, one short of a half and followed by a division that
//! cuts off toward zero, is the same as rounding halves up. `srshl` shifts right and rounds
//! halves up too, where TFLite rounds them away from zero: one is subtracted from negative
//! numbers before. Neither can overflow: a mantissa is never the smallest number.

use std::arch::aarch64::*;

use crate::kernels::requantize::Requantize;
use pocketvision_core::quant::Multiplier;

/// The multipliers of 4 channels.
#[derive(Clone, Copy)]
pub(super) struct Multipliers {
    mantissa: int32x4_t,
    left: int32x4_t,
    /// How far products are shifted right, as negative numbers.
    minus_right: int32x4_t,
}

impl Multipliers {
    /// The multipliers of 8 channels from `channel` on.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn load(q: &Requantize, channel: usize) -> [Self; 2] {
        let vector = |list: &[i32], half: usize| {
            let list: &[i32; 8] = list[channel..channel + 8].try_into().expect("8 channels");
            // SAFETY: an array of 8 numbers is readable.
            unsafe { vld1q_s32(list.as_ptr().add(half * 4)) }
        };
        [0, 1].map(|half| Self {
            mantissa: vector(&q.mantissa, half),
            left: vector(&q.left, half),
            minus_right: vnegq_s32(vector(&q.right, half)),
        })
    }

    /// One multiplier for all.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn splat(multiplier: Multiplier) -> Self {
        let (left, right) = multiplier.shifts();
        Self {
            mantissa: vdupq_n_s32(multiplier.mantissa),
            left: vdupq_n_s32(left as i32),
            minus_right: vdupq_n_s32(-(right as i32)),
        }
    }

    /// [`Multiplier::apply`] to each number.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn apply(self, x: int32x4_t) -> int32x4_t {
        let product = vqrdmulhq_s32(vshlq_s32(x, self.left), self.mantissa);
        // Negative where the product is and it will be shifted.
        let shifted_and_negative = vandq_s32(product, self.minus_right);
        vrshlq_s32(vsraq_n_s32::<31>(product, shifted_and_negative), self.minus_right)
    }

    /// [`Self::apply`] where no number is shifted left and all products are shifted right by
    /// at least one bit: three instructions.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn apply_right_shifts(self, x: int32x4_t) -> int32x4_t {
        let product = vqrdmulhq_s32(x, self.mantissa);
        vrshlq_s32(vsraq_n_s32::<31>(product, product), self.minus_right)
    }
}

/// Zero point and range of an output.
#[derive(Clone, Copy)]
pub(super) struct OutputRange {
    zero_point: int16x8_t,
    low: int8x16_t,
    high: int8x16_t,
}

impl OutputRange {
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn new(zero_point: i32, low: i32, high: i32) -> Self {
        Self {
            zero_point: vdupq_n_s16(zero_point as i16),
            low: vdupq_n_s8(low as i8),
            high: vdupq_n_s8(high as i8),
        }
    }

    /// Adds the zero point: 8 numbers, saturated.
    #[target_feature(enable = "neon")]
    #[inline]
    fn add_zero_point(self, [x, y]: [int32x4_t; 2]) -> int16x8_t {
        vqaddq_s16(vqmovn_high_s32(vqmovn_s32(x), y), self.zero_point)
    }

    /// Adds the zero point and clamps: 8 int8 numbers.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn narrow(self, x: [int32x4_t; 2]) -> int8x8_t {
        let narrow = vqmovn_s16(self.add_zero_point(x));
        vmin_s8(vmax_s8(narrow, vget_low_s8(self.low)), vget_low_s8(self.high))
    }

    /// As [`Self::narrow`], 16 numbers.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn narrow_two(self, x: [int32x4_t; 2], y: [int32x4_t; 2]) -> int8x16_t {
        let narrow = vqmovn_high_s16(vqmovn_s16(self.add_zero_point(x)), self.add_zero_point(y));
        vminq_s8(vmaxq_s8(narrow, self.low), self.high)
    }
}

/// Writes the first `count` of 8 numbers.
///
/// # Safety
/// `to` must have room for them.
#[target_feature(enable = "neon")]
#[inline]
pub(super) unsafe fn store_first(to: *mut u8, numbers: int8x8_t, count: usize) {
    // SAFETY: the caller vouches for `count` bytes; the array has 8.
    unsafe {
        if count == 8 {
            vst1_s8(to.cast(), numbers);
        } else {
            let mut all = [0i8; 8];
            vst1_s8(all.as_mut_ptr(), numbers);
            std::ptr::copy_nonoverlapping(all.as_ptr().cast(), to, count.min(8));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Both products of four sums.
    #[target_feature(enable = "neon")]
    fn products(multiplier: Multiplier, sums: [i32; 4]) -> [[i32; 4]; 2] {
        let multipliers = Multipliers::splat(multiplier);
        let mut products = [[0; 4]; 2];
        // SAFETY: the arrays have 4 numbers.
        unsafe {
            let x = vld1q_s32(sums.as_ptr());
            vst1q_s32(products[0].as_mut_ptr(), multipliers.apply(x));
            vst1q_s32(products[1].as_mut_ptr(), multipliers.apply_right_shifts(x));
        }
        products
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn products_are_those_of_the_definition(
            mantissa in prop_oneof![Just(0), Just(1 << 30), Just(i32::MAX), (1 << 30)..=i32::MAX],
            exponent in -31..=30,
            any: [i32; 2], small in -4096..4096,
            edge in prop_oneof![Just(i32::MIN), Just(i32::MIN + 1), Just(i32::MAX)],
        ) {
            let multiplier = Multiplier { mantissa, exponent };
            let sums = [any[0], any[1], small, edge];
            let expected = sums.map(|sum| multiplier.apply(sum));
            // SAFETY: all processors of this architecture have the instructions.
            let [products, right_shifts] = unsafe { products(multiplier, sums) };
            prop_assert_eq!(products, expected);
            if exponent < 0 {
                prop_assert_eq!(right_shifts, expected);
            }
        }
    }
}
