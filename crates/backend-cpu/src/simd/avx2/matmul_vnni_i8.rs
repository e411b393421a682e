//! int8 matrix product with requantization, AVX-VNNI: desktop processors without AVX-512.
//!
//! Computes `requantize(sum over k of (a - za) * (w - zw))` as the kernel for AVX-512 does,
//! but for zero points:
//! `vpdpbusd` adds four products of unsigned with signed bytes to each of 8 sums. Without a
//! zero point of the weights the row's numbers are made unsigned by turning over their highest
//! bits; with one the weights are the unsigned side, and `zw` times the row's sum is
//! subtracted where the accumulators start.
//!
//! Register tile: 6 rows x 16 columns: 12 accumulators of 16 registers.
//!
//! Floor: rows * columns * depth / 32 instructions, two of which start a cycle, beside 8 loads
//! for 12 of them.

use std::arch::x86_64::*;

use super::requantize::{Method, store_rows};
use crate::kernels::quad_panels::QuadPanels;
use crate::kernels::requantize::Requantize;
use crate::kernels::rows::Rows;
use crate::simd::{AvxVnni, Tile};

/// Channels of a panel.
const COLUMNS: usize = QuadPanels::COLUMNS_AVX_VNNI;

/// Multiplies rows with the panels that are in the tile. `corrections` is scratch memory, one
/// for each row.
pub(crate) fn multiply(
    _: AvxVnni,
    rows: Rows<'_, i8>,
    panels: &QuadPanels,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
    corrections: &mut [i32],
) {
    rows.check_depth(panels.quads * 4);
    assert!(panels.quads == rows.runs * panels.run.div_ceil(4), "runs as packed");
    assert!(panels.width == COLUMNS, "packed for AVX-VNNI");
    assert!(corrections.len() >= rows.count, "a correction for each row");
    if let Some(zero_point) = panels.zero_point {
        for (row, correction) in corrections[..rows.count].iter_mut().enumerate() {
            let sum: i32 = (0..rows.runs)
                .map(|run| {
                    let first = rows.start(row) + run * rows.run_stride;
                    // SAFETY: the proof says that the machine has the instructions.
                    unsafe { sum(&rows.numbers[first..first + panels.run]) }
                })
                .sum();
            *correction = sum.wrapping_mul(-zero_point);
        }
    }
    let columns = tile.columns_of_product::<i8>(first_column, panels.columns);
    for first in columns.clone().step_by(COLUMNS) {
        assert!(first.is_multiple_of(COLUMNS), "whole panels");
        let count = COLUMNS.min(columns.end - first);
        let weights = &panels.weights.bytes()[first * panels.quads * 4..];
        assert!(weights.len() >= panels.quads * 4 * COLUMNS, "a panel's weights");
        let start = first_column + first;
        let panel = Panel {
            weights: weights.as_ptr(),
            quads: panels.quads,
            first,
            output: tile.block(first_row..first_row + rows.count, start..start + count),
            stride: tile.row_stride(),
            columns: count,
            method: Method::of(q, first),
        };
        // SAFETY: the machine has the instructions. Rows and weights are as long as `quads`
        // says (checked above), and the output block is inside the tile (`Tile::block` checks).
        unsafe {
            if panels.zero_point.is_none() {
                panel.multiply::<true>(rows, corrections, q);
            } else {
                panel.multiply::<false>(rows, corrections, q);
            }
        }
    }
}

/// The sum of some numbers.
#[target_feature(enable = "avx2,fma,avxvnni")]
fn sum(numbers: &[i8]) -> i32 {
    let (vectors, rest) = numbers.as_chunks::<32>();
    let mut sums = _mm256_setzero_si256();
    for vector in vectors {
        // SAFETY: the array has 32 bytes.
        let vector = unsafe { _mm256_loadu_si256(vector.as_ptr().cast()) };
        sums = _mm256_dpbusd_avx_epi32(sums, _mm256_set1_epi8(1), vector);
    }
    let mut lanes = [0i32; 8];
    // SAFETY: the array has room for 8 numbers.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
    lanes.into_iter().sum::<i32>() + rest.iter().map(|&x| i32::from(x)).sum::<i32>()
}

/// One panel of weights, and where its product goes.
#[derive(Clone, Copy)]
struct Panel {
    weights: *const u8,
    quads: usize,
    /// Its first column, for the epilogue's lists.
    first: usize,
    output: *mut u8,
    stride: usize,
    columns: usize,
    method: Method,
}

impl Panel {
    /// All rows times a panel.
    ///
    /// # Safety
    /// Rows, weights and output must be as large as the panel says, with a correction for
    /// each row.
    #[target_feature(enable = "avx2,fma,avxvnni")]
    unsafe fn multiply<const SYMMETRIC: bool>(
        self,
        rows: Rows<'_, i8>,
        corrections: &[i32],
        q: &Requantize,
    ) {
        let mut row = 0;
        while row < rows.count {
            // SAFETY: each tile's rows are among those that the caller vouches for.
            unsafe {
                let a = rows.numbers.as_ptr().add(rows.start(row));
                let c = corrections.as_ptr().add(row);
                let output = self.output.add(row * self.stride);
                row += match rows.left_in_line(row) {
                    6 | 8.. => self.tile::<6, SYMMETRIC>(a, rows, c, q, output),
                    4.. => self.tile::<4, SYMMETRIC>(a, rows, c, q, output),
                    3 => self.tile::<3, SYMMETRIC>(a, rows, c, q, output),
                    2 => self.tile::<2, SYMMETRIC>(a, rows, c, q, output),
                    _ => self.tile::<1, SYMMETRIC>(a, rows, c, q, output),
                };
            }
        }
    }

    /// `ROWS` rows times a panel; the number of rows.
    ///
    /// # Safety
    /// As [`Self::multiply`], for these rows.
    #[target_feature(enable = "avx2,fma,avxvnni")]
    #[inline]
    unsafe fn tile<const ROWS: usize, const SYMMETRIC: bool>(
        self,
        a: *const i8,
        rows: Rows<'_, i8>,
        corrections: *const i32,
        q: &Requantize,
        output: *mut u8,
    ) -> usize {
        let bias = &q.bias[self.first..self.first + COLUMNS];
        let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
        // SAFETY: the caller vouches for rows, corrections and weights; `bias` has 16 numbers.
        unsafe {
            let bias = bias.as_ptr().cast::<__m256i>();
            let bias = [_mm256_loadu_si256(bias), _mm256_loadu_si256(bias.add(1))];
            for row in 0..ROWS {
                for vector in 0..2 {
                    sums[row][vector] = if SYMMETRIC {
                        bias[vector]
                    } else {
                        let correction = _mm256_set1_epi32(*corrections.add(row));
                        _mm256_add_epi32(bias[vector], correction)
                    };
                }
            }
            let mut weights = self.weights.cast::<__m256i>();
            for run in 0..rows.runs {
                let mut a = a.add(run * rows.run_stride);
                for _ in 0..self.quads / rows.runs {
                    let w = [_mm256_loadu_si256(weights), _mm256_loadu_si256(weights.add(1))];
                    for row in 0..ROWS {
                        let four = a.add(row * rows.stride).cast::<i32>().read_unaligned();
                        if SYMMETRIC {
                            let four = _mm256_set1_epi32(four ^ 0x8080_8080_u32 as i32);
                            for vector in 0..2 {
                                let sum = sums[row][vector];
                                sums[row][vector] = _mm256_dpbusd_avx_epi32(sum, four, w[vector]);
                            }
                        } else {
                            let four = _mm256_set1_epi32(four);
                            for vector in 0..2 {
                                let sum = sums[row][vector];
                                sums[row][vector] = _mm256_dpbusd_avx_epi32(sum, w[vector], four);
                            }
                        }
                    }
                    weights = weights.add(2);
                    a = a.add(4);
                }
            }
        }
        // SAFETY: the caller vouches for the output.
        unsafe {
            let Self { first, method, stride, columns, .. } = self;
            store_rows(q, first, method, sums, output, stride, columns);
        }
        ROWS
    }
}
