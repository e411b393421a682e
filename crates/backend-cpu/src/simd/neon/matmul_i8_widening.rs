//! int8 matrix product by widened products, for processors without dot products of bytes.
//!
//! Numbers and weights are widened to i16 as they are loaded. `smlal` by element multiplies
//! four weights with one number and adds the products to i32 sums: always exact, unlike products
//! that are added in i16, which overflow for two pairs of -128.
//!
//! Register tile: 8 rows x 8 columns: 16 accumulators, 8 registers of numbers and one of
//! weights, of 32; numbers must be in the first 16.
//!
//! Floor: rows * columns * depth / 4 multiply-adds. Eight steps of k are 128 of them, 16
//! instructions that widen and 16 loads, 8 of which come in pairs.

use std::arch::aarch64::*;

use super::matmul_i8::{Product, written_out};
use super::rows_of_tile;

/// Computes all rows.
///
/// # Safety
/// Rows and weights must be as long as each other, and the product's end have as many rows.
#[target_feature(enable = "neon")]
pub(super) unsafe fn compute(product: Product<'_>) {
    let mut row = 0;
    while row < product.rows.count {
        // SAFETY: each tile's rows are among those that the caller vouches for.
        row += unsafe {
            match rows_of_tile(product.rows.count - row) {
                8 => tile::<8>(product, row),
                7 => tile::<7>(product, row),
                6 => tile::<6>(product, row),
                5 => tile::<5>(product, row),
                4 => tile::<4>(product, row),
                3 => tile::<3>(product, row),
                2 => tile::<2>(product, row),
                _ => tile::<1>(product, row),
            }
        };
    }
}

/// Computes `ROWS` rows; their number.
///
/// # Safety
/// As [`compute`], for these rows.
#[target_feature(enable = "neon")]
unsafe fn tile<const ROWS: usize>(product: Product<'_>, row: usize) -> usize {
    let mut sums = [product.end.bias(); ROWS];
    let mut numbers = [vdupq_n_s16(0); ROWS];
    let stride = product.rows.stride;
    let eights = product.weights.chunks_exact(64);
    let rest = eights.remainder();
    // SAFETY: the caller vouches for the rows; chunks have the weights of as many `k` as are
    // read of a row.
    unsafe {
        let mut a = product.rows.numbers.as_ptr().add(product.rows.start(row));
        for weights in eights {
            for row in 0..ROWS {
                numbers[row] = vmovl_s8(vld1_s8(a.add(row * stride)));
            }
            let weights = weights.as_ptr();
            step::<0, ROWS>(&mut sums, &numbers, weights);
            step::<1, ROWS>(&mut sums, &numbers, weights.add(8));
            step::<2, ROWS>(&mut sums, &numbers, weights.add(16));
            step::<3, ROWS>(&mut sums, &numbers, weights.add(24));
            step::<4, ROWS>(&mut sums, &numbers, weights.add(32));
            step::<5, ROWS>(&mut sums, &numbers, weights.add(40));
            step::<6, ROWS>(&mut sums, &numbers, weights.add(48));
            step::<7, ROWS>(&mut sums, &numbers, weights.add(56));
            a = a.add(8);
        }
        for weights in rest.chunks_exact(8) {
            for row in 0..ROWS {
                numbers[row] = vdupq_n_s16(i16::from(*a.add(row * stride)));
            }
            step::<0, ROWS>(&mut sums, &numbers, weights.as_ptr());
            a = a.add(1);
        }
        product.end.store(row, &written_out(sums));
    }
    ROWS
}

/// Adds one number of each row times 8 weights.
///
/// # Safety
/// There must be 8 weights.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn step<const LANE: i32, const ROWS: usize>(
    sums: &mut [[int32x4_t; 2]; ROWS],
    numbers: &[int16x8_t; ROWS],
    weights: *const i8,
) {
    // SAFETY: the caller vouches for the weights.
    let w = vmovl_s8(unsafe { vld1_s8(weights) });
    for row in 0..ROWS {
        let [x, y] = sums[row];
        sums[row] = [
            vmlal_laneq_s16::<LANE>(x, vget_low_s16(w), numbers[row]),
            vmlal_high_laneq_s16::<LANE>(y, w, numbers[row]),
        ];
    }
}
