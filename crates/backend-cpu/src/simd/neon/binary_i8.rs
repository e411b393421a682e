//! int8 sums and products, NEON: 16 numbers at a time, with the fixed-point arithmetic of
//! [`QuantizedAdd`] and [`QuantizedMul`]. Both return how many numbers they computed: all but
//! the last few of two runs, and none if an operand is a single number.
//!
//! Floor: 94 vector instructions for 16 sums, 42 for 16 products.

use std::arch::aarch64::*;

use pocketvision_core::quant::{QuantizedAdd, QuantizedMul};

use super::requantize::{Multipliers, OutputRange};
use crate::simd::Neon;

/// `out = a + b`, rescaled.
pub(crate) fn add(_: Neon, add: &QuantizedAdd, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    if a.len() != out.len() || b.len() != out.len() {
        return 0;
    }
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { add_runs(add, a, b, out) }
}

/// `out = a * b`, rescaled.
pub(crate) fn mul(_: Neon, mul: &QuantizedMul, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    if a.len() != out.len() || b.len() != out.len() {
        return 0;
    }
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { mul_runs(mul, a, b, out) }
}

#[target_feature(enable = "neon")]
fn add_runs(add: &QuantizedAdd, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    // In two parts: numbers without their zero points have 9 bits, of 16.
    const WIDENED: i32 = 15;
    const BEFORE: i32 = QuantizedAdd::LEFT_SHIFT as i32 - WIDENED;
    let (a_zero, b_zero) =
        (vdupq_n_s16(add.a_zero_point as i16), vdupq_n_s16(add.b_zero_point as i16));
    let a_multiplier = Multipliers::splat(add.a_multiplier);
    let b_multiplier = Multipliers::splat(add.b_multiplier);
    let output_multiplier = Multipliers::splat(add.output_multiplier);
    let range = OutputRange::new(add.output_zero_point, add.range.0, add.range.1);
    for_each_16(range, a, b, out, |a, b| {
        let a = vshlq_n_s16::<BEFORE>(vsubq_s16(a, a_zero));
        let b = vshlq_n_s16::<BEFORE>(vsubq_s16(b, b_zero));
        let sum = |a, b| {
            let sum = vaddq_s32(a_multiplier.apply(a), b_multiplier.apply(b));
            output_multiplier.apply(sum)
        };
        let (a_low, b_low) = (vget_low_s16(a), vget_low_s16(b));
        [
            sum(vshll_n_s16::<WIDENED>(a_low), vshll_n_s16::<WIDENED>(b_low)),
            sum(vshll_high_n_s16::<WIDENED>(a), vshll_high_n_s16::<WIDENED>(b)),
        ]
    })
}

#[target_feature(enable = "neon")]
fn mul_runs(mul: &QuantizedMul, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    let (a_zero, b_zero) =
        (vdupq_n_s16(mul.a_zero_point as i16), vdupq_n_s16(mul.b_zero_point as i16));
    let output_multiplier = Multipliers::splat(mul.output_multiplier);
    let range = OutputRange::new(mul.output_zero_point, mul.range.0, mul.range.1);
    for_each_16(range, a, b, out, |a, b| {
        let (a, b) = (vsubq_s16(a, a_zero), vsubq_s16(b, b_zero));
        [
            output_multiplier.apply(vmull_s16(vget_low_s16(a), vget_low_s16(b))),
            output_multiplier.apply(vmull_high_s16(a, b)),
        ]
    })
}

/// Combines 16 numbers at a time, 8 of them widened to i16; how many were computed.
#[target_feature(enable = "neon")]
#[inline]
fn for_each_16(
    range: OutputRange,
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
    combine: impl Fn(int16x8_t, int16x8_t) -> [int32x4_t; 2],
) -> usize {
    let done = out.len() / 16 * 16;
    let numbers = a.chunks_exact(16).zip(b.chunks_exact(16)).zip(out.chunks_exact_mut(16));
    for ((a, b), out) in numbers {
        // SAFETY: the chunks have 16 numbers.
        unsafe {
            let (a, b) = (vld1q_s8(a.as_ptr()), vld1q_s8(b.as_ptr()));
            let x = combine(vmovl_s8(vget_low_s8(a)), vmovl_s8(vget_low_s8(b)));
            let y = combine(vmovl_high_s8(a), vmovl_high_s8(b));
            vst1q_s8(out.as_mut_ptr(), range.narrow_two(x, y));
        }
    }
    done
}
