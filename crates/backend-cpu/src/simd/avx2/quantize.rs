//! From f32 to 8-bit integers, AVX2.
//!
//! Computes `clamp(round(x / scale) + zero_point)`, half away from zero, 0 for what is not a
//! number, 8 numbers at once.
//!
//! Floor: a division of 8 takes some five cycles, and as many operations follow.

use std::arch::x86_64::*;

use crate::simd::Avx2;

/// Writes the low byte of each result; how many were written: all whole vectors.
pub(crate) fn quantize(
    _: Avx2,
    scale: f32,
    zero_point: i32,
    range: (i32, i32),
    input: &[f32],
    out: &mut [u8],
) -> usize {
    // SAFETY: the proof says that the machine has the instructions.
    unsafe { quantize_vectors(scale, zero_point, range, input, out) }
}

#[target_feature(enable = "avx2,fma")]
fn quantize_vectors(
    scale: f32,
    zero_point: i32,
    (low, high): (i32, i32),
    input: &[f32],
    out: &mut [u8],
) -> usize {
    let scale = _mm256_set1_ps(scale);
    // See `kernels::quantize::round`.
    let (half, sign) = (_mm256_set1_ps(0.5_f32.next_down()), _mm256_set1_ps(-0.0));
    // What is beyond these saturates, whatever the zero point.
    let (least, most) = (_mm256_set1_ps(-65_536.0), _mm256_set1_ps(65_536.0));
    let zero_point = _mm256_set1_epi32(zero_point);
    let (low, high) = (_mm256_set1_epi32(low), _mm256_set1_epi32(high));
    let low_byte = _mm256_set1_epi32(0xff);
    let chunks = input.chunks_exact(8).zip(out.chunks_exact_mut(8));
    let done = chunks.len() * 8;
    for (input, out) in chunks {
        // SAFETY: the chunk has 8 numbers.
        let x = unsafe { _mm256_loadu_ps(input.as_ptr()) };
        let x = _mm256_div_ps(x, scale);
        let is_number = _mm256_cmp_ps::<_CMP_ORD_Q>(x, x);
        let x = _mm256_and_ps(_mm256_min_ps(_mm256_max_ps(x, least), most), is_number);
        let signed_half = _mm256_or_ps(half, _mm256_and_ps(sign, x));
        let rounded = _mm256_cvttps_epi32(_mm256_add_ps(x, signed_half));
        let moved = _mm256_add_epi32(rounded, zero_point);
        let clamped = _mm256_min_epi32(_mm256_max_epi32(moved, low), high);
        let bytes = _mm256_and_si256(clamped, low_byte);
        let halves = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
        let words = _mm_packus_epi32(halves.0, halves.1);
        // SAFETY: the chunk has 8 bytes.
        unsafe { _mm_storel_epi64(out.as_mut_ptr().cast(), _mm_packus_epi16(words, words)) };
    }
    done
}
