//! int8 sums and products, AVX2: 16 numbers at a time, with the fixed-point arithmetic of
//! [`QuantizedAdd`] and [`QuantizedMul`], or in floats where these are exact. All return how
//! many numbers they computed: all but the last few of two runs, and none if an operand is a
//! single number.

use std::arch::x86_64::*;

use pocketvision_core::quant::{QuantizedAdd, QuantizedMul};

use super::requantize::{FloatMultipliers, Multipliers, OutputRange};
use crate::kernels::float_multiplier::FloatMultiplier;
use crate::kernels::float_sum::FloatSum;
use crate::simd::Avx2;

/// `out = a + b`, rescaled.
pub(crate) fn add(_: Avx2, add: &QuantizedAdd, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    if a.len() != out.len() || b.len() != out.len() {
        return 0;
    }
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { add_runs(add, a, b, out) }
}

/// `out = a * b`, rescaled.
pub(crate) fn mul(_: Avx2, mul: &QuantizedMul, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    if a.len() != out.len() || b.len() != out.len() {
        return 0;
    }
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { mul_runs(mul, a, b, out) }
}

/// `out = a + b`, rescaled in floats.
pub(crate) fn add_floats(_: Avx2, sum: &FloatSum, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    if a.len() != out.len() || b.len() != out.len() {
        return 0;
    }
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { add_float_runs(sum, a, b, out) }
}

/// `out = a * b`, rescaled in floats.
pub(crate) fn mul_floats(
    _: Avx2,
    mul: &QuantizedMul,
    multiplier: FloatMultiplier,
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
) -> usize {
    if a.len() != out.len() || b.len() != out.len() {
        return 0;
    }
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { mul_float_runs(mul, multiplier, a, b, out) }
}

/// The last addition of [`FloatSum`] cannot be rounded down as a whole here, so whole numbers are
/// taken from the coarse part first.
#[target_feature(enable = "avx2,fma")]
fn add_float_runs(sum: &FloatSum, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    let [a_coarse, b_coarse, coarse, a_fine, b_fine, fine] =
        [sum.a_coarse, sum.b_coarse, sum.coarse, sum.a_fine, sum.b_fine, sum.fine]
            .map(|constant| _mm256_set1_ps(constant));
    let range = OutputRange::new(0, sum.range.0, sum.range.1);
    for_each_16(range, a, b, out, |a, b| {
        let (a, b) = (_mm256_cvtepi32_ps(a), _mm256_cvtepi32_ps(b));
        let coarse = _mm256_fmadd_ps(a, a_coarse, _mm256_fmadd_ps(b, b_coarse, coarse));
        let fine = _mm256_fmadd_ps(a, a_fine, _mm256_fmadd_ps(b, b_fine, fine));
        let whole = _mm256_floor_ps(coarse);
        let rest = _mm256_floor_ps(_mm256_add_ps(_mm256_sub_ps(coarse, whole), fine));
        _mm256_cvtps_epi32(_mm256_add_ps(whole, rest))
    })
}

#[target_feature(enable = "avx2,fma")]
fn mul_float_runs(
    mul: &QuantizedMul,
    multiplier: FloatMultiplier,
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
) -> usize {
    let (a_zero, b_zero) =
        (_mm256_set1_epi32(mul.a_zero_point), _mm256_set1_epi32(mul.b_zero_point));
    let multiplier = FloatMultipliers::splat(multiplier);
    let range = OutputRange::new(mul.output_zero_point, mul.range.0, mul.range.1);
    for_each_16(range, a, b, out, |a, b| {
        let a = _mm256_cvtepi32_ps(_mm256_sub_epi32(a, a_zero));
        let b = _mm256_cvtepi32_ps(_mm256_sub_epi32(b, b_zero));
        multiplier.apply_to_float::<true>(_mm256_mul_ps(a, b))
    })
}

#[target_feature(enable = "avx2,fma")]
fn add_runs(add: &QuantizedAdd, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    const SHIFT: i32 = QuantizedAdd::LEFT_SHIFT as i32;
    let (a_zero, b_zero) =
        (_mm256_set1_epi32(add.a_zero_point), _mm256_set1_epi32(add.b_zero_point));
    let a_multiplier = Multipliers::splat(add.a_multiplier);
    let b_multiplier = Multipliers::splat(add.b_multiplier);
    let output_multiplier = Multipliers::splat(add.output_multiplier);
    let range = OutputRange::new(add.output_zero_point, add.range.0, add.range.1);
    for_each_16(range, a, b, out, |a, b| {
        let a = _mm256_slli_epi32::<SHIFT>(_mm256_sub_epi32(a, a_zero));
        let b = _mm256_slli_epi32::<SHIFT>(_mm256_sub_epi32(b, b_zero));
        let sum = _mm256_add_epi32(a_multiplier.apply(a), b_multiplier.apply(b));
        output_multiplier.apply(sum)
    })
}

#[target_feature(enable = "avx2,fma")]
fn mul_runs(mul: &QuantizedMul, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    let (a_zero, b_zero) =
        (_mm256_set1_epi32(mul.a_zero_point), _mm256_set1_epi32(mul.b_zero_point));
    let output_multiplier = Multipliers::splat(mul.output_multiplier);
    let range = OutputRange::new(mul.output_zero_point, mul.range.0, mul.range.1);
    for_each_16(range, a, b, out, |a, b| {
        let (a, b) = (_mm256_sub_epi32(a, a_zero), _mm256_sub_epi32(b, b_zero));
        output_multiplier.apply(_mm256_mullo_epi32(a, b))
    })
}

/// Combines 16 widened numbers at a time; how many were computed.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn for_each_16(
    range: OutputRange,
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
    combine: impl Fn(__m256i, __m256i) -> __m256i,
) -> usize {
    let done = out.len() / 16 * 16;
    let numbers = a.chunks_exact(16).zip(b.chunks_exact(16)).zip(out.chunks_exact_mut(16));
    for ((a, b), out) in numbers {
        // Two calls and no closure over both: what the compiler does not inline cannot use
        // the instructions.
        // SAFETY: the chunks have 16 numbers.
        unsafe {
            let a = _mm_loadu_si128(a.as_ptr().cast());
            let b = _mm_loadu_si128(b.as_ptr().cast());
            let x = combine(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(b));
            let (a, b) = (_mm_unpackhi_epi64(a, a), _mm_unpackhi_epi64(b, b));
            let y = combine(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(b));
            _mm_storeu_si128(out.as_mut_ptr().cast(), range.narrow(x, y));
        }
    }
    done
}
