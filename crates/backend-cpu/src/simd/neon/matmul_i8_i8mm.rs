//! int8 matrix product by products of small matrices.
//!
//! `smmla` multiplies two rows of 8 numbers with 8 weights of each of two columns, and adds the
//! 32 products to the four sums. Pairs of rows are interleaved once, 8 numbers of each, in a
//! copy that all panels read: in the loop there are multiplications and loads alone.
//!
//! Register tile: 4 pairs of rows x 4 pairs of columns: 16 accumulators, 4 registers of numbers
//! and 4 of weights, of 32.
//!
//! Floor: rows * columns * depth / 32 instructions. Eight steps of k are 16 of them and 8 loads,
//! 4 of which come in pairs.

use std::arch::aarch64::*;

use super::byte_products::multiply_2x8x2;
use super::matmul_i8::{Product, written_out};
use crate::kernels::rows::Rows;
use crate::kernels::signed_panels::SignedPanels;

/// Neighbouring weights of a column that are packed together.
pub(super) const BLOCK: usize = 8;

/// Copies rows, two by two: 8 numbers of the first, 8 of the second, and so on. What is missing
/// is 0.
pub(super) fn interleave<'a>(
    rows: Rows<'_, i8>,
    panels: &SignedPanels,
    copy: &'a mut [i8],
) -> &'a [i8] {
    let pair_length = 2 * panels.padded_depth();
    let copy = &mut copy[..rows.count.div_ceil(2) * pair_length];
    for (pair, copy) in copy.chunks_exact_mut(pair_length).enumerate() {
        let second = (2 * pair + 1 < rows.count).then(|| rows.row(2 * pair + 1, panels.depth));
        let first = rows.row(2 * pair, panels.depth);
        interleave_pair(first, second.unwrap_or(first), copy);
    }
    copy
}

fn interleave_pair(first: &[i8], second: &[i8], copy: &mut [i8]) {
    let (blocks, rest) = copy.split_at_mut(first.len() / BLOCK * 2 * BLOCK);
    let numbers = first.chunks_exact(BLOCK).zip(second.chunks_exact(BLOCK));
    for (block, (first, second)) in blocks.chunks_exact_mut(2 * BLOCK).zip(numbers) {
        block[..BLOCK].copy_from_slice(first);
        block[BLOCK..].copy_from_slice(second);
    }
    rest.fill(0);
    let left = first.len() % BLOCK;
    if left > 0 {
        rest[..left].copy_from_slice(&first[first.len() - left..]);
        rest[BLOCK..BLOCK + left].copy_from_slice(&second[second.len() - left..]);
    }
}

/// Computes all rows.
///
/// # Safety
/// The copy must hold the product's rows, as long as the weights, and the product's end have as
/// many rows.
#[target_feature(enable = "neon,i8mm")]
pub(super) unsafe fn compute(product: Product<'_>, copy: &[i8]) {
    let (pairs, mut pair) = (product.rows.count.div_ceil(2), 0);
    while pair < pairs {
        let left = pairs - pair;
        // SAFETY: each tile's rows are among those that the caller vouches for.
        pair += unsafe {
            match left.div_ceil(left.div_ceil(4)) {
                4 => tile::<4>(product, copy, pair),
                3 => tile::<3>(product, copy, pair),
                2 => tile::<2>(product, copy, pair),
                _ => tile::<1>(product, copy, pair),
            }
        };
    }
}

/// Computes `PAIRS` pairs of rows; their number.
///
/// # Safety
/// As [`compute`], for these pairs.
#[target_feature(enable = "neon,i8mm")]
unsafe fn tile<const PAIRS: usize>(product: Product<'_>, copy: &[i8], pair: usize) -> usize {
    let bias = product.end.bias();
    // Two columns, twice.
    let bias = [
        vcombine_s32(vget_low_s32(bias[0]), vget_low_s32(bias[0])),
        vcombine_s32(vget_high_s32(bias[0]), vget_high_s32(bias[0])),
        vcombine_s32(vget_low_s32(bias[1]), vget_low_s32(bias[1])),
        vcombine_s32(vget_high_s32(bias[1]), vget_high_s32(bias[1])),
    ];
    let mut sums = [bias; PAIRS];
    // Eight weights for each of 8 columns, or 8 numbers for each of two rows.
    let pair_length = product.weights.len() / 4;
    // SAFETY: the caller vouches for the copy; the chunks have 64 weights.
    unsafe {
        let mut numbers = copy.as_ptr().add(pair * pair_length);
        for weights in product.weights.chunks_exact(8 * BLOCK) {
            let weights = weights.as_ptr();
            let w = [
                vld1q_s8(weights),
                vld1q_s8(weights.add(16)),
                vld1q_s8(weights.add(32)),
                vld1q_s8(weights.add(48)),
            ];
            for pair in 0..PAIRS {
                let a = vld1q_s8(numbers.add(pair * pair_length));
                for columns in 0..4 {
                    sums[pair][columns] = multiply_2x8x2(sums[pair][columns], a, w[columns]);
                }
            }
            numbers = numbers.add(2 * BLOCK);
        }
        for index in 0..PAIRS {
            let [s0, s1, s2, s3] = sums[index].map(|sums| vreinterpretq_s64_s32(sums));
            let row = |x, y| [vreinterpretq_s32_s64(x), vreinterpretq_s32_s64(y)];
            let rows = [
                row(vzip1q_s64(s0, s1), vzip1q_s64(s2, s3)),
                row(vzip2q_s64(s0, s1), vzip2q_s64(s2, s3)),
            ];
            let first = 2 * (pair + index);
            let rows = written_out(rows);
            product.end.store(first, &rows[..2.min(product.rows.count - first)]);
        }
    }
    PAIRS
}
