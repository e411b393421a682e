//! int8 matrix product with requantization, AVX-512 VNNI.
//!
//! Computes `requantize(sum over k of (a - za) * (w - zw))`. `vpdpbusd` multiplies four
//! unsigned bytes of weights with four signed bytes of one row, broadcast, and adds them to
//! 16 sums. `za` is in the bias already; `zw` times the row's sum is subtracted where the
//! accumulators start.
//!
//! Register tile: 7 rows x 64 columns, 9x48, 14x32 or 14x16, by the width of the panel: 28
//! accumulators (27, 28, 14) of 32 registers.
//!
//! Floor: rows * columns * depth / 64 instructions, one or two of which start a cycle. 7x64
//! takes 11 loads for 28 of them.

use std::arch::x86_64::*;

use super::requantize::{Multipliers, OutputRange};
use crate::kernels::matmul_i8::QuadPanels;
use crate::kernels::requantize::Requantize;
use crate::kernels::rows::Rows;
use crate::simd::{Avx512, Tile};

/// Multiplies rows with the panels that are in the tile. `sums` is scratch memory, one for
/// each row.
pub(crate) fn multiply(
    _: Avx512,
    rows: Rows<'_, i8>,
    panels: &QuadPanels,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
    corrections: &mut [i32],
) {
    rows.check_depth(panels.quads * 4);
    assert!(corrections.len() >= rows.count, "a correction for each row");
    // SAFETY: the proof says that the machine has the instructions, and every row is long
    // enough.
    unsafe { correct_rows(rows, panels, corrections) };

    let columns = tile.columns();
    let end = columns.end.saturating_sub(first_column).min(panels.columns);
    let mut first = columns.start.saturating_sub(first_column);
    assert!(first >= end || first.is_multiple_of(QuadPanels::COLUMNS), "whole panels");
    while first < end {
        let columns = QuadPanels::COLUMNS.min(panels.columns - first);
        assert!(first + columns <= end, "whole panels");
        let vectors = columns.div_ceil(16);
        let weights = &panels.weights.bytes()[first * panels.quads * 4..];
        assert!(weights.len() >= vectors * panels.quads * 64, "a panel's weights");
        let panel = Panel {
            weights: weights.as_ptr(),
            quads: panels.quads,
            first,
            last_mask: 0xffff >> (vectors * 16 - columns),
        };
        let start = first_column + first;
        let output = Output {
            start: tile.block(first_row..first_row + rows.count, start..start + columns),
            stride: tile.row_stride(),
        };
        // SAFETY: the machine has the instructions. Rows and weights are as long as `quads`
        // says (checked above), the output block is inside the tile (`Tile::block` checks),
        // and the last vector of a row is written under a mask.
        unsafe {
            match vectors {
                1 => panel.multiply::<1>(rows, corrections, q, output),
                2 => panel.multiply::<2>(rows, corrections, q, output),
                3 => panel.multiply::<3>(rows, corrections, q, output),
                _ => panel.multiply::<4>(rows, corrections, q, output),
            }
        }
        first += columns;
    }
}

/// Minus the weights' zero point times the sum of each row.
///
/// # Safety
/// Every row must be as long as the panels are deep.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn correct_rows(rows: Rows<'_, i8>, panels: &QuadPanels, corrections: &mut [i32]) {
    let depth = panels.quads * 4;
    let ones = _mm512_set1_epi8(1);
    for (row, correction) in corrections[..rows.count].iter_mut().enumerate() {
        let mut sums = _mm512_setzero_si512();
        let mut k = 0;
        while k < depth {
            let mask = if depth - k >= 64 { u64::MAX } else { (1 << (depth - k)) - 1 };
            // SAFETY: the mask ends where the row does.
            let numbers = unsafe {
                _mm512_maskz_loadu_epi8(mask, rows.numbers.as_ptr().add(row * rows.stride + k))
            };
            sums = _mm512_dpbusd_epi32(sums, ones, numbers);
            k += 64;
        }
        *correction = _mm512_reduce_add_epi32(sums).wrapping_mul(-panels.zero_point);
    }
}

/// One panel of weights.
#[derive(Clone, Copy)]
struct Panel {
    weights: *const u8,
    quads: usize,
    /// Its first column, for the epilogue's lists.
    first: usize,
    /// The columns of its last vector.
    last_mask: u16,
}

/// Where the product of a panel goes.
#[derive(Clone, Copy)]
struct Output {
    start: *mut u8,
    stride: usize,
}

impl Panel {
    /// All rows times a panel of `VECTORS` vectors.
    ///
    /// # Safety
    /// Rows, weights and output must be as large as the panel says, with a correction for
    /// each row.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn multiply<const VECTORS: usize>(
        self,
        rows: Rows<'_, i8>,
        corrections: &[i32],
        q: &Requantize,
        output: Output,
    ) {
        let mut row = 0;
        while row < rows.count {
            let left = rows.count - row;
            // SAFETY: each tile's rows are among those that the caller vouches for.
            unsafe {
                let a = rows.numbers.as_ptr().add(row * rows.stride);
                let c = corrections.as_ptr().add(row);
                let out = Output { start: output.start.add(row * output.stride), ..output };
                row += match (VECTORS, left) {
                    (1 | 2, 14..) => self.tile::<14, VECTORS>(a, rows.stride, c, q, out),
                    (3, 9..) => self.tile::<9, VECTORS>(a, rows.stride, c, q, out),
                    (1 | 2 | 4, 7..) => self.tile::<7, VECTORS>(a, rows.stride, c, q, out),
                    (_, 4..) => self.tile::<4, VECTORS>(a, rows.stride, c, q, out),
                    (_, 2..) => self.tile::<2, VECTORS>(a, rows.stride, c, q, out),
                    _ => self.tile::<1, VECTORS>(a, rows.stride, c, q, out),
                };
            }
        }
    }

    /// `ROWS` rows times a panel; the number of rows.
    ///
    /// # Safety
    /// As [`Self::multiply`], for these rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn tile<const ROWS: usize, const VECTORS: usize>(
        self,
        a: *const i8,
        a_stride: usize,
        corrections: *const i32,
        q: &Requantize,
        output: Output,
    ) -> usize {
        let mut sums = [[_mm512_setzero_si512(); VECTORS]; ROWS];
        let bias = &q.bias[self.first..self.first + VECTORS * 16];
        // SAFETY: the caller vouches for rows, corrections and weights; `bias` was sliced to
        // as many numbers as are loaded.
        unsafe {
            for vector in 0..VECTORS {
                let bias = _mm512_loadu_si512(bias.as_ptr().add(vector * 16).cast());
                for row in 0..ROWS {
                    let correction = _mm512_set1_epi32(*corrections.add(row));
                    sums[row][vector] = _mm512_add_epi32(bias, correction);
                }
            }
            let mut weights = self.weights;
            let mut a = a;
            for _ in 0..self.quads {
                let mut w = [_mm512_setzero_si512(); VECTORS];
                for vector in 0..VECTORS {
                    w[vector] = _mm512_loadu_si512(weights.add(vector * 64).cast());
                }
                for row in 0..ROWS {
                    let four = a.add(row * a_stride).cast::<i32>().read_unaligned();
                    let four = _mm512_set1_epi32(four);
                    for vector in 0..VECTORS {
                        sums[row][vector] = _mm512_dpbusd_epi32(sums[row][vector], w[vector], four);
                    }
                }
                weights = weights.add(VECTORS * 64);
                a = a.add(4);
            }
        }
        // Through memory: an array that is indexed by a loop counter would be kept there all
        // along, and only loops as short as those above are unrolled.
        let mut spilled = Spilled([[[0; 16]; VECTORS]; ROWS]);
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                // SAFETY: the place is 16 numbers large.
                unsafe {
                    let to = spilled.0[row][vector].as_mut_ptr();
                    _mm512_store_si512(to.cast(), sums[row][vector]);
                }
            }
        }
        // SAFETY: the caller vouches for the output.
        unsafe {
            if q.only_right_shifts {
                self.store::<VECTORS, true>(&spilled.0, q, output);
            } else {
                self.store::<VECTORS, false>(&spilled.0, q, output);
            }
        }
        ROWS
    }

    /// Requantizes sums and writes them.
    ///
    /// # Safety
    /// The output must have as many rows and vectors, but for the last vector's mask.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn store<const VECTORS: usize, const ONLY_RIGHT_SHIFTS: bool>(
        self,
        sums: &[[[i32; 16]; VECTORS]],
        q: &Requantize,
        output: Output,
    ) {
        let range = OutputRange::new(q.zero_point, q.low, q.high);
        for vector in 0..VECTORS {
            let multipliers = Multipliers::load(q, self.first + vector * 16);
            let mask = if vector == VECTORS - 1 { self.last_mask } else { 0xffff };
            for (row, sums) in sums.iter().enumerate() {
                // SAFETY: there are 16 numbers; the caller vouches for the output.
                unsafe {
                    let sums = _mm512_loadu_si512(sums[vector].as_ptr().cast());
                    let scaled = if ONLY_RIGHT_SHIFTS {
                        multipliers.apply_right_shifts(sums)
                    } else {
                        multipliers.apply(sums)
                    };
                    let to = output.start.add(row * output.stride + vector * 16);
                    _mm_mask_storeu_epi8(to.cast(), mask, range.narrow(scaled));
                }
            }
        }
    }
}

/// Accumulators in memory.
#[repr(align(64))]
struct Spilled<const VECTORS: usize, const ROWS: usize>([[[i32; 16]; VECTORS]; ROWS]);
