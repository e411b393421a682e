//! The steps of Winograd's convolution of int8 numbers, AVX2.
//!
//! Register tile of the product: 6 rows x 16 columns of int32, 12 accumulators of 16 registers.
//!
//! Floors, for each tile of 2x2 pixels: channels * columns `vpmaddwd` and as many additions, for
//! 16 positions of pairs of channels and 8 columns; for 16 channels, 16 loads, 32 operations and
//! 16 stores to transform the input; for 8 columns, 16 loads and 28 operations for the output,
//! beside its requantization.

use std::arch::x86_64::*;

use super::requantize::{Method, store_rows};
use crate::kernels::requantize::Requantize;
use crate::kernels::winograd_i8::{COLUMNS, INPUT, OUTPUT, POSITIONS};
use crate::kernels::winograd_tiles::{Patch, TilePixels};
use crate::simd::{Avx2, Tile};

/// `Bt d B` of the pixels of a patch, at 16 positions that are `stride` numbers apart.
pub(crate) fn transform_input(
    _: Avx2,
    patch: Patch<'_, i8>,
    channels: usize,
    positions: &mut [i16],
    stride: usize,
) {
    assert!(channels.is_multiple_of(CHANNELS), "whole vectors");
    patch.check_channels(INPUT, channels);
    assert!(positions.len() >= (POSITIONS - 1) * stride + channels, "room for all positions");
    for channel in (0..channels).step_by(CHANNELS) {
        // SAFETY: the proof says that the machine has the instructions. Patch and positions hold
        // as many channels, checked above.
        unsafe {
            let from = patch.numbers.as_ptr().add(channel);
            let to = positions.as_mut_ptr().add(channel);
            transform_input_vector(from, patch.line_stride, patch.pixel_stride, to, stride);
        }
    }
}

/// `out[row][column] = sum over k of rows[row][k] * weights[k][column]` for 16 columns, k in
/// pairs; rows are `stride` apart.
pub(crate) fn multiply(_: Avx2, rows: &[i16], stride: usize, weights: &[i16], out: &mut [i32]) {
    let (count, depth) = (out.len() / COLUMNS, weights.len() / COLUMNS);
    assert!(depth <= stride && rows.len() >= count * stride, "rows are too short");
    let mut row = 0;
    while row < count {
        // SAFETY: the proof says that the machine has the instructions. There are `count` rows
        // of at least as many numbers as there are rows of weights (checked above), and as
        // many of 16 in the output.
        unsafe {
            let (rows, out) =
                (rows.as_ptr().add(row * stride), out.as_mut_ptr().add(row * COLUMNS));
            row += match count - row {
                6 | 8.. => tile::<6>(rows, stride, weights, out),
                4.. => tile::<4>(rows, stride, weights, out),
                3 => tile::<3>(rows, stride, weights, out),
                2 => tile::<2>(rows, stride, weights, out),
                _ => tile::<1>(rows, stride, weights, out),
            };
        }
    }
}

/// Transforms the products of a tile for the columns of a panel, `stride` numbers apart for each
/// position, requantizes them, and writes the pixels that are wanted.
pub(crate) fn transform_output(
    _: Avx2,
    products: &[i32],
    stride: usize,
    q: &Requantize,
    first_column: usize,
    columns: usize,
    tile: &mut Tile<'_>,
    pixels: TilePixels<OUTPUT>,
) {
    let Some((first, last)) = pixels.wanted() else { return };
    assert!(products.len() >= (POSITIONS - 1) * stride + COLUMNS, "products of all positions");
    let start = tile.block(first..last + 1, first_column..first_column + columns);
    let row_stride = tile.row_stride();
    let method = Method::of(q, first_column);
    // SAFETY: the proof says that the machine has the instructions. There are 16 products at each
    // position (checked above). Wanted pixels are rows of the block, which is inside the tile
    // (`Tile::block` checks) and as wide as the panel's columns.
    unsafe {
        let sums = output_vectors(products.as_ptr(), stride, q, first_column);
        for (line, [left, right]) in sums.into_iter().enumerate() {
            let bit = line * OUTPUT;
            let to = |bit: usize| start.wrapping_add((pixels.pixel(bit) - first) * row_stride);
            match (pixels.is_wanted(bit), pixels.is_wanted(bit + 1)) {
                (true, true) => {
                    let both = [left, right];
                    store_rows(q, first_column, method, both, to(bit), row_stride, columns);
                }
                (true, false) => {
                    store_rows(q, first_column, method, [left], to(bit), row_stride, columns);
                }
                (false, true) => {
                    store_rows(q, first_column, method, [right], to(bit + 1), row_stride, columns);
                }
                (false, false) => {}
            }
        }
    }
}

/// `ROWS` rows times the weights; the number of rows.
///
/// # Safety
/// There must be as many rows, as long as the weights are deep, and as many in the output.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn tile<const ROWS: usize>(
    rows: *const i16,
    stride: usize,
    weights: &[i16],
    out: *mut i32,
) -> usize {
    let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
    let mut rows = rows;
    for weights in weights.chunks_exact(2 * COLUMNS) {
        // SAFETY: the chunk has 32 weights; the caller vouches for the rows.
        unsafe {
            let weights = weights.as_ptr().cast::<__m256i>();
            let w = [_mm256_loadu_si256(weights), _mm256_loadu_si256(weights.add(1))];
            for row in 0..ROWS {
                let pair = rows.add(row * stride).cast::<i32>().read_unaligned();
                let pair = _mm256_set1_epi32(pair);
                for vector in 0..2 {
                    let product = _mm256_madd_epi16(w[vector], pair);
                    sums[row][vector] = _mm256_add_epi32(sums[row][vector], product);
                }
            }
            rows = rows.add(2);
        }
    }
    for row in 0..ROWS {
        for vector in 0..2 {
            // SAFETY: the caller vouches for the output.
            unsafe {
                let to = out.add(row * COLUMNS + vector * 8).cast();
                _mm256_storeu_si256(to, sums[row][vector]);
            }
        }
    }
    ROWS
}

/// `Bt d B` of 16 channels.
///
/// # Safety
/// 16 numbers must be readable at each pixel, and writable at each position.
#[target_feature(enable = "avx2,fma")]
unsafe fn transform_input_vector(
    from: *const i8,
    line_stride: usize,
    pixel_stride: usize,
    to: *mut i16,
    stride: usize,
) {
    let mut lines = [[_mm256_setzero_si256(); INPUT]; INPUT];
    for i in 0..INPUT {
        let mut pixels = [_mm256_setzero_si256(); INPUT];
        for j in 0..INPUT {
            // SAFETY: the caller vouches for every pixel.
            pixels[j] = unsafe {
                let pixel = from.add(i * line_stride + j * pixel_stride).cast();
                _mm256_cvtepi8_epi16(_mm_loadu_si128(pixel))
            };
        }
        lines[i] = input_line(pixels);
    }
    for j in 0..INPUT {
        let column = input_line([lines[0][j], lines[1][j], lines[2][j], lines[3][j]]);
        for i in 0..INPUT {
            // SAFETY: the caller vouches for every position.
            unsafe {
                let to = to.add((i * INPUT + j) * stride).cast();
                _mm256_storeu_si256(to, column[i]);
            }
        }
    }
}

/// `Bt d`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn input_line([d0, d1, d2, d3]: [__m256i; INPUT]) -> [__m256i; INPUT] {
    [
        _mm256_sub_epi16(d0, d2),
        _mm256_add_epi16(d1, d2),
        _mm256_sub_epi16(d2, d1),
        _mm256_sub_epi16(d1, d3),
    ]
}

/// `At m A / 4` of 16 columns, plus bias: two lines of two pixels, each two vectors.
///
/// # Safety
/// 16 numbers must be readable at each position.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn output_vectors(
    from: *const i32,
    stride: usize,
    q: &Requantize,
    first_column: usize,
) -> [[[__m256i; 2]; OUTPUT]; OUTPUT] {
    let bias = &q.bias[first_column..first_column + COLUMNS];
    let mut sums = [[[_mm256_setzero_si256(); 2]; OUTPUT]; OUTPUT];
    for vector in 0..2 {
        let mut columns = [[_mm256_setzero_si256(); OUTPUT]; INPUT];
        for j in 0..INPUT {
            let mut products = [_mm256_setzero_si256(); INPUT];
            for i in 0..INPUT {
                // SAFETY: the caller vouches for every position.
                products[i] = unsafe {
                    let product = from.add((i * INPUT + j) * stride + vector * 8);
                    _mm256_loadu_si256(product.cast())
                };
            }
            columns[j] = output_line(products);
        }
        // SAFETY: the bias has 16 numbers.
        let bias = unsafe { _mm256_loadu_si256(bias.as_ptr().add(vector * 8).cast()) };
        for i in 0..OUTPUT {
            let line = [columns[0][i], columns[1][i], columns[2][i], columns[3][i]];
            let line = output_line(line);
            for j in 0..OUTPUT {
                sums[i][j][vector] = _mm256_add_epi32(_mm256_srai_epi32::<2>(line[j]), bias);
            }
        }
    }
    sums
}

/// `At m`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn output_line([m0, m1, m2, m3]: [__m256i; INPUT]) -> [__m256i; OUTPUT] {
    [_mm256_add_epi32(_mm256_add_epi32(m0, m1), m2), _mm256_sub_epi32(_mm256_sub_epi32(m1, m2), m3)]
}

/// Channels that are transformed at once.
const CHANNELS: usize = 16;
