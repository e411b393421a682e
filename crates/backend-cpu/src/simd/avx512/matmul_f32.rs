//! f32 matrix product with bias and activation, AVX-512.
//!
//! Computes `activation(bias + sum over k of a * w)`: for each k, vectors of 16 weights times
//! one number of each row, broadcast.
//!
//! Register tile: 14 rows x 32 columns: 28 accumulators of 32 registers, with room for a
//! broadcast. A tile of 7x64 has none, and loads each number four times.
//!
//! Floor: rows * columns * depth / 16 fused multiply-adds, two of which start a cycle, with 16
//! loads for 28 of them.

use std::arch::x86_64::*;

use super::epilogue_f32;
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
            match panel.width / 16 {
                1 => multiply_panel::<1>(rows, panel, bias, epilogue, output),
                _ => multiply_panel::<2>(rows, panel, bias, epilogue, output),
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

/// All rows times a panel of `VECTORS` vectors.
///
/// # Safety
/// Rows and output must be as large as the panel says.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn multiply_panel<const VECTORS: usize>(
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
                14.. => tile::<14, VECTORS>(a, rows, panel, bias, epilogue, out),
                7.. => tile::<7, VECTORS>(a, rows, panel, bias, epilogue, out),
                4.. => tile::<4, VECTORS>(a, rows, panel, bias, epilogue, out),
                2.. => tile::<2, VECTORS>(a, rows, panel, bias, epilogue, out),
                _ => tile::<1, VECTORS>(a, rows, panel, bias, epilogue, out),
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
unsafe fn tile<const ROWS: usize, const VECTORS: usize>(
    a: *const f32,
    rows: Rows<'_, f32>,
    panel: Panel<'_>,
    bias: &[f32],
    epilogue: EpilogueF32,
    output: Output,
) -> usize {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    let bias = &bias[..VECTORS * 16];
    let depth = panel.weights.len() / (VECTORS * 16);
    // SAFETY: the caller vouches for the rows; weights and bias are slices of as many numbers
    // as are loaded.
    unsafe {
        for vector in 0..VECTORS {
            let bias = _mm512_loadu_ps(bias.as_ptr().add(vector * 16));
            for row in 0..ROWS {
                sums[row][vector] = bias;
            }
        }
        let mut weights = panel.weights.as_ptr();
        for run in 0..rows.runs {
            let mut a = a.add(run * rows.run_stride);
            for _ in 0..depth / rows.runs {
                let mut w = [_mm512_setzero_ps(); VECTORS];
                for vector in 0..VECTORS {
                    w[vector] = _mm512_loadu_ps(weights.add(vector * 16));
                }
                for row in 0..ROWS {
                    let number = _mm512_set1_ps(*a.add(row * rows.stride));
                    for vector in 0..VECTORS {
                        sums[row][vector] = _mm512_fmadd_ps(w[vector], number, sums[row][vector]);
                    }
                }
                weights = weights.add(VECTORS * 16);
                a = a.add(1);
            }
        }
    }
    // Through memory: an array that is indexed by a loop counter would be kept there all
    // along, and only loops as short as those above are unrolled.
    let mut spilled = Spilled([[[0.0; 16]; VECTORS]; ROWS]);
    for row in 0..ROWS {
        for vector in 0..VECTORS {
            // SAFETY: the place is 16 numbers large.
            unsafe { _mm512_store_ps(spilled.0[row][vector].as_mut_ptr(), sums[row][vector]) };
        }
    }
    // SAFETY: the caller vouches for the output.
    unsafe { store(&spilled.0, 0xffff >> (panel.width - panel.columns), epilogue, output) };
    ROWS
}

/// Activates sums and writes them; the last vector of a row under a mask.
///
/// # Safety
/// The output must have as many rows, and columns as vectors and mask say.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn store<const VECTORS: usize>(
    sums: &[[[f32; 16]; VECTORS]],
    last_mask: u16,
    epilogue: EpilogueF32,
    output: Output,
) {
    for (row, sums) in sums.iter().enumerate() {
        for vector in 0..VECTORS {
            let mask = if vector == VECTORS - 1 { last_mask } else { 0xffff };
            // SAFETY: there are 16 numbers; the caller vouches for the output.
            unsafe {
                let sums = _mm512_loadu_ps(sums[vector].as_ptr());
                let to = output.start.add(row * output.stride + vector * 16);
                _mm512_mask_storeu_ps(to, mask, epilogue_f32::apply(epilogue, sums));
            }
        }
    }
}

/// Accumulators in memory.
#[repr(align(64))]
pub(super) struct Spilled<const VECTORS: usize, const ROWS: usize>(
    pub(super) [[[f32; 16]; VECTORS]; ROWS],
);
