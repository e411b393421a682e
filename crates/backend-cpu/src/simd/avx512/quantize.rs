//! From f32 to 8-bit integers, AVX-512.
//!
//! Computes `clamp(round(x / scale) + zero_point)`, half away from zero, 0 for what is not a
//! number, 16 numbers at once.
//!
//! Floor: four bytes read and one written for each number; a division of 16 takes some ten
//! cycles, about as long as their bytes from the second-level cache.

use std::arch::x86_64::*;

use super::requantize::with_sign;
use crate::simd::Avx512;

/// Writes the low byte of each result.
pub(crate) fn quantize(
    _: Avx512,
    scale: f32,
    zero_point: i32,
    range: (i32, i32),
    input: &[f32],
    out: &mut [u8],
) {
    assert!(input.len() >= out.len(), "as many numbers as bytes");
    // SAFETY: the proof says that the machine has the instructions, and there are as many
    // numbers as bytes.
    unsafe { quantize_all(scale, zero_point, range, input, out) }
}

/// # Safety
/// There must be as many numbers as bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn quantize_all(
    scale: f32,
    zero_point: i32,
    (low, high): (i32, i32),
    input: &[f32],
    out: &mut [u8],
) {
    let scale = _mm512_set1_ps(scale);
    // See `kernels::quantize::round`.
    let half = _mm512_set1_ps(0.5_f32.next_down());
    // What is beyond these saturates, whatever the zero point.
    let (least, most) = (_mm512_set1_ps(-65_536.0), _mm512_set1_ps(65_536.0));
    let zero_point = _mm512_set1_epi32(zero_point);
    let (low, high) = (_mm512_set1_epi32(low), _mm512_set1_epi32(high));
    for first in (0..out.len()).step_by(16) {
        let mask = if out.len() - first < 16 { (1 << (out.len() - first)) - 1 } else { 0xffff };
        // SAFETY: the mask ends where the bytes do.
        unsafe {
            let x = _mm512_maskz_loadu_ps(mask, input.as_ptr().add(first));
            let x = _mm512_div_ps(x, scale);
            let is_number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(x, x);
            let x = _mm512_maskz_min_ps(is_number, _mm512_max_ps(x, least), most);
            let rounded = _mm512_cvttps_epi32(_mm512_add_ps(x, with_sign(half, x)));
            let moved = _mm512_add_epi32(rounded, zero_point);
            let clamped = _mm512_min_epi32(_mm512_max_epi32(moved, low), high);
            let to = out.as_mut_ptr().add(first).cast();
            _mm_mask_storeu_epi8(to, mask, _mm512_cvtepi32_epi8(clamped));
        }
    }
}
