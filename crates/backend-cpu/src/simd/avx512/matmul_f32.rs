//! f32 matrix product with bias and activation, AVX-512.
//!
//! Computes `activation(bias + sum over k of a * w)`: for each k, vectors of 16 weights times
//! one number of each row, broadcast.
//!
//! Register tile: 14 rows x 32 columns: 28 accumulators of 32 registers, with room for a
//! broadcast. A tile of 7x64 has none, and loads each number four times. The last panel may be
//! 8 columns narrower: half a vector, which takes half the time where a vector is two halves to
//! the processor.
//!
//! Floor: rows * columns * depth / 16 fused multiply-adds, two of which start a cycle, with 16
//! loads for 28 of them.

use std::arch::x86_64::*;

use super::epilogue_f32::store_f32;
use crate::kernels::epilogue_f32::EpilogueF32;
use crate::kernels::matmul_f32::{Panel, PanelsF32};
use crate::kernels::rows::Rows;
use crate::simd::{Avx512, Tile};

/// Multiplies rows with the panels that are in the tile.
pub(crate) fn multiply(
    _: Avx512,
    rows: Rows<'_, f32>,
    panels: &PanelsF32,
    epilogue: EpilogueF32,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
) {
    rows.check_depth(panels.depth);
    for first in
        tile.columns_of_product::<f32>(first_column, panels.columns).step_by(panels.panel_columns)
    {
        let panel = panels.panel(first);
        let start = first_column + first;
        let bytes = start * 4..(start + panel.columns) * 4;
        let output = Output {
            start: tile.block(first_row..first_row + rows.count, bytes).cast(),
            stride: tile.row_stride() / 4,
        };
        let bias = &panels.bias[first..first + panel.width];
        // SAFETY: the proof says that the machine has the instructions. Rows are long enough
        // (checked above), weights and bias were sliced to the panel's size, the output block
        // is inside the tile (`Tile::block` checks), and the last vector of a row is written
        // under a mask.
        unsafe {
            match panel.width / 8 {
                1 => multiply_panel::<0, 1>(rows, panel, bias, epilogue, output),
                2 => multiply_panel::<1, 0>(rows, panel, bias, epilogue, output),
                3 => multiply_panel::<1, 1>(rows, panel, bias, epilogue, output),
                _ => multiply_panel::<2, 0>(rows, panel, bias, epilogue, output),
            }
        }
    }
}

/// Where the product of a panel goes.
#[derive(Clone, Copy)]
pub(super) struct Output {
    pub(super) start: *mut f32,
    pub(super) stride: usize,
}

/// All rows times a panel of `VECTORS` vectors and `HALVES` half vectors.
///
/// # Safety
/// Rows and output must be as large as the panel says.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn multiply_panel<const VECTORS: usize, const HALVES: usize>(
    rows: Rows<'_, f32>,
    panel: Panel<'_>,
    bias: &[f32],
    epilogue: EpilogueF32,
    output: Output,
) {
    let mut row = 0;
    while row < rows.count {
        let left = rows.left_in_line(row);
        // SAFETY: each tile's rows are among those that the caller vouches for.
        unsafe {
            let a = rows.numbers.as_ptr().add(rows.start(row));
            let out = Output { start: output.start.add(row * output.stride), ..output };
            row += match left {
                14.. => tile::<14, VECTORS, HALVES>(a, rows, panel, bias, epilogue, out),
                7.. => tile::<7, VECTORS, HALVES>(a, rows, panel, bias, epilogue, out),
                4.. => tile::<4, VECTORS, HALVES>(a, rows, panel, bias, epilogue, out),
                2.. => tile::<2, VECTORS, HALVES>(a, rows, panel, bias, epilogue, out),
                _ => tile::<1, VECTORS, HALVES>(a, rows, panel, bias, epilogue, out),
            };
        }
    }
}

/// `ROWS` rows times a panel; the number of rows.
///
/// # Safety
/// As [`multiply_panel`], for these rows.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
unsafe fn tile<const ROWS: usize, const VECTORS: usize, const HALVES: usize>(
    a: *const f32,
    rows: Rows<'_, f32>,
    panel: Panel<'_>,
    bias: &[f32],
    epilogue: EpilogueF32,
    output: Output,
) -> usize {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    let mut half_sums = [[_mm256_setzero_ps(); HALVES]; ROWS];
    let width = VECTORS * 16 + HALVES * 8;
    let bias = &bias[..width];
    let depth = panel.weights.len() / width;
    // SAFETY: the caller vouches for the rows; weights and bias are slices of as many numbers
    // as are loaded.
    unsafe {
        for vector in 0..VECTORS {
            let bias = _mm512_loadu_ps(bias.as_ptr().add(vector * 16));
            for row in 0..ROWS {
                sums[row][vector] = bias;
            }
        }
        for half in 0..HALVES {
            let bias = _mm256_loadu_ps(bias.as_ptr().add(VECTORS * 16 + half * 8));
            for row in 0..ROWS {
                half_sums[row][half] = bias;
            }
        }
        let mut weights = panel.weights.as_ptr();
        for run in 0..rows.runs {
            let mut a = a.add(run * rows.run_stride);
            for _ in 0..depth / rows.runs {
                let mut w = [_mm512_setzero_ps(); VECTORS];
                for vector in 0..VECTORS {
                    w[vector] = _mm512_loadu_ps(weights.add(vector * 16));
                    // The next panel, which memory brings while this one is multiplied.
                    let next = weights.wrapping_add(panel.weights.len() + vector * 16);
                    _mm_prefetch::<_MM_HINT_T0>(next.cast());
                }
                let mut half_w = [_mm256_setzero_ps(); HALVES];
                for half in 0..HALVES {
                    half_w[half] = _mm256_loadu_ps(weights.add(VECTORS * 16 + half * 8));
                }
                for row in 0..ROWS {
                    let number = _mm512_set1_ps(*a.add(row * rows.stride));
                    for vector in 0..VECTORS {
                        sums[row][vector] = _mm512_fmadd_ps(w[vector], number, sums[row][vector]);
                    }
                    let number = _mm512_castps512_ps256(number);
                    for half in 0..HALVES {
                        half_sums[row][half] =
                            _mm256_fmadd_ps(half_w[half], number, half_sums[row][half]);
                    }
                }
                weights = weights.add(width);
                a = a.add(1);
            }
        }
    }
    let missing = panel.width - panel.columns;
    // SAFETY: the caller vouches for the output.
    unsafe {
        let last_mask = if HALVES == 0 { 0xffff >> missing } else { 0xffff };
        store_f32!(ROWS, VECTORS, sums, last_mask, epilogue, output);
        let output = Output { start: output.start.wrapping_add(VECTORS * 16), ..output };
        let mut widened = [[_mm512_setzero_ps(); HALVES]; ROWS];
        for row in 0..ROWS {
            for half in 0..HALVES {
                widened[row][half] = _mm512_castps256_ps512(half_sums[row][half]);
            }
        }
        store_f32!(ROWS, HALVES, widened, 0xff >> missing, epilogue, output);
    }
    ROWS
}
