//! The product of Winograd's convolution, NEON. The transforms are plain loops, which the
//! compiler vectorises.
//!
//! Register tile and floor: see [`super::tile_f32`]; the 16 columns of a panel are two tiles.

use std::arch::aarch64::*;

use super::rows_of_tile;
use super::tile_f32::{COLUMNS, Factors};
use crate::kernels::winograd_transform::LANES;
use crate::simd::Neon;

/// `out[row][column] = sum over k of rows[row][k] * weights[k][column]` for 16 columns; rows
/// are `stride` apart.
pub(crate) fn multiply(_: Neon, rows: &[f32], stride: usize, weights: &[f32], out: &mut [f32]) {
    let (count, depth) = (out.len() / LANES, weights.len() / LANES);
    assert!(depth <= stride && rows.len() >= count * stride, "rows are too short");
    for first in (0..LANES).step_by(COLUMNS) {
        let mut row = 0;
        while row < count {
            // SAFETY: the proof says that the machine has the instructions. There are `count`
            // rows of at least as many numbers as there are rows of weights (checked above),
            // and as many of 16 in the output; a tile is 8 of them from the first or ninth on.
            unsafe {
                let factors = Factors {
                    rows: rows.as_ptr().add(row * stride),
                    row_stride: stride,
                    weights: weights.as_ptr().add(first),
                    weight_stride: LANES,
                    depth,
                };
                let out = out.as_mut_ptr().add(row * LANES + first);
                row += match rows_of_tile(count - row) {
                    8 => tile::<8>(factors, out),
                    7 => tile::<7>(factors, out),
                    6 => tile::<6>(factors, out),
                    5 => tile::<5>(factors, out),
                    4 => tile::<4>(factors, out),
                    3 => tile::<3>(factors, out),
                    2 => tile::<2>(factors, out),
                    _ => tile::<1>(factors, out),
                };
            }
        }
    }
}

/// `ROWS` rows times 8 columns; the number of rows.
///
/// # Safety
/// As [`Factors::multiply`], and there must be as many rows of 8 in the output.
#[target_feature(enable = "neon")]
unsafe fn tile<const ROWS: usize>(factors: Factors, out: *mut f32) -> usize {
    // SAFETY: the caller vouches for factors and output.
    unsafe {
        let sums = factors.multiply::<ROWS>([vdupq_n_f32(0.0); 2]);
        for row in 0..ROWS {
            for vector in 0..2 {
                vst1q_f32(out.add(row * LANES + vector * 4), sums[row][vector]);
            }
        }
    }
    ROWS
}
