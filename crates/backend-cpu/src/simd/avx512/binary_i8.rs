//! int8 sums and products, AVX-512: 16 numbers at a time, with the fixed-point arithmetic of
//! [`QuantizedAdd`] and [`QuantizedMul`]. Both return how many numbers they computed: all but
//! the last few of two runs, and none if an operand is a single number.

use std::arch::x86_64::*;

use pocketvision_core::quant::{QuantizedAdd, QuantizedMul};

use super::requantize::{Multipliers, OutputRange};
use crate::simd::Avx512;

/// `out = a + b`, rescaled.
pub(crate) fn add(_: Avx512, add: &QuantizedAdd, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    if a.len() != out.len() || b.len() != out.len() {
        return 0;
    }
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { add_runs(add, a, b, out) }
}

/// `out = a * b`, rescaled.
pub(crate) fn mul(_: Avx512, mul: &QuantizedMul, a: &[i8], b: &[i8], out: &mut [i8]) -> usize {
    if a.len() != out.len() || b.len() != out.len() {
        return 0;
    }
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { mul_runs(mul, a, b, out) }
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

/// Combines 16 widened numbers at a time; how many were computed.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn for_each_16(
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
    combine: impl Fn(__m512i, __m512i) -> __m128i,
) -> usize {
    let done = out.len() / 16 * 16;
    let numbers = a.chunks_exact(16).zip(b.chunks_exact(16)).zip(out.chunks_exact_mut(16));
    for ((a, b), out) in numbers {
        // SAFETY: the chunks have 16 numbers.
        unsafe {
            let a = _mm512_cvtepi8_epi32(_mm_loadu_si128(a.as_ptr().cast()));
            let b = _mm512_cvtepi8_epi32(_mm_loadu_si128(b.as_ptr().cast()));
            _mm_storeu_si128(out.as_mut_ptr().cast(), combine(a, b));
        }
    }
    done
}
