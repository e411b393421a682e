//! int8 matrix product with requantization, NEON: what is common to its three register tiles.
//!
//! Computes `requantize(sum over k of (a - za) * (w - zw))`. Numbers and weights are multiplied
//! as the signed bytes that they are: `za` is in the bias, and `zw` times a row's sum is
//! subtracted at the end.
//!
//! | tile | needs | products of an instruction | of it |
//! |---|---|---|---|
//! | [`super::matmul_i8_widening`] | | 4 | any Arm: Cortex-A53, A72 |
//! | [`super::matmul_i8_dotprod`] | FEAT_DotProd | 16 | Cortex-A55, A76, Neoverse N1, Apple A13 and later |
//! | [`super::matmul_i8_i8mm`] | FEAT_I8MM | 32 | Cortex-A510, A710, Neoverse V1, N2, Apple M2 and later |
//!
//! Requantization is 12 vector instructions for 8 outputs: three for each 4 that multiply and
//! round, six that narrow and clamp.

use std::arch::aarch64::*;
use std::ops::Range;

use super::requantize::{Multipliers, OutputRange, store_first};
use super::{matmul_i8_dotprod, matmul_i8_i8mm, matmul_i8_widening};
use crate::kernels::requantize::Requantize;
use crate::kernels::rows::Rows;
use crate::kernels::signed_panels::SignedPanels;
use crate::simd::{Neon, Tile};

/// How many neighbouring weights of a channel are packed together.
pub(crate) const fn block_of_panels(proof: Neon) -> usize {
    match (proof.i8mm, proof.dotprod) {
        (Some(_), _) => matmul_i8_i8mm::BLOCK,
        (None, Some(_)) => matmul_i8_dotprod::BLOCK,
        (None, None) => 1,
    }
}

/// Numbers of a row that are read.
pub(crate) const fn padded_depth(proof: Neon, panels: &SignedPanels) -> usize {
    match (proof.i8mm, proof.dotprod) {
        (None, Some(_)) => panels.padded_depth(),
        // Single numbers, or a copy.
        _ => panels.depth,
    }
}

/// Scratch memory for so many rows: the sum of each, and for `smmla` a copy of them.
pub(crate) const fn scratch_bytes(proof: Neon, panels: &SignedPanels, rows: usize) -> usize {
    let copy = match proof.i8mm {
        Some(_) => rows.next_multiple_of(2) * panels.padded_depth(),
        None => 0,
    };
    correction_bytes(rows) + copy
}

const fn correction_bytes(rows: usize) -> usize {
    (rows * size_of::<i32>()).next_multiple_of(64)
}

/// Multiplies rows with the panels that are in the tile.
pub(crate) fn multiply(
    proof: Neon,
    rows: Rows<'_, i8>,
    panels: &SignedPanels,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
    scratch: &mut [u8],
) {
    rows.check_depth(padded_depth(proof, panels));
    assert!(rows.runs == 1 && panels.block == block_of_panels(proof), "packed for this machine");
    let (corrections, copy) = scratch.split_at_mut(correction_bytes(rows.count));
    let corrections = correct_rows(rows, panels, bytemuck::cast_slice_mut(corrections));
    let copy = match proof.i8mm {
        Some(_) => matmul_i8_i8mm::interleave(rows, panels, bytemuck::cast_slice_mut(copy)),
        None => &[],
    };

    let Range { start, end } = tile.columns_of_product::<i8>(first_column, panels.columns);
    assert!(start >= end || start.is_multiple_of(SignedPanels::COLUMNS), "whole panels");
    for first in (start..end).step_by(SignedPanels::COLUMNS) {
        let columns = SignedPanels::COLUMNS.min(end - first);
        let output = first_column + first..first_column + first + columns;
        let product = Product {
            rows,
            weights: panels.panel(first),
            end: ProductEnd {
                q,
                first,
                columns,
                corrections,
                output: tile.block(first_row..first_row + rows.count, output),
                stride: tile.row_stride(),
            },
        };
        // SAFETY: the proof says that the machine has the instructions. Rows are long enough
        // (checked above), weights were sliced to the panel's size, there is a correction for
        // each row, the output block is inside the tile (`Tile::block` checks), and only its
        // columns are written.
        unsafe {
            match (proof.i8mm, proof.dotprod) {
                (Some(_), _) => matmul_i8_i8mm::compute(product, copy),
                (None, Some(_)) => matmul_i8_dotprod::compute(product),
                (None, None) => matmul_i8_widening::compute(product),
            }
        }
    }
}

/// Minus the weights' zero point times the sum of each row, if it is not 0.
fn correct_rows<'a>(
    rows: Rows<'_, i8>,
    panels: &SignedPanels,
    corrections: &'a mut [i32],
) -> Option<&'a [i32]> {
    if panels.zero_point == 0 {
        return None;
    }
    let corrections = &mut corrections[..rows.count];
    for (row, correction) in corrections.iter_mut().enumerate() {
        let sum: i32 = rows.row(row, panels.depth).iter().map(|&a| i32::from(a)).sum();
        *correction = sum.wrapping_mul(-panels.zero_point);
    }
    Some(corrections)
}

/// Sums in memory: an array that others see would be written there all along.
#[target_feature(enable = "neon")]
#[inline]
pub(super) fn written_out<const ROWS: usize>(sums: [[int32x4_t; 2]; ROWS]) -> [[i32; 8]; ROWS] {
    let mut written = [[0; 8]; ROWS];
    for row in 0..ROWS {
        for vector in 0..2 {
            // SAFETY: a row has 8 numbers.
            unsafe { vst1q_s32(written[row].as_mut_ptr().add(vector * 4), sums[row][vector]) };
        }
    }
    written
}

/// All rows times a panel.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub(super) rows: Rows<'a, i8>,
    /// A panel of [`SignedPanels`].
    pub(super) weights: &'a [i8],
    pub(super) end: ProductEnd<'a>,
}

/// What becomes of sums.
#[derive(Clone, Copy)]
pub(super) struct ProductEnd<'a> {
    q: &'a Requantize,
    /// The panel's first column, for the epilogue's lists.
    first: usize,
    /// Columns of the panel.
    columns: usize,
    /// Added to the sums of each row.
    corrections: Option<&'a [i32]>,
    output: *mut u8,
    stride: usize,
}

impl ProductEnd<'_> {
    /// What sums start with.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn bias(&self) -> [int32x4_t; 2] {
        let bias: &[i32; 8] =
            self.q.bias[self.first..self.first + 8].try_into().expect("8 columns");
        // SAFETY: an array of 8 numbers is readable.
        unsafe { [vld1q_s32(bias.as_ptr()), vld1q_s32(bias.as_ptr().add(4))] }
    }

    /// Requantizes and writes the sums of some rows from one on.
    ///
    /// # Safety
    /// There must be as many rows, with corrections.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) unsafe fn store(&self, row: usize, sums: &[[i32; 8]]) {
        let multipliers = Multipliers::load(self.q, self.first);
        let range = OutputRange::new(self.q.zero_point, self.q.low, self.q.high);
        for (index, sums) in sums.iter().enumerate() {
            // SAFETY: there are 8 sums; the caller vouches for the row and its correction.
            unsafe {
                let (mut x, mut y) = (vld1q_s32(sums.as_ptr()), vld1q_s32(sums.as_ptr().add(4)));
                if let Some(corrections) = self.corrections {
                    let correction = vdupq_n_s32(*corrections.get_unchecked(row + index));
                    (x, y) = (vaddq_s32(x, correction), vaddq_s32(y, correction));
                }
                let scaled = if self.q.only_right_shifts {
                    [multipliers[0].apply_right_shifts(x), multipliers[1].apply_right_shifts(y)]
                } else {
                    [multipliers[0].apply(x), multipliers[1].apply(y)]
                };
                let to = self.output.add((row + index) * self.stride);
                store_first(to, range.narrow(scaled), self.columns);
            }
        }
    }
}
