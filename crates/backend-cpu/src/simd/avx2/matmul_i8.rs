//! int8 matrix product with requantization, AVX2.
//!
//! Computes `requantize(sum over k of (a - za) * (w - zw))` on numbers widened to i16:
//! `vpmaddwd` multiplies two numbers of a row, broadcast, with two weights of each of 8
//! columns and adds both products; unlike `vpmaddubsw` it never saturates. `zw` is
//! subtracted from the weights already, and `za` is in the bias.
//!
//! Register tile: 6 rows x 16 columns: 12 accumulators of 16 registers.
//!
//! Floor: rows * columns * depth / 16 multiplies and as many additions; 8 loads for 12 of
//! each.

use std::arch::x86_64::*;

use super::requantize::{Method, store_rows};
use crate::kernels::pair_panels::PairPanels;
use crate::kernels::requantize::Requantize;
use crate::kernels::rows::Rows;
use crate::simd::{Avx2, Tile};

/// Multiplies rows with the panels that are in the tile.
pub(crate) fn multiply(
    _: Avx2,
    rows: Rows<'_, i16>,
    panels: &PairPanels,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
) {
    rows.check_depth(panels.pairs * 2);
    for panel in panels.panels_of(tile, first_column) {
        let first = panel * PairPanels::COLUMNS;
        let columns = PairPanels::COLUMNS.min(panels.columns - first);
        let start = first_column + first;
        let output = Output {
            start: tile.block(first_row..first_row + rows.count, start..start + columns),
            stride: tile.row_stride(),
            columns,
            method: Method::of(q, first),
        };
        // SAFETY: the proof says that the machine has the instructions. Rows are long enough
        // (checked above), the panel is a slice of as many weights, and the output block is
        // inside the tile (`Tile::block` checks).
        unsafe { multiply_panel(rows, panels.panel(panel), first, q, output) };
    }
}

/// Where the product of a panel goes.
#[derive(Clone, Copy)]
struct Output {
    start: *mut u8,
    stride: usize,
    columns: usize,
    method: Method,
}

/// All rows times a panel.
///
/// # Safety
/// Rows and output must be as large as the panel.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply_panel(
    rows: Rows<'_, i16>,
    weights: &[i16],
    first: usize,
    q: &Requantize,
    output: Output,
) {
    let mut row = 0;
    while row < rows.count {
        // SAFETY: each tile's rows are among those that the caller vouches for.
        unsafe {
            let a = rows.numbers.as_ptr().add(rows.start(row));
            let out = Output { start: output.start.add(row * output.stride), ..output };
            row += match rows.left_in_line(row) {
                6 | 8.. => tile::<6>(a, rows, weights, first, q, out),
                4.. => tile::<4>(a, rows, weights, first, q, out),
                3 => tile::<3>(a, rows, weights, first, q, out),
                2 => tile::<2>(a, rows, weights, first, q, out),
                _ => tile::<1>(a, rows, weights, first, q, out),
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
    a: *const i16,
    rows: Rows<'_, i16>,
    weights: &[i16],
    first: usize,
    q: &Requantize,
    output: Output,
) -> usize {
    let pairs = weights.len() / (2 * PairPanels::COLUMNS);
    let bias = &q.bias[first..first + 16];
    // SAFETY: `bias` has 16 numbers; the caller vouches for the rows, and there are 32 weights
    // for each pair of their numbers.
    let sums = unsafe {
        let bias = bias.as_ptr().cast::<__m256i>();
        let bias = [_mm256_loadu_si256(bias), _mm256_loadu_si256(bias.add(1))];
        let mut sums = [bias; ROWS];
        let mut weights = weights.as_ptr().cast::<__m256i>();
        for run in 0..rows.runs {
            let mut a = a.add(run * rows.run_stride);
            for _ in 0..pairs / rows.runs {
                let w = [_mm256_loadu_si256(weights), _mm256_loadu_si256(weights.add(1))];
                for row in 0..ROWS {
                    let pair = a.add(row * rows.stride).cast::<i32>().read_unaligned();
                    let pair = _mm256_set1_epi32(pair);
                    for vector in 0..2 {
                        let product = _mm256_madd_epi16(w[vector], pair);
                        sums[row][vector] = _mm256_add_epi32(sums[row][vector], product);
                    }
                }
                weights = weights.add(2);
                a = a.add(2);
            }
        }
        sums
    };
    // SAFETY: the caller vouches for the output.
    unsafe {
        let Output { start, stride, columns, method } = output;
        store_rows(q, first, method, sums, start, stride, columns);
    }
    ROWS
}
