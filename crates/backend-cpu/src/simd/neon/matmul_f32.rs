//! f32 matrix product with bias and activation, NEON.
//!
//! Computes `activation(bias + sum over k of a * w)`.
//!
//! Register tile and floor: see [`super::tile_f32`].

use std::arch::aarch64::*;

use super::tile_f32::{COLUMNS, Factors};
use super::{epilogue_f32, rows_of_tile};
use crate::kernels::epilogue_f32::EpilogueF32;
use crate::kernels::matmul_f32::{Panel, PanelsF32};
use crate::kernels::rows::Rows;
use crate::simd::{Neon, Tile};

/// Multiplies rows with the panels that are in the tile.
pub(crate) fn multiply(
    _: Neon,
    rows: Rows<'_, f32>,
    panels: &PanelsF32,
    epilogue: EpilogueF32,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
) {
    rows.check_depth(panels.depth);
    assert!(panels.panel_columns == COLUMNS && rows.runs == 1, "packed for NEON");
    for first in tile.columns_of_product::<f32>(first_column, panels.columns).step_by(COLUMNS) {
        let panel = panels.panel(first);
        let start = first_column + first;
        let bytes = start * 4..(start + panel.columns) * 4;
        let product = Product {
            rows,
            panel,
            depth: panels.depth,
            bias: panels.bias[first..first + COLUMNS].try_into().expect("a panel's bias"),
            epilogue,
            output: tile.block(first_row..first_row + rows.count, bytes).cast(),
            stride: tile.row_stride() / 4,
        };
        // SAFETY: the proof says that the machine has the instructions. Rows are long enough
        // (checked above), weights were sliced to the panel's size, the output block is
        // inside the tile (`Tile::block` checks), and only the panel's columns are written.
        unsafe { product.compute() };
    }
}

/// All rows times a panel, and where that goes.
#[derive(Clone, Copy)]
struct Product<'a> {
    rows: Rows<'a, f32>,
    panel: Panel<'a>,
    depth: usize,
    bias: &'a [f32; COLUMNS],
    epilogue: EpilogueF32,
    output: *mut f32,
    stride: usize,
}

impl Product<'_> {
    /// Computes all rows.
    ///
    /// # Safety
    /// Rows, weights and output must be as large as the panel says.
    #[target_feature(enable = "neon")]
    unsafe fn compute(self) {
        let mut row = 0;
        while row < self.rows.count {
            // SAFETY: each tile's rows are among those that the caller vouches for.
            row += unsafe {
                match rows_of_tile(self.rows.count - row) {
                    8 => self.tile::<8>(row),
                    7 => self.tile::<7>(row),
                    6 => self.tile::<6>(row),
                    5 => self.tile::<5>(row),
                    4 => self.tile::<4>(row),
                    3 => self.tile::<3>(row),
                    2 => self.tile::<2>(row),
                    _ => self.tile::<1>(row),
                }
            };
        }
    }

    /// Computes `ROWS` rows; their number.
    ///
    /// # Safety
    /// As [`Self::compute`], for these rows.
    #[target_feature(enable = "neon")]
    unsafe fn tile<const ROWS: usize>(self, row: usize) -> usize {
        // SAFETY: the caller vouches for all of them; the bias has 8 numbers.
        unsafe {
            let bias = [vld1q_f32(self.bias.as_ptr()), vld1q_f32(self.bias.as_ptr().add(4))];
            let factors = Factors {
                rows: self.rows.numbers.as_ptr().add(self.rows.start(row)),
                row_stride: self.rows.stride,
                weights: self.panel.weights.as_ptr(),
                weight_stride: COLUMNS,
                depth: self.depth,
            };
            let sums = factors.multiply::<ROWS>(bias);
            for index in 0..ROWS {
                let to = self.output.add((row + index) * self.stride);
                epilogue_f32::store_first(self.epilogue, to, sums[index], self.panel.columns);
            }
        }
        ROWS
    }
}
