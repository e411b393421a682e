//! bf16 matrix product with f32 sums, bias and activation, AVX-512 BF16.
//!
//! Computes `activation(bias + sum over k of a * w)`. `vdpbf16ps` multiplies two neighbouring
//! bf16 of a row, broadcast, with two of each of 16 columns, and adds both products to the
//! column's f32 sum.
//!
//! Register tile: 14 rows x 32 columns, as in f32.
//!
//! Floor: rows * columns * depth / 32 instructions, two of which start a cycle, and a
//! conversion of each row: one instruction for 16 numbers.

use std::arch::x86_64::*;

use super::epilogue_f32::store_f32;
use super::matmul_f32::Output;
use crate::kernels::epilogue_f32::EpilogueF32;
use crate::kernels::matmul_bf16::PanelsBf16;
use crate::kernels::rows::Rows;
use crate::simd::{AHEAD_BYTES, Avx512Bf16, Tile};

/// Rounds rows to bf16, to the nearest and halves to even, in pairs; an odd number of columns
/// is followed by a zero. Numbers too small for a normal bf16 become 0.
pub(crate) fn round(_: Avx512Bf16, rows: Rows<'_, f32>, depth: usize, pairs: &mut [u32]) {
    let row_pairs = depth.div_ceil(2);
    let pairs = &mut pairs[..rows.count * row_pairs];
    rows.check_depth(depth);
    // Rows without gaps are one long row.
    let whole = rows.stride == depth && depth.is_multiple_of(2) && rows.line >= rows.count;
    let (count, length) = if whole { (1, rows.count * depth) } else { (rows.count, depth) };
    for row in 0..count {
        let numbers = &rows.numbers[rows.start(row)..][..length];
        let pairs = &mut pairs[row * row_pairs..][..length.div_ceil(2)];
        // SAFETY: the proof says that the machine has the instructions.
        unsafe { round_row(numbers, pairs) };
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
fn round_row(row: &[f32], pairs: &mut [u32]) {
    assert!(pairs.len() >= row.len().div_ceil(2), "room for the row");
    let mut at = 0;
    while at < row.len() {
        let left = row.len() - at;
        let mask = if left >= 32 { u32::MAX } else { (1 << left) - 1 };
        let pairs_left = left.div_ceil(2);
        let store_mask = if pairs_left >= 16 { u16::MAX } else { (1 << pairs_left) - 1 };
        // SAFETY: the masks end where the slices do; both types are 512 bits.
        unsafe {
            let from = row.as_ptr().add(at);
            let low = _mm512_maskz_loadu_ps(mask as u16, from);
            // A load under an empty mask would be slow.
            let high = if left > 16 {
                _mm512_maskz_loadu_ps((mask >> 16) as u16, from.add(16))
            } else {
                _mm512_setzero_ps()
            };
            let rounded = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            _mm512_mask_storeu_epi32(pairs.as_mut_ptr().add(at / 2).cast(), store_mask, rounded);
        }
        at += 32;
    }
}

/// Multiplies so many rows of pairs with the panels that are in the tile.
pub(crate) fn multiply(
    _: Avx512Bf16,
    rows: &[u32],
    count: usize,
    panels: &PanelsBf16,
    epilogue: EpilogueF32,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
) {
    assert!(rows.len() >= count * panels.pairs, "rows as long as the panels are deep");
    for first in
        tile.columns_of_product::<f32>(first_column, panels.columns).step_by(PanelsBf16::COLUMNS)
    {
        let weights = panels.panel(first);
        let width = weights.len() / panels.pairs;
        let columns = width.min(panels.columns - first);
        let start = first_column + first;
        let panel = Panel {
            weights,
            bias: &panels.bias[first..first + width],
            last_mask: 0xffff >> (width - columns),
        };
        let output = Output {
            start: tile
                .block(first_row..first_row + count, start * 4..(start + columns) * 4)
                .cast(),
            stride: tile.row_stride() / 4,
        };
        // SAFETY: the proof says that the machine has the instructions. Rows are long enough
        // (checked above), weights and bias are slices of the panel's size, the output block is
        // inside the tile (`Tile::block` checks), and the last vector of a row is written under
        // a mask.
        unsafe {
            match width / 16 {
                1 => multiply_panel::<1>(rows, count, panels.pairs, panel, epilogue, output),
                _ => multiply_panel::<2>(rows, count, panels.pairs, panel, epilogue, output),
            }
        }
    }
}

/// One panel of weights.
#[derive(Clone, Copy)]
struct Panel<'a> {
    /// For each pair, the pairs of its columns.
    weights: &'a [u32],
    bias: &'a [f32],
    /// The columns of its last vector.
    last_mask: u16,
}

/// All rows times a panel of `VECTORS` vectors.
///
/// # Safety
/// There must be so many rows of so many pairs, and the output be as large as the panel says.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn multiply_panel<const VECTORS: usize>(
    rows: &[u32],
    count: usize,
    pairs: usize,
    panel: Panel<'_>,
    epilogue: EpilogueF32,
    output: Output,
) {
    let mut row = 0;
    while row < count {
        let a = &rows[row * pairs..];
        let out = Output { start: output.start.wrapping_add(row * output.stride), ..output };
        // SAFETY: each tile's rows are among those that the caller vouches for.
        unsafe {
            row += match count - row {
                14.. => tile::<14, VECTORS>(a, pairs, panel, epilogue, out),
                7.. => tile::<7, VECTORS>(a, pairs, panel, epilogue, out),
                4.. => tile::<4, VECTORS>(a, pairs, panel, epilogue, out),
                2.. => tile::<2, VECTORS>(a, pairs, panel, epilogue, out),
                _ => tile::<1, VECTORS>(a, pairs, panel, epilogue, out),
            };
        }
    }
}

/// `ROWS` rows times a panel; the number of rows.
///
/// # Safety
/// As [`multiply_panel`], for these rows.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
#[inline]
unsafe fn tile<const ROWS: usize, const VECTORS: usize>(
    rows: &[u32],
    pairs: usize,
    panel: Panel<'_>,
    epilogue: EpilogueF32,
    output: Output,
) -> usize {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    let (a, bias) = (rows[..ROWS * pairs].as_ptr(), &panel.bias[..VECTORS * 16]);
    let weights = panel.weights[..pairs * VECTORS * 16].as_ptr();
    // SAFETY: rows, weights and bias are slices of as many numbers as are loaded; both vector
    // types are 512 bits.
    unsafe {
        let pairs_of = |vector: __m512i| std::mem::transmute::<__m512i, __m512bh>(vector);
        for vector in 0..VECTORS {
            let bias = _mm512_loadu_ps(bias.as_ptr().add(vector * 16));
            for row in 0..ROWS {
                sums[row][vector] = bias;
            }
        }
        // Memory brings the next panel while this one is multiplied; one row is done with its own
        // so soon that not all of the next would fit.
        let ahead = if ROWS == 1 { AHEAD_BYTES / size_of::<u32>() } else { pairs * VECTORS * 16 };
        for pair in 0..pairs {
            let mut w = [_mm512_setzero_si512(); VECTORS];
            for vector in 0..VECTORS {
                let weights = weights.wrapping_add((pair * VECTORS + vector) * 16);
                _mm_prefetch::<_MM_HINT_T0>(weights.wrapping_add(ahead).cast());
                w[vector] = _mm512_loadu_si512(weights.cast());
            }
            for row in 0..ROWS {
                let two = _mm512_set1_epi32(*a.add(row * pairs + pair) as i32);
                for vector in 0..VECTORS {
                    let sum = sums[row][vector];
                    sums[row][vector] = _mm512_dpbf16_ps(sum, pairs_of(two), pairs_of(w[vector]));
                }
            }
        }
    }
    // SAFETY: the caller vouches for the output.
    unsafe { store_f32!(ROWS, VECTORS, sums, panel.last_mask, epilogue, output) };
    ROWS
}
