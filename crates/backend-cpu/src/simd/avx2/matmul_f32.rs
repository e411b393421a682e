//! f32 matrix product with bias and activation, AVX2 and FMA.
//!
//! Computes `activation(bias + sum over k of a * w)`: for each k, vectors of 8 weights times
//! one number of each row, broadcast.
//!
//! Register tile: 6 rows x 16 columns, or 12 x 8 where a product has no more columns left: 12
//! accumulators of 16 registers. Fewer rows at the end of a line; 7 are 4 and 3, since a tile of
//! one row waits for its sums.
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
        let bias = &panels.bias[first..first + panel.width];
        // SAFETY: the proof says that the machine has the instructions. Rows are long enough
        // (checked above), weights were sliced to the panel's size, the output block is
        // inside the tile (`Tile::block` checks), and columns are written under a mask.
        unsafe {
            match panel.width / 8 {
                1 => multiply_panel::<1>(rows, panel, bias, epilogue, output),
                _ => multiply_panel::<2>(rows, panel, bias, epilogue, output),
            }
        }
    }
}

/// Where the product of a panel goes.
#[derive(Clone, Copy)]
struct Output {
    start: *mut f32,
    stride: usize,
}

/// All rows times a panel of `VECTORS` vectors.
///
/// # Safety
/// Rows and output must be as large as the panel says.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply_panel<const VECTORS: usize>(
    rows: Rows<'_, f32>,
    panel: Panel<'_>,
    bias: &[f32],
    epilogue: EpilogueF32,
    output: Output,
) {
    let mut row = 0;
    while row < rows.count {
        // SAFETY: each tile's rows are among those that the caller vouches for.
        unsafe {
            let a = rows.numbers.as_ptr().add(rows.start(row));
            let out = Output { start: output.start.add(row * output.stride), ..output };
            row += match rows.left_in_line(row) {
                12 | 14.. if VECTORS == 1 => {
                    tile::<12, VECTORS>(a, rows, panel, bias, epilogue, out)
                }
                6 | 8.. => tile::<6, VECTORS>(a, rows, panel, bias, epilogue, out),
                4.. => tile::<4, VECTORS>(a, rows, panel, bias, epilogue, out),
                3 => tile::<3, VECTORS>(a, rows, panel, bias, epilogue, out),
                2 => tile::<2, VECTORS>(a, rows, panel, bias, epilogue, out),
                _ => tile::<1, VECTORS>(a, rows, panel, bias, epilogue, out),
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
unsafe fn tile<const ROWS: usize, const VECTORS: usize>(
    a: *const f32,
    rows: Rows<'_, f32>,
    panel: Panel<'_>,
    bias: &[f32],
    epilogue: EpilogueF32,
    output: Output,
) -> usize {
    let bias = &bias[..VECTORS * 8];
    let depth = panel.weights.len() / (VECTORS * 8);
    // SAFETY: the bias has as many numbers as are loaded; the caller vouches for the rows, and
    // the panel has a vector's weights for each of their numbers.
    let sums = unsafe {
        let mut sums = [[_mm256_setzero_ps(); VECTORS]; ROWS];
        for vector in 0..VECTORS {
            let bias = _mm256_loadu_ps(bias.as_ptr().add(vector * 8));
            for row in 0..ROWS {
                sums[row][vector] = bias;
            }
        }
        let mut weights = panel.weights.as_ptr();
        for run in 0..rows.runs {
            let mut a = a.add(run * rows.run_stride);
            for _ in 0..depth / rows.runs {
                // The next panel, which memory brings while this one is multiplied.
                let next = weights.wrapping_add(panel.weights.len());
                _mm_prefetch::<_MM_HINT_T0>(next.cast());
                let mut w = [_mm256_setzero_ps(); VECTORS];
                for vector in 0..VECTORS {
                    w[vector] = _mm256_loadu_ps(weights.add(vector * 8));
                }
                for row in 0..ROWS {
                    let number = _mm256_set1_ps(*a.add(row * rows.stride));
                    for vector in 0..VECTORS {
                        sums[row][vector] = _mm256_fmadd_ps(w[vector], number, sums[row][vector]);
                    }
                }
                weights = weights.add(VECTORS * 8);
                a = a.add(1);
            }
        }
        sums
    };
    // SAFETY: the caller vouches for the output.
    unsafe {
        if panel.columns == VECTORS * 8 {
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    let to = output.start.add(row * output.stride + vector * 8);
                    _mm256_storeu_ps(to, epilogue_f32::apply(epilogue, sums[row][vector]));
                }
            }
        } else {
            store_narrow(sums, panel.columns, epilogue, output);
        }
    }
    ROWS
}

/// Activates and writes sums of fewer columns than a panel has.
///
/// # Safety
/// The output must have as many rows and columns.
#[target_feature(enable = "avx2,fma")]
unsafe fn store_narrow<const ROWS: usize, const VECTORS: usize>(
    sums: [[__m256; VECTORS]; ROWS],
    columns: usize,
    epilogue: EpilogueF32,
    output: Output,
) {
    for (row, sums) in sums.into_iter().enumerate() {
        for (vector, sums) in sums.into_iter().enumerate() {
            let to = output.start.wrapping_add(row * output.stride + vector * 8);
            let activated = epilogue_f32::apply(epilogue, sums);
            // SAFETY: the caller vouches for the output.
            unsafe { epilogue_f32::store_first(to, activated, columns.saturating_sub(vector * 8)) };
        }
    }
}

/// Columns of a panel.
const COLUMNS: usize = 16;
