//! Weights of 24 bits times one f32 vector, AVX-512.
//!
//! Computes `sum over k of (a[k] * 2^-31) * (w[n, k] * 2^8)` for the four rows of a group (see
//! [`fixed_rows`](crate::kernels::fixed_rows)), 16 products at once: two shuffles bring three
//! bytes to the upper end of each 32-bit lane.
//!
//! Register tile: a vector of each of 4 rows.
//!
//! Floor: the bandwidth of memory, 48 bytes for 16 products; four instructions and a load for
//! these.

use std::arch::x86_64::*;

use crate::kernels::fixed_rows::{BYTES, CHUNK, FixedRows, INPUT_SCALE, ROWS};
use crate::simd::{AHEAD_BYTES, Avx512};

/// The products of `a` with each row of a group.
pub(crate) fn dot_products(_: Avx512, a: &[f32], group: &[u8]) -> [f32; ROWS] {
    FixedRows::check_group(group, a.len());
    // SAFETY: the proof says that the machine has the instructions; the group is as large as
    // what is read (checked above).
    unsafe { dot_products_of_rows(a, group.as_ptr()) }
}

/// `a` times each row.
///
/// # Safety
/// There must be a group of rows as long as `a`, and 16 bytes after it.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn dot_products_of_rows(a: &[f32], mut weights: *const u8) -> [f32; ROWS] {
    // Three words of four to each quarter of a vector, then three bytes of four to each number.
    let words = _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0);
    let bytes = _mm_setr_epi8(-1, 0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11);
    let bytes = _mm512_broadcast_i32x4(bytes);
    let scale = _mm512_set1_ps(INPUT_SCALE);
    let mut sums = [_mm512_setzero_ps(); ROWS];
    for chunk in a.chunks(CHUNK) {
        let mask = (u32::MAX >> (32 - chunk.len())) as u16;
        // SAFETY: the mask ends where the chunk does.
        let x = unsafe { _mm512_maskz_loadu_ps(mask, chunk.as_ptr()) };
        let x = _mm512_mul_ps(x, scale);
        for sum in &mut sums {
            _mm_prefetch::<_MM_HINT_T0>(weights.wrapping_add(AHEAD_BYTES).cast());
            // SAFETY: a chunk of each row, and 16 bytes that are the next one's or the end.
            let packed = unsafe { _mm512_loadu_si512(weights.cast()) };
            let spread = _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words, packed), bytes);
            *sum = _mm512_fmadd_ps(x, _mm512_cvtepi32_ps(spread), *sum);
            weights = weights.wrapping_add(CHUNK * BYTES);
        }
    }
    sums.map(|sum| _mm512_reduce_add_ps(sum))
}
