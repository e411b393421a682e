//! int8 matrix product by dot products of four bytes.
//!
//! `sdot` by element multiplies four numbers of a row with four weights of each of four columns,
//! and adds the products to their sums. 16 numbers of each row are loaded at once; nothing is
//! shuffled.
//!
//! Register tile: 8 rows x 8 columns: 16 accumulators, 8 registers of numbers and 2 of weights,
//! of 32.
//!
//! Floor: rows * columns * depth / 16 instructions. 16 steps of k are 64 of them and 16 loads, 8
//! of which come in pairs.

use std::arch::aarch64::*;

use super::byte_products::dot_with_lane;
use super::matmul_i8::{Product, written_out};
use super::rows_of_tile;

/// Neighbouring weights of a column that are packed together.
pub(super) const BLOCK: usize = 4;

/// Computes all rows.
///
/// # Safety
/// Rows and weights must be as long as each other, and the product's end have as many rows.
#[target_feature(enable = "neon,dotprod")]
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
#[target_feature(enable = "neon,dotprod")]
unsafe fn tile<const ROWS: usize>(product: Product<'_>, row: usize) -> usize {
    let mut sums = [product.end.bias(); ROWS];
    let mut numbers = [vdupq_n_s8(0); ROWS];
    let stride = product.rows.stride;
    let sixteens = product.weights.chunks_exact(4 * STEP);
    let rest = sixteens.remainder();
    // SAFETY: the caller vouches for the rows; chunks have the weights of as many `k` as are
    // read of a row.
    unsafe {
        let mut a = product.rows.numbers.as_ptr().add(product.rows.start(row));
        for weights in sixteens {
            for row in 0..ROWS {
                numbers[row] = vld1q_s8(a.add(row * stride));
            }
            let weights = weights.as_ptr();
            step::<0, ROWS>(&mut sums, &numbers, weights);
            step::<1, ROWS>(&mut sums, &numbers, weights.add(STEP));
            step::<2, ROWS>(&mut sums, &numbers, weights.add(2 * STEP));
            step::<3, ROWS>(&mut sums, &numbers, weights.add(3 * STEP));
            a = a.add(16);
        }
        for weights in rest.chunks_exact(STEP) {
            for row in 0..ROWS {
                let four = a.add(row * stride).cast::<i32>().read_unaligned();
                numbers[row] = vreinterpretq_s8_s32(vdupq_n_s32(four));
            }
            step::<0, ROWS>(&mut sums, &numbers, weights.as_ptr());
            a = a.add(4);
        }
        product.end.store(row, &written_out(sums));
    }
    ROWS
}

/// Adds four numbers of each row times their weights of 8 columns.
///
/// # Safety
/// There must be [`STEP`] weights.
#[target_feature(enable = "neon,dotprod")]
#[inline]
unsafe fn step<const LANE: i32, const ROWS: usize>(
    sums: &mut [[int32x4_t; 2]; ROWS],
    numbers: &[int8x16_t; ROWS],
    weights: *const i8,
) {
    // SAFETY: the caller vouches for the weights.
    let w = unsafe { [vld1q_s8(weights), vld1q_s8(weights.add(16))] };
    for row in 0..ROWS {
        for vector in 0..2 {
            let sum = sums[row][vector];
            sums[row][vector] = dot_with_lane::<LANE>(sum, w[vector], numbers[row]);
        }
    }
}

/// Weights of four `k`: those of 8 columns.
const STEP: usize = 8 * BLOCK;
