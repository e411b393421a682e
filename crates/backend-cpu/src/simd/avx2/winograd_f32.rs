//! The product of Winograd's convolution, AVX2. The transforms are plain loops, compiled for
//! the level.
//!
//! Register tile: 6 rows x 16 columns: 12 accumulators, 2 vectors of weights and a number to
//! be broadcast, of 16 registers.
//!
//! Floor: rows * columns * depth / 8 fused multiply-adds.

use std::arch::x86_64::*;

use crate::kernels::winograd_transform::LANES;
use crate::simd::Avx2;

/// `out[row][column] = sum over k of rows[row][k] * weights[k][column]` for 16 columns; rows
/// are `stride` apart.
pub(crate) fn multiply(_: Avx2, rows: &[f32], stride: usize, weights: &[f32], out: &mut [f32]) {
    let (count, depth) = (out.len() / LANES, weights.len() / LANES);
    assert!(depth <= stride && rows.len() >= count * stride, "rows are too short");
    let mut row = 0;
    while row < count {
        // SAFETY: the proof says that the machine has the instructions. There are `count` rows
        // of at least as many numbers as there are rows of weights (checked above), and as
        // many of 16 in the output.
        unsafe {
            let (rows, out) = (rows.as_ptr().add(row * stride), out.as_mut_ptr().add(row * LANES));
            row += match count - row {
                6.. => tile::<6>(rows, stride, weights, out),
                3.. => tile::<3>(rows, stride, weights, out),
                _ => tile::<1>(rows, stride, weights, out),
            };
        }
    }
}

/// `ROWS` rows times the weights; the number of rows.
///
/// # Safety
/// There must be as many rows, as long as the weights are deep, and as many in the output.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const ROWS: usize>(
    rows: *const f32,
    stride: usize,
    weights: &[f32],
    out: *mut f32,
) -> usize {
    let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
    let mut rows = rows;
    for weights in weights.chunks_exact(LANES) {
        // SAFETY: the chunk has 16 weights; the caller vouches for the rows.
        unsafe {
            let w = [_mm256_loadu_ps(weights.as_ptr()), _mm256_loadu_ps(weights.as_ptr().add(8))];
            for row in 0..ROWS {
                let number = _mm256_set1_ps(*rows.add(row * stride));
                for vector in 0..2 {
                    sums[row][vector] = _mm256_fmadd_ps(w[vector], number, sums[row][vector]);
                }
            }
            rows = rows.add(1);
        }
    }
    for row in 0..ROWS {
        for vector in 0..2 {
            // SAFETY: the caller vouches for the output.
            unsafe { _mm256_storeu_ps(out.add(row * LANES + vector * 8), sums[row][vector]) };
        }
    }
    ROWS
}
