//! f32 matrix product with bias and activation, AVX2 and FMA.
//!
//! Computes `activation(bias + sum over k of a * w)`: for each k, vectors of 8 weights times
//! one number of each row, broadcast.
//!
//! Register tile: 6 rows x 16 columns: 12 accumulators of 16 registers.
//!
//! Floor: rows * columns * depth / 8 fused multiply-adds, two of which start a cycle; 8 loads
//! for 12 of them.

use std::arch::x86_64::*;

use super::epilogue_f32;
use crate::kernels::epilogue_f32::EpilogueF32;
use crate::kernels::matmul_f32::{Panel, PanelsF32};
use crate::kernels::rows::Rows;
use crate::simd::{Avx2, Tile};

/// Multiplies rows with the panels that are in the tile.
pub(crate) fn multiply(
    _: Avx2,
    rows: Rows<'_, f32>,
    panels: &PanelsF32,
    epilogue: EpilogueF32,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
) {
    rows.check_depth(panels.depth);
    assert_eq!(panels.panel_columns, COLUMNS, "packed for AVX2");
    for first in tile.columns_of_product::<f32>(first_column, panels.columns).step_by(COLUMNS) {
        let panel = panels.panel(first);
        let start = first_column + first;
        let bytes = start * 4..(start + panel.columns) * 4;
        let output = Output {
            start: tile.block(first_row..first_row + rows.count, bytes).cast(),
            stride: tile.row_stride() / 4,
        };
        let bias: &[f32; COLUMNS] =
            panels.bias[first..first + COLUMNS].try_into().expect("a panel's bias");
        // SAFETY: the proof says that the machine has the instructions. Rows are long enough
        // (checked above), weights were sliced to the panel's size, the output block is
        // inside the tile (`Tile::block` checks), and columns are written under a mask.
        unsafe { multiply_panel(rows, panel, bias, epilogue, output) };
    }
}

/// Where the product of a panel goes.
#[derive(Clone, Copy)]
struct Output {
    start: *mut f32,
    stride: usize,
}

/// All rows times a panel.
///
/// # Safety
/// Rows and output must be as large as the panel says.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply_panel(
    rows: Rows<'_, f32>,
    panel: Panel<'_>,
    bias: &[f32; COLUMNS],
    epilogue: EpilogueF32,
    output: Output,
) {
    let mut row = 0;
    while row < rows.count {
        // SAFETY: each tile's rows are among those that the caller vouches for.
        unsafe {
            let a = rows.numbers.as_ptr().add(row * rows.stride);
            let out = Output { start: output.start.add(row * output.stride), ..output };
            row += match rows.count - row {
                6.. => tile::<6>(a, rows.stride, panel, bias, epilogue, out),
                3.. => tile::<3>(a, rows.stride, panel, bias, epilogue, out),
                _ => tile::<1>(a, rows.stride, panel, bias, epilogue, out),
            };
        }
    }
}

/// `ROWS` rows times a panel; the number of rows.
///
/// # Safety
/// As [`multiply_panel`], for these rows.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn tile<const ROWS: usize>(
    a: *const f32,
    a_stride: usize,
    panel: Panel<'_>,
    bias: &[f32; COLUMNS],
    epilogue: EpilogueF32,
    output: Output,
) -> usize {
    // SAFETY: the bias has 16 numbers.
    let bias = unsafe { [_mm256_loadu_ps(bias.as_ptr()), _mm256_loadu_ps(bias.as_ptr().add(8))] };
    let mut sums = [bias; ROWS];
    let mut a = a;
    for weights in panel.weights.chunks_exact(COLUMNS) {
        // SAFETY: the chunk has 16 weights; the caller vouches for the rows.
        unsafe {
            let w = [_mm256_loadu_ps(weights.as_ptr()), _mm256_loadu_ps(weights.as_ptr().add(8))];
            for row in 0..ROWS {
                let number = _mm256_set1_ps(*a.add(row * a_stride));
                for vector in 0..2 {
                    sums[row][vector] = _mm256_fmadd_ps(w[vector], number, sums[row][vector]);
                }
            }
            a = a.add(1);
        }
    }
    for row in 0..ROWS {
        for vector in 0..2 {
            let activated = epilogue_f32::apply(epilogue, sums[row][vector]);
            let mask = epilogue_f32::first(panel.columns.saturating_sub(vector * 8));
            // SAFETY: the caller vouches for the output.
            unsafe {
                let to = output.start.wrapping_add(row * output.stride + vector * 8);
                _mm256_maskstore_ps(to, mask, activated);
            }
        }
    }
    ROWS
}

/// Columns of a panel.
const COLUMNS: usize = 16;
