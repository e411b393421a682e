//! int8 sums and products, AVX-512: 16 numbers at a time, with the fixed-point arithmetic of
//! [`QuantizedAdd`] and [`QuantizedMul`], or 64 in floats where these are exact. All return how
//! many numbers they computed: all of two runs, and none if an operand is a single number.
//!
//! A byte becomes a float in two steps: a shuffle moves it to the highest byte of four, where
//! its sign is, and the integer that it then is, 2^24 times the byte, is converted. Constants
//! are divided by this power of two, which changes no bit of a result.

use std::arch::x86_64::*;

use pocketvision_core::quant::{QuantizedAdd, QuantizedMul};

use super::requantize::{FloatMultipliers, Multipliers, OutputRange};
use crate::kernels::float_multiplier::FloatMultiplier;
use crate::kernels::float_sum::FloatSum;
use crate::simd::Avx512;

/// `out = a + b`, rescaled.
pub(crate) fn add(_: Avx512, add: &QuantizedAdd, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { add_runs(add, a, b, out) }
}

/// `out = a * b`, rescaled.
pub(crate) fn mul(_: Avx512, mul: &QuantizedMul, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { mul_runs(mul, a, b, out) }
}

/// `out = a + b`, rescaled in floats.
pub(crate) fn add_floats(_: Avx512, sum: &FloatSum, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { add_float_runs(sum, a, b, out) }
}

/// `out = a * b`, rescaled in floats.
pub(crate) fn mul_floats(
    _: Avx512,
    mul: &QuantizedMul,
    multiplier: FloatMultiplier,
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
) -> usize {
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { mul_float_runs(mul, multiplier, a, b, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn add_float_runs(sum: &FloatSum, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    const DOWN: i32 = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
    let [a_coarse, b_coarse, a_fine, b_fine] = [sum.a_coarse, sum.b_coarse, sum.a_fine, sum.b_fine]
        .map(|constant| _mm512_set1_ps(constant / SPREAD));
    let (coarse, fine) = (_mm512_set1_ps(sum.coarse), _mm512_set1_ps(sum.fine));
    let range = OutputRange::new(0, sum.range.0, sum.range.1);
    for_each_64(range, a, b, out, |a, b| {
        let coarse = _mm512_fmadd_ps(a, a_coarse, _mm512_fmadd_ps(b, b_coarse, coarse));
        let fine = _mm512_fmadd_ps(a, a_fine, _mm512_fmadd_ps(b, b_fine, fine));
        let total = _mm512_add_round_ps::<DOWN>(coarse, fine);
        _mm512_cvt_roundps_epi32::<DOWN>(total)
    })
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn mul_float_runs(
    mul: &QuantizedMul,
    multiplier: FloatMultiplier,
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
) -> usize {
    let [a_zero, b_zero] =
        [mul.a_zero_point, mul.b_zero_point].map(|zero| _mm512_set1_ps(zero as f32 * SPREAD));
    let multiplier = FloatMultipliers::splat(FloatMultiplier {
        scale: multiplier.scale / SPREAD / SPREAD,
        scale_rest: multiplier.scale_rest / SPREAD / SPREAD,
        ..multiplier
    });
    let range = OutputRange::new(mul.output_zero_point, mul.range.0, mul.range.1);
    for_each_64(range, a, b, out, |a, b| {
        let (a, b) = (_mm512_sub_ps(a, a_zero), _mm512_sub_ps(b, b_zero));
        multiplier.apply_to_float::<true>(_mm512_mul_ps(a, b))
    })
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn add_runs(add: &QuantizedAdd, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    const SHIFT: u32 = QuantizedAdd::LEFT_SHIFT;
    let (a_zero, b_zero) =
        (_mm512_set1_epi32(add.a_zero_point), _mm512_set1_epi32(add.b_zero_point));
    let a_multiplier = Multipliers::splat(add.a_multiplier);
    let b_multiplier = Multipliers::splat(add.b_multiplier);
    let output_multiplier = Multipliers::splat(add.output_multiplier);
    let range = OutputRange::new(add.output_zero_point, add.range.0, add.range.1);
    for_each_16(a, b, out, |a, b| {
        let a = _mm512_slli_epi32::<SHIFT>(_mm512_sub_epi32(a, a_zero));
        let b = _mm512_slli_epi32::<SHIFT>(_mm512_sub_epi32(b, b_zero));
        let sum = _mm512_add_epi32(a_multiplier.apply(a), b_multiplier.apply(b));
        range.narrow(output_multiplier.apply(sum))
    })
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn mul_runs(mul: &QuantizedMul, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    let (a_zero, b_zero) =
        (_mm512_set1_epi32(mul.a_zero_point), _mm512_set1_epi32(mul.b_zero_point));
    let output_multiplier = Multipliers::splat(mul.output_multiplier);
    let range = OutputRange::new(mul.output_zero_point, mul.range.0, mul.range.1);
    for_each_16(a, b, out, |a, b| {
        let (a, b) = (_mm512_sub_epi32(a, a_zero), _mm512_sub_epi32(b, b_zero));
        range.narrow(output_multiplier.apply(_mm512_mullo_epi32(a, b)))
    })
}

/// What bytes are multiplied by when they become floats.
const SPREAD: f32 = (1 << 24) as f32;

/// Combines 64 numbers at a time, 16 by 16 as floats that are [`SPREAD`] times as large; how many
/// there were, or 0 unless there are as many of each.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn for_each_64(
    range: OutputRange,
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
    combine: impl Fn(__m512, __m512) -> __m512i,
) -> usize {
    let length = out.len();
    if a.len() != length || b.len() != length {
        return 0;
    }
    // Four bytes of each lane of 16 to the highest bytes of its four numbers.
    let spread = |vector: i32| {
        let nothing = 0x80_8080;
        let at = |byte: i32| (4 * vector + byte) << 24 | nothing;
        _mm512_broadcast_i32x4(_mm_setr_epi32(at(0), at(1), at(2), at(3)))
    };
    let spread = [spread(0), spread(1), spread(2), spread(3)];
    let mut at = |first: usize, mask: u64| {
        // SAFETY: the mask ends where the numbers do.
        unsafe {
            let a = _mm512_maskz_loadu_epi8(mask, a.as_ptr().add(first));
            let b = _mm512_maskz_loadu_epi8(mask, b.as_ptr().add(first));
            let mut combined = [_mm512_setzero_si512(); 4];
            for vector in 0..4 {
                let a = _mm512_cvtepi32_ps(_mm512_shuffle_epi8(a, spread[vector]));
                let b = _mm512_cvtepi32_ps(_mm512_shuffle_epi8(b, spread[vector]));
                combined[vector] = combine(a, b);
            }
            let numbers = range.narrow_in_order::<true>(combined);
            _mm512_mask_storeu_epi8(out.as_mut_ptr().add(first), mask, numbers);
        }
    };
    let rest = length % 64;
    (0..length - rest).step_by(64).for_each(|first| at(first, u64::MAX));
    if rest > 0 {
        at(length - rest, (1 << rest) - 1);
    }
    length
}

/// Combines 16 widened numbers at a time; how many there were, or 0 unless there are as many of
/// each.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn for_each_16(
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
    combine: impl Fn(__m512i, __m512i) -> __m128i,
) -> usize {
    let length = out.len();
    if a.len() != length || b.len() != length {
        return 0;
    }
    let mut at = |first: usize, mask: u16| {
        // SAFETY: the mask ends where the numbers do.
        unsafe {
            let a = _mm_maskz_loadu_epi8(mask, a.as_ptr().add(first));
            let b = _mm_maskz_loadu_epi8(mask, b.as_ptr().add(first));
            let combined = combine(_mm512_cvtepi8_epi32(a), _mm512_cvtepi8_epi32(b));
            _mm_mask_storeu_epi8(out.as_mut_ptr().add(first), mask, combined);
        }
    };
    let rest = length % 16;
    (0..length - rest).step_by(16).for_each(|first| at(first, 0xffff));
    if rest > 0 {
        at(length - rest, (1 << rest) - 1);
    }
    length
}
