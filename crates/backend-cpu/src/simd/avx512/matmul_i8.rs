//! int8 matrix product with requantization, AVX-512 VNNI.
//!
//! Computes `requantize(sum over k of (a - za) * (w - zw))`. `vpdpbusd` multiplies four
//! unsigned bytes with four signed bytes and adds the products to one of 16 sums. The rows come
//! turned over, as unsigned numbers; the constant that this adds to a sum is in the bias, like
//! `za`. Four of their numbers are broadcast as they are loaded. The weights are `w - zw`; the
//! few that are not signed bytes are multiplied twice, [`crate::kernels::quad_panels`].
//!
//! Register tile: 14 rows x 32 columns: 28 accumulators of 32 registers.
//!
//! Floor: rows * columns * depth / 64 instructions, two of which start a cycle, while loads and
//! broadcasts go to other pipes. Requantization is another five instructions
//! for 16 outputs that start at their zero point, as after a ReLU, and seven for others.

use std::arch::x86_64::*;
use std::ops::Range;

use super::requantize::{FloatMultipliers, Multipliers, OutputRange};
use crate::kernels::quad_panels::{QuadPanels, RestQuad};
use crate::kernels::requantize::Requantize;
use crate::kernels::rows::Rows;
use crate::simd::{AHEAD_BYTES, Avx512, Tile};

/// Multiplies rows with the panels that are in the tile. The rows must be turned over: 128 more
/// than the numbers, unsigned.
pub(crate) fn multiply(
    _: Avx512,
    rows: Rows<'_, i8>,
    panels: &QuadPanels,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
) {
    rows.check_depth(panels.quads * 4);
    assert!(panels.width == QuadPanels::COLUMNS, "packed for AVX-512");
    assert!(panels.quads == rows.runs * panels.run.div_ceil(4), "runs as packed");
    assert!(panels.zero_point.is_none(), "real weights");
    let are_read = |rest: &RestQuad| rest.run < rows.runs && rest.quad * 4 < panels.run;

    let Range { start: mut first, end } =
        tile.columns_of_product::<i8>(first_column, panels.columns);
    assert!(first >= end || first.is_multiple_of(QuadPanels::COLUMNS), "whole panels");
    while first < end {
        let columns = QuadPanels::COLUMNS.min(panels.columns - first);
        assert!(first + columns <= end, "whole panels");
        let vectors = columns.div_ceil(16);
        let weights = &panels.weights.bytes()[first * panels.quads * 4..];
        assert!(weights.len() >= vectors * panels.quads * 64, "a panel's weights");
        let rest = &panels.rest[first / QuadPanels::COLUMNS];
        assert!(rest.iter().all(are_read), "in a run");
        let panel = Panel {
            weights: weights.as_ptr(),
            quads: panels.quads,
            rest,
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
                1 => panel.multiply::<1>(rows, q, output),
                _ => panel.multiply::<2>(rows, q, output),
            }
        }
        first += columns;
    }
}

/// Requantizes `$rows` times `$vectors` sums, an array of arrays, in floats and writes them. The
/// output must have as many rows and vectors, but for the last vector's mask. If the sums are
/// not `$signed`, outputs must start at the zero point.
///
/// A macro and no function, since passing the array would put it into memory.
macro_rules! store_floats {
    (
        $signed:literal, $panel:expr, $rows:expr, $vectors:expr, $sums:expr, $q:expr, $output:expr
    ) => {{
        let range = OutputRange::new($q.zero_point, $q.low, $q.high);
        let first = FloatMultipliers::load($q, $panel.first);
        if $vectors == 1 {
            unrolled!($rows, row, {
                let narrow = range.narrow(first.apply::<$signed>($sums[row][0]));
                let to = $output.start.add(row * $output.stride);
                _mm_mask_storeu_epi8(to.cast(), $panel.last_mask, narrow);
            });
        } else {
            let second = FloatMultipliers::load($q, $panel.first + 16);
            let mask = u32::from($panel.last_mask) << 16 | 0xffff;
            unrolled!($rows.div_ceil(2), pair, {
                // An odd row is its own partner.
                let (row, partner) = (2 * pair, (2 * pair + 1).min($rows - 1));
                let (x, y) = ($sums[row], $sums[partner]);
                let last = $vectors - 1;
                let x = [first.apply::<$signed>(x[0]), second.apply::<$signed>(x[last])];
                let y = [first.apply::<$signed>(y[0]), second.apply::<$signed>(y[last])];
                let narrow = range.narrow_two::<$signed>(x, y);
                let to = $output.start.add(row * $output.stride);
                _mm256_mask_storeu_epi8(to.cast(), mask, _mm512_castsi512_si256(narrow));
                if partner > row {
                    let to = to.add($output.stride).cast();
                    _mm256_mask_storeu_epi8(to, mask, _mm512_extracti64x4_epi64::<1>(narrow));
                }
            });
        }
    }};
}

/// One panel of weights.
#[derive(Clone, Copy)]
struct Panel<'a> {
    weights: *const u8,
    quads: usize,
    /// Fours of weights that come on top.
    rest: &'a [RestQuad],
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

impl Panel<'_> {
    /// All rows times a panel of `VECTORS` vectors.
    ///
    /// # Safety
    /// Rows, weights and output must be as large as the panel says.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn multiply<const VECTORS: usize>(
        self,
        rows: Rows<'_, i8>,
        q: &Requantize,
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
                    14.. => self.tile::<14, VECTORS>(a, rows, q, out),
                    7.. => self.tile::<7, VECTORS>(a, rows, q, out),
                    4.. => self.tile::<4, VECTORS>(a, rows, q, out),
                    2.. => self.tile::<2, VECTORS>(a, rows, q, out),
                    _ => self.tile::<1, VECTORS>(a, rows, q, out),
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
        rows: Rows<'_, i8>,
        q: &Requantize,
        output: Output,
    ) -> usize {
        let mut sums = [[_mm512_setzero_si512(); VECTORS]; ROWS];
        let bias = &q.bias[self.first..self.first + VECTORS * 16];
        // Adds the products of four numbers of each row. A macro, since a function that is
        // called twice would put the sums into memory.
        macro_rules! add_products {
            ($a:expr, $weights:expr) => {{
                let (a, weights): (*const i8, *const u8) = ($a, $weights);
                let mut w = [_mm512_setzero_si512(); VECTORS];
                for vector in 0..VECTORS {
                    w[vector] = _mm512_loadu_si512(weights.add(vector * 64).cast());
                }
                for row in 0..ROWS {
                    let four = a.add(row * rows.stride).cast::<i32>().read_unaligned();
                    let four = _mm512_set1_epi32(four);
                    for vector in 0..VECTORS {
                        let sum = sums[row][vector];
                        sums[row][vector] = _mm512_dpbusd_epi32(sum, four, w[vector]);
                    }
                }
            }};
        }
        // SAFETY: the caller vouches for rows and weights; `bias` was sliced to as many numbers
        // as are loaded.
        unsafe {
            for vector in 0..VECTORS {
                let bias = _mm512_loadu_si512(bias.as_ptr().add(vector * 16).cast());
                for row in 0..ROWS {
                    sums[row][vector] = bias;
                }
            }
            let mut weights = self.weights;
            // Memory brings the next panel while this one is multiplied; one row is done with
            // its own so soon that not all of the next would fit.
            let ahead = if ROWS == 1 { AHEAD_BYTES } else { self.quads * VECTORS * 64 };
            for run in 0..rows.runs {
                let mut a = a.add(run * rows.run_stride);
                for _ in 0..self.quads / rows.runs {
                    for vector in 0..VECTORS {
                        let next = weights.wrapping_add(ahead + vector * 64);
                        _mm_prefetch::<_MM_HINT_T0>(next.cast());
                    }
                    add_products!(a, weights);
                    weights = weights.add(VECTORS * 64);
                    a = a.add(4);
                }
            }
            for rest in self.rest {
                let a = a.add(rest.run * rows.run_stride + rest.quad * 4);
                add_products!(a, rest.weights.as_ptr().cast());
            }
        }
        // SAFETY: the caller vouches for the output.
        unsafe {
            if !q.has_exact_floats(self.first..self.first + VECTORS * 16) {
                // Of a copy, so that the sums themselves may stay in registers.
                let sums = sums;
                self.store_integers(&sums, q, output);
            } else if q.starts_at_zero_point() {
                store_floats!(false, self, ROWS, VECTORS, sums, q, output);
            } else {
                store_floats!(true, self, ROWS, VECTORS, sums, q, output);
            }
        }
        ROWS
    }

    /// Requantizes sums in integers and writes them.
    ///
    /// # Safety
    /// The output must have as many rows and vectors, but for the last vector's mask.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn store_integers<const VECTORS: usize>(
        self,
        sums: &[[__m512i; VECTORS]],
        q: &Requantize,
        output: Output,
    ) {
        let range = OutputRange::new(q.zero_point, q.low, q.high);
        for vector in 0..VECTORS {
            let multipliers = Multipliers::load(q, self.first + vector * 16);
            let mask = if vector == VECTORS - 1 { self.last_mask } else { 0xffff };
            for (row, sums) in sums.iter().enumerate() {
                let scaled = if q.only_right_shifts {
                    multipliers.apply_right_shifts(sums[vector])
                } else {
                    multipliers.apply(sums[vector])
                };
                // SAFETY: the caller vouches for the output.
                unsafe {
                    let to = output.start.add(row * output.stride + vector * 16);
                    _mm_mask_storeu_epi8(to.cast(), mask, range.narrow(scaled));
                }
            }
        }
    }
}
