//! Weights of 24 bits times one f32 vector, AVX2.
//!
//! Computes `sum over k of (a[k] * 2^-31) * (w[n, k] * 2^8)` for the four rows of a group (see
//! [`fixed_rows`](crate::kernels::fixed_rows)), 8 products at once: two shuffles bring three
//! bytes to the upper end of each 32-bit lane.
//!
//! Register tile: two vectors of each of 4 rows.
//!
//! Floor: the bandwidth of memory, 24 bytes for 8 products; four instructions and a load for
//! these.

use std::arch::x86_64::*;

use crate::kernels::fixed_rows::{BYTES, CHUNK, FixedRows, INPUT_SCALE, ROWS};
use crate::simd::{AHEAD_BYTES, Avx2};

/// Numbers of a vector.
const LANES: usize = 8;

/// The products of `a` with each row of a group.
pub(crate) fn dot_products(_: Avx2, a: &[f32], group: &[u8]) -> [f32; ROWS] {
    FixedRows::check_group(group, a.len());
    // SAFETY: the proof says that the machine has the instructions; the group is as large as
    // what is read (checked above).
    unsafe { dot_products_of_rows(a, group.as_ptr()) }
}

/// `a` times each row.
///
/// # Safety
/// There must be a group of rows as long as `a`, and 16 bytes after it.
#[target_feature(enable = "avx2,fma")]
unsafe fn dot_products_of_rows(a: &[f32], mut weights: *const u8) -> [f32; ROWS] {
    // Three words of four to each half of a vector, then three bytes of four to each number.
    let words = _mm256_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0);
    let bytes = _mm_setr_epi8(-1, 0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11);
    let bytes = _mm256_broadcastsi128_si256(bytes);
    let scale = _mm256_set1_ps(INPUT_SCALE);
    let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
    let (chunks, rest) = a.as_chunks::<CHUNK>();
    let mut last = [0.0; CHUNK];
    last[..rest.len()].copy_from_slice(rest);
    let last = (!rest.is_empty()).then_some(&last);
    for chunk in chunks.iter().chain(last) {
        // SAFETY: a chunk is two vectors.
        let x = unsafe {
            [_mm256_loadu_ps(chunk.as_ptr()), _mm256_loadu_ps(chunk.as_ptr().add(LANES))]
        };
        let x = x.map(|x| _mm256_mul_ps(x, scale));
        for row in 0..ROWS {
            _mm_prefetch::<_MM_HINT_T0>(weights.wrapping_add(AHEAD_BYTES).cast());
            for half in 0..2 {
                // SAFETY: half a chunk of each row, and 8 bytes that are the next one's or the
                // end.
                let packed = unsafe { _mm256_loadu_si256(weights.cast()) };
                let packed = _mm256_permutevar8x32_epi32(packed, words);
                let spread = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(packed, bytes));
                sums[row][half] = _mm256_fmadd_ps(x[half], spread, sums[row][half]);
                weights = weights.wrapping_add(LANES * BYTES);
            }
        }
    }
    sums.map(|[first, second]| {
        let mut lanes = [0.0; LANES];
        // SAFETY: the array is one vector large.
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), _mm256_add_ps(first, second)) };
        lanes.iter().sum()
    })
}
