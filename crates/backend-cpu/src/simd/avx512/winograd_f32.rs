//! The steps of Winograd's convolution, AVX-512.
//!
//! Register tile of the product: 6 rows x 64 columns, 8x48, 12x32 or 12x16, by the width of
//! the panel: 24 accumulators (12 in the narrowest), the weights of a step, and room for
//! numbers to be broadcast, so that each is loaded once.
//!
//! Floors, for each tile of 4x4 pixels: 36 (81 with stride 2) * channels * columns / 16 fused
//! multiply-adds; for 16 channels, 144 operations and 36 stores to transform the input, 36 loads,
//! 136 operations and 16 stores for the output (with stride 2, 25 loads and 124 operations).

use std::arch::x86_64::*;

use super::epilogue_f32;
use crate::kernels::winograd_form::Form;
use crate::kernels::winograd_panels::PanelEnd;
use crate::kernels::winograd_stride2::POINTS;
use crate::kernels::winograd_tiles::{Patch, TilePixels};
use crate::kernels::winograd_transform::{
    FAR, INPUT, LANES, NEAR, OUTPUT, POSITIONS, Planes, near_powers,
};
use crate::simd::{Avx512, Tile};

/// [`crate::kernels::winograd_transform::transform_input`].
pub(crate) fn transform_input(
    _: Avx512,
    patch: Patch<'_, f32>,
    channels: usize,
    output: Planes<&mut [f32]>,
) {
    patch.check_channels(INPUT, channels.next_multiple_of(LANES));
    output.check_length(POSITIONS, channels.next_multiple_of(LANES));
    for channel in (0..channels).step_by(LANES) {
        // SAFETY: the proof says that the machine has the instructions. Patch and output hold
        // as many channels at each position, checked above.
        unsafe {
            let from = patch.numbers.as_ptr().add(channel);
            let to = output.numbers.as_mut_ptr().add(channel);
            transform_input_vector(from, patch.line_stride, patch.pixel_stride, to, output.stride);
        }
    }
}

/// `out[row][column] = sum over k of rows[row][k] * weights[k][column]`; rows are `stride`
/// apart, columns are `width`, a multiple of 16 and at most 64.
pub(crate) fn multiply(
    _: Avx512,
    rows: &[f32],
    stride: usize,
    weights: &[f32],
    width: usize,
    out: &mut [f32],
) {
    let (count, depth) = (out.len() / width, weights.len() / width);
    assert!(depth <= stride && rows.len() >= count * stride, "rows are too short");
    let (rows, weights, out) = (rows.as_ptr(), weights.as_ptr(), out.as_mut_ptr());
    // SAFETY: the proof says that the machine has the instructions. There are `count` rows of
    // at least `depth` numbers (checked above) and as many of `width` in the output, and
    // `depth` rows of as many weights.
    unsafe {
        match width / 16 {
            1 => multiply_panel::<1, 12>(rows, stride, weights, depth, out, count),
            2 => multiply_panel::<2, 12>(rows, stride, weights, depth, out, count),
            3 => multiply_panel::<3, 8>(rows, stride, weights, depth, out, count),
            4 => multiply_panel::<4, 6>(rows, stride, weights, depth, out, count),
            _ => unreachable!("panels have at most 64 columns"),
        }
    }
}

/// Transforms the products of a tile for all columns of a panel, adds the bias, activates, and
/// writes the pixels that are wanted.
pub(crate) fn transform_output(
    _: Avx512,
    form: Form,
    products: Planes<&[f32]>,
    end: &PanelEnd<'_>,
    tile: &mut Tile<'_>,
    pixels: TilePixels<OUTPUT>,
) {
    let Some((first, last)) = pixels.wanted() else { return };
    products.check_length(form.positions(), end.bias.len());
    assert_eq!(end.bias.len(), end.columns.next_multiple_of(LANES), "whole vectors of columns");
    let stride = tile.row_stride() / 4;
    let bytes = end.first * 4..(end.first + end.columns) * 4;
    let start: *mut f32 = tile.block(first..last + 1, bytes).cast();
    // SAFETY: the proof says that the machine has the instructions. The products are long
    // enough (checked above) and so is the bias. Wanted pixels are rows of the block, which is
    // inside the tile (`Tile::block` checks) and as wide as the panel's columns.
    unsafe {
        match form {
            Form::Stride1 => {
                write_output::<INPUT>(products, end, start, stride, first, pixels);
            }
            Form::Stride2 => {
                write_output::<POINTS>(products, end, start, stride, first, pixels);
            }
        }
    }
}

/// Writes the wanted pixels of a tile; `start` is where pixel `first` of the output goes.
///
/// # Safety
/// The products must be of `POINTS` squared positions, as wide as the bias, whole vectors. All
/// wanted pixels must be at or behind `start`, `stride` apart, and writable for all columns.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn write_output<const POINTS: usize>(
    products: Planes<&[f32]>,
    end: &PanelEnd<'_>,
    start: *mut f32,
    stride: usize,
    first: usize,
    pixels: TilePixels<OUTPUT>,
) {
    for (vector, bias) in end.bias.chunks_exact(LANES).enumerate() {
        let column = vector * LANES;
        let mask = 0xffff >> LANES.saturating_sub(end.columns - column);
        // SAFETY: the caller vouches for products and pixels; columns beyond the last one are
        // masked.
        unsafe {
            let from = products.numbers.as_ptr().add(column);
            let results = output_vector::<POINTS>(from, products.stride, bias.as_ptr());
            for bit in 0..OUTPUT * OUTPUT {
                if pixels.is_wanted(bit) {
                    let to = start.add((pixels.pixel(bit) - first) * stride + column);
                    let result = _mm512_load_ps(results.0[bit].as_ptr());
                    _mm512_mask_storeu_ps(to, mask, epilogue_f32::apply(end.epilogue, result));
                }
            }
        }
    }
}

/// All rows times a panel of `VECTORS` vectors, at most `MOST` rows at a time.
///
/// # Safety
/// Rows, weights and output must be as large as [`multiply`] says.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn multiply_panel<const VECTORS: usize, const MOST: usize>(
    rows: *const f32,
    stride: usize,
    weights: *const f32,
    depth: usize,
    out: *mut f32,
    count: usize,
) {
    // Rows are shared out evenly: the last tile is as efficient as the others.
    let tiles = count.div_ceil(MOST);
    let mut row = 0;
    for index in 0..tiles {
        let end = count * (index + 1) / tiles;
        while row < end {
            // SAFETY: the tile's rows are among those that the caller vouches for.
            unsafe {
                let (rows, out) = (rows.add(row * stride), out.add(row * VECTORS * LANES));
                row += match end - row {
                    12.. if MOST >= 12 => tile::<12, VECTORS>(rows, stride, weights, depth, out),
                    10.. if MOST >= 12 => tile::<10, VECTORS>(rows, stride, weights, depth, out),
                    8.. if MOST >= 8 => tile::<8, VECTORS>(rows, stride, weights, depth, out),
                    7.. if MOST >= 8 => tile::<7, VECTORS>(rows, stride, weights, depth, out),
                    6.. => tile::<6, VECTORS>(rows, stride, weights, depth, out),
                    5 => tile::<5, VECTORS>(rows, stride, weights, depth, out),
                    4 => tile::<4, VECTORS>(rows, stride, weights, depth, out),
                    3 => tile::<3, VECTORS>(rows, stride, weights, depth, out),
                    2 => tile::<2, VECTORS>(rows, stride, weights, depth, out),
                    _ => tile::<1, VECTORS>(rows, stride, weights, depth, out),
                };
            }
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
    rows: *const f32,
    stride: usize,
    weights: *const f32,
    depth: usize,
    out: *mut f32,
) -> usize {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    let (mut rows, mut weights) = (rows, weights);
    // SAFETY: the caller vouches for rows, weights and output.
    unsafe {
        for _ in 0..depth {
            let mut w = [_mm512_setzero_ps(); VECTORS];
            for vector in 0..VECTORS {
                w[vector] = _mm512_loadu_ps(weights.add(vector * LANES));
                // The next position, which memory brings while this one is multiplied.
                let next = weights.wrapping_add((depth * VECTORS + vector) * LANES);
                _mm_prefetch::<_MM_HINT_T0>(next.cast());
            }
            for row in 0..ROWS {
                let number = _mm512_set1_ps(*rows.add(row * stride));
                for vector in 0..VECTORS {
                    sums[row][vector] = _mm512_fmadd_ps(w[vector], number, sums[row][vector]);
                }
            }
            weights = weights.add(VECTORS * LANES);
            rows = rows.add(1);
        }
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                _mm512_storeu_ps(out.add((row * VECTORS + vector) * LANES), sums[row][vector]);
            }
        }
    }
    ROWS
}

/// `Bt d B` of 16 channels.
///
/// # Safety
/// 16 numbers must be readable at each pixel, and writable at each position.
#[target_feature(enable = "avx512f")]
unsafe fn transform_input_vector(
    from: *const f32,
    line_stride: usize,
    pixel_stride: usize,
    to: *mut f32,
    stride: usize,
) {
    let mut lines = [[_mm512_setzero_ps(); INPUT]; INPUT];
    for i in 0..INPUT {
        let mut pixels = [_mm512_setzero_ps(); INPUT];
        for j in 0..INPUT {
            // SAFETY: the caller vouches for every pixel.
            pixels[j] = unsafe { _mm512_loadu_ps(from.add(i * line_stride + j * pixel_stride)) };
        }
        lines[i] = input_line(pixels);
    }
    for j in 0..INPUT {
        let mut column = [_mm512_setzero_ps(); INPUT];
        for i in 0..INPUT {
            column[i] = lines[i][j];
        }
        let column = input_line(column);
        for i in 0..INPUT {
            // SAFETY: the caller vouches for every position.
            unsafe { _mm512_storeu_ps(to.add((i * INPUT + j) * stride), column[i]) };
        }
    }
}

/// `At m A` of 16 columns, plus bias: 4x4 pixels.
///
/// # Safety
/// 16 numbers must be readable at each position, and of the bias.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn output_vector<const POINTS: usize>(
    from: *const f32,
    stride: usize,
    bias: *const f32,
) -> Results {
    // SAFETY: the caller vouches for the bias.
    let bias = unsafe { _mm512_loadu_ps(bias) };
    let mut columns = [[_mm512_setzero_ps(); OUTPUT]; POINTS];
    for j in 0..POINTS {
        let mut products = [_mm512_setzero_ps(); POINTS];
        for i in 0..POINTS {
            // SAFETY: the caller vouches for every position.
            products[i] = unsafe { _mm512_loadu_ps(from.add((i * POINTS + j) * stride)) };
        }
        columns[j] = output_line(products);
    }
    let mut results = Results([[0.0; LANES]; OUTPUT * OUTPUT]);
    for i in 0..OUTPUT {
        let mut line = [_mm512_setzero_ps(); POINTS];
        for j in 0..POINTS {
            line[j] = columns[j][i];
        }
        let line = output_line(line);
        for j in 0..OUTPUT {
            let result = results.0[i * OUTPUT + j].as_mut_ptr();
            // SAFETY: the place is 16 numbers large.
            unsafe { _mm512_store_ps(result, _mm512_add_ps(line[j], bias)) };
        }
    }
    results
}

/// `Bt d`.
#[target_feature(enable = "avx512f")]
#[inline]
fn input_line([d0, d1, d2, d3, d4, d5]: [__m512; INPUT]) -> [__m512; INPUT] {
    let (half, two, sum) = (_mm512_set1_ps(0.5), _mm512_set1_ps(2.0), _mm512_set1_ps(2.5));
    let (near, far) = (_mm512_set1_ps(NEAR), _mm512_set1_ps(FAR));
    let (near_even, near_odd) = (_mm512_fnmadd_ps(two, d2, d4), _mm512_fnmadd_ps(two, d1, d3));
    let (far_even, far_odd) = (_mm512_fnmadd_ps(half, d2, d4), _mm512_fnmadd_ps(half, d1, d3));
    [
        _mm512_fnmadd_ps(sum, d2, _mm512_add_ps(d0, d4)),
        _mm512_fmadd_ps(near, near_odd, near_even),
        _mm512_fnmadd_ps(near, near_odd, near_even),
        _mm512_fmadd_ps(far, far_odd, far_even),
        _mm512_fnmadd_ps(far, far_odd, far_even),
        _mm512_fnmadd_ps(sum, d3, _mm512_add_ps(d1, d5)),
    ]
}

/// `At m`, at all points, or at those of stride 2.
#[target_feature(enable = "avx512f")]
#[inline]
fn output_line<const POINTS: usize>(m: [__m512; POINTS]) -> [__m512; OUTPUT] {
    let mut at = [_mm512_setzero_ps(); INPUT];
    at[INPUT - POINTS..].copy_from_slice(&m);
    let [zero, near, near_minus, far, far_minus, infinity] = at;
    let (near_even, near_odd) = (_mm512_add_ps(near, near_minus), _mm512_sub_ps(near, near_minus));
    let (far_even, far_odd) = (_mm512_add_ps(far, far_minus), _mm512_sub_ps(far, far_minus));
    let [once, twice, thrice] = const { near_powers(POINTS) };
    let near_once = _mm512_mul_ps(_mm512_set1_ps(once), near_odd);
    let near_twice = _mm512_mul_ps(_mm512_set1_ps(twice), near_even);
    let near_thrice = _mm512_fmadd_ps(_mm512_set1_ps(thrice), near_odd, infinity);
    [
        _mm512_add_ps(_mm512_add_ps(zero, near_even), far_even),
        _mm512_fmadd_ps(_mm512_set1_ps(FAR), far_odd, near_once),
        _mm512_fmadd_ps(_mm512_set1_ps(2.0), far_even, near_twice),
        _mm512_fmadd_ps(_mm512_set1_ps(2.0 * FAR), far_odd, near_thrice),
    ]
}

/// 16 channels of the pixels of a tile.
#[repr(align(64))]
struct Results([[f32; LANES]; OUTPUT * OUTPUT]);
