//! The register tile of f32 products: up to 8 rows times 8 columns.
//!
//! Four numbers of each row are loaded at once, and the weights of 8 columns for each of the
//! four. `fmla` by element multiplies four weights with one of the numbers.
//!
//! Register tile: 8 rows x 8 columns: 16 accumulators, 8 registers of numbers and 2 of weights,
//! of 32.
//!
//! Floor: rows * columns * depth / 4 fused multiply-adds. Four steps of k are 64 of them and 16
//! loads, 8 of which come in pairs: one load for four multiply-adds, where cores start at least
//! half as many loads as multiply-adds.

use std::arch::aarch64::*;

/// Columns of a tile.
pub(super) const COLUMNS: usize = 8;

/// Rows of numbers, and weights of 8 columns.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    /// The first number of the first row.
    pub(super) rows: *const f32,
    /// Distance between rows.
    pub(super) row_stride: usize,
    /// The first column's first weight.
    pub(super) weights: *const f32,
    /// Distance between the weights of one `k` and the next.
    pub(super) weight_stride: usize,
    /// Numbers of a row.
    pub(super) depth: usize,
}

impl Factors {
    /// `start + sum over k of a * w`, for `ROWS` rows.
    ///
    /// # Safety
    /// There must be as many rows of `depth` numbers, and `depth` times 8 weights.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) unsafe fn multiply<const ROWS: usize>(
        self,
        start: [float32x4_t; 2],
    ) -> [[float32x4_t; 2]; ROWS] {
        let mut sums = [start; ROWS];
        let mut numbers = [vdupq_n_f32(0.0); ROWS];
        let (mut rows, mut weights) = (self.rows, self.weights);
        // SAFETY: the caller vouches for rows and weights; `k` ends at `depth`.
        unsafe {
            for _ in 0..self.depth / 4 {
                for row in 0..ROWS {
                    numbers[row] = vld1q_f32(rows.add(row * self.row_stride));
                }
                step::<0, ROWS>(&mut sums, &numbers, weights);
                step::<1, ROWS>(&mut sums, &numbers, weights.add(self.weight_stride));
                step::<2, ROWS>(&mut sums, &numbers, weights.add(2 * self.weight_stride));
                step::<3, ROWS>(&mut sums, &numbers, weights.add(3 * self.weight_stride));
                rows = rows.add(4);
                weights = weights.add(4 * self.weight_stride);
            }
            for _ in 0..self.depth % 4 {
                for row in 0..ROWS {
                    numbers[row] = vdupq_n_f32(*rows.add(row * self.row_stride));
                }
                step::<0, ROWS>(&mut sums, &numbers, weights);
                rows = rows.add(1);
                weights = weights.add(self.weight_stride);
            }
        }
        sums
    }
}

/// Adds one number of each row times 8 weights.
///
/// # Safety
/// There must be 8 weights.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn step<const LANE: i32, const ROWS: usize>(
    sums: &mut [[float32x4_t; 2]; ROWS],
    numbers: &[float32x4_t; ROWS],
    weights: *const f32,
) {
    // SAFETY: the caller vouches for the weights.
    let w = unsafe { [vld1q_f32(weights), vld1q_f32(weights.add(4))] };
    for row in 0..ROWS {
        for vector in 0..2 {
            let sum = sums[row][vector];
            sums[row][vector] = vfmaq_laneq_f32::<LANE>(sum, w[vector], numbers[row]);
        }
    }
}
