//! The steps of Winograd's convolution, AVX2.
//!
//! Register tile of the product: 6 rows x 16 columns: 12 accumulators, 2 vectors of weights and
//! a number to be broadcast, of 16 registers.
//!
//! Floors, for each tile of 4x4 pixels: 36 (81 with stride 2) * channels * columns / 8 fused
//! multiply-adds; for 8 channels, 144 operations and 36 stores to transform the input, 36 loads,
//! 136 operations and 16 stores for the output (with stride 2, 25 loads and 124 operations). Six
//! vectors of a line and their constants fill the registers, so lines wait for columns in memory.

use std::arch::x86_64::*;

use super::epilogue_f32;
use crate::kernels::winograd_form::Form;
use crate::kernels::winograd_panels::PanelEnd;
use crate::kernels::winograd_stride2::POINTS;
use crate::kernels::winograd_tiles::{Patch, TilePixels};
use crate::kernels::winograd_transform::{
    FAR, INPUT, LANES, NEAR, OUTPUT, POSITIONS, Planes, near_powers,
};
use crate::simd::{Avx2, Tile};

/// [`crate::kernels::winograd_transform::transform_input`].
pub(crate) fn transform_input(
    _: Avx2,
    patch: Patch<'_, f32>,
    channels: usize,
    output: Planes<&mut [f32]>,
) {
    patch.check_channels(INPUT, channels.next_multiple_of(VECTOR));
    output.check_length(POSITIONS, channels.next_multiple_of(VECTOR));
    for channel in (0..channels).step_by(VECTOR) {
        // SAFETY: the proof says that the machine has the instructions. Patch and output hold
        // as many channels at each position, checked above.
        unsafe {
            let from = patch.numbers.as_ptr().add(channel);
            let to = output.numbers.as_mut_ptr().add(channel);
            transform_input_vector(from, patch.line_stride, patch.pixel_stride, to, output.stride);
        }
    }
}

/// Transforms the products of a tile for all columns of a panel, adds the bias, activates, and
/// writes the pixels that are wanted.
pub(crate) fn transform_output(
    _: Avx2,
    form: Form,
    products: Planes<&[f32]>,
    end: &PanelEnd<'_>,
    tile: &mut Tile<'_>,
    pixels: TilePixels<OUTPUT>,
) {
    let Some((first, last)) = pixels.wanted() else { return };
    products.check_length(form.positions(), end.bias.len());
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
#[target_feature(enable = "avx2,fma")]
unsafe fn write_output<const POINTS: usize>(
    products: Planes<&[f32]>,
    end: &PanelEnd<'_>,
    start: *mut f32,
    stride: usize,
    first: usize,
    pixels: TilePixels<OUTPUT>,
) {
    for (vector, bias) in end.bias.chunks_exact(VECTOR).enumerate() {
        let column = vector * VECTOR;
        let count = end.columns.saturating_sub(column);
        // SAFETY: the caller vouches for products and pixels; of the last columns as many are
        // written as there are.
        unsafe {
            let from = products.numbers.as_ptr().add(column);
            let results = output_vector::<POINTS>(from, products.stride, bias.as_ptr());
            for bit in 0..OUTPUT * OUTPUT {
                if pixels.is_wanted(bit) {
                    let to = start.wrapping_add((pixels.pixel(bit) - first) * stride + column);
                    let result = _mm256_load_ps(results.0[bit].as_ptr());
                    let activated = epilogue_f32::apply(end.epilogue, result);
                    epilogue_f32::store_first(to, activated, count);
                }
            }
        }
    }
}

/// `out[row][column] = sum over k of rows[row][k] * weights[k][column]` for 16 columns; rows
/// are `stride` apart.
pub(crate) fn multiply(_: Avx2, rows: &[f32], stride: usize, weights: &[f32], out: &mut [f32]) {
    let (count, depth) = (out.len() / LANES, weights.len() / LANES);
    assert!(depth <= stride && rows.len() >= count * stride, "rows are too short");
    let mut row = 0;
    while row < count {
        // SAFETY: the proof says that the machine has the instructions. There are `count` rows
        // of at least as many numbers as there are rows of weights (checked above), and as
        // many of 16 in the output.
        unsafe {
            let (rows, out) = (rows.as_ptr().add(row * stride), out.as_mut_ptr().add(row * LANES));
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

/// `ROWS` rows times the weights; the number of rows.
///
/// # Safety
/// There must be as many rows, as long as the weights are deep, and as many in the output.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const ROWS: usize>(
    rows: *const f32,
    stride: usize,
    weights: &[f32],
    out: *mut f32,
) -> usize {
    let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
    let mut rows = rows;
    let whole = weights.len();
    for weights in weights.chunks_exact(LANES) {
        // The next position, which memory brings while this one is multiplied.
        _mm_prefetch::<_MM_HINT_T0>(weights.as_ptr().wrapping_add(whole).cast());
        // SAFETY: the chunk has 16 weights; the caller vouches for the rows.
        unsafe {
            let w = [_mm256_loadu_ps(weights.as_ptr()), _mm256_loadu_ps(weights.as_ptr().add(8))];
            for row in 0..ROWS {
                let number = _mm256_set1_ps(*rows.add(row * stride));
                for vector in 0..2 {
                    sums[row][vector] = _mm256_fmadd_ps(w[vector], number, sums[row][vector]);
                }
            }
            rows = rows.add(1);
        }
    }
    for row in 0..ROWS {
        for vector in 0..2 {
            // SAFETY: the caller vouches for the output.
            unsafe { _mm256_storeu_ps(out.add(row * LANES + vector * 8), sums[row][vector]) };
        }
    }
    ROWS
}

/// `Bt d B` of 8 channels.
///
/// # Safety
/// 8 numbers must be readable at each pixel, and writable at each position.
#[target_feature(enable = "avx2,fma")]
unsafe fn transform_input_vector(
    from: *const f32,
    line_stride: usize,
    pixel_stride: usize,
    to: *mut f32,
    stride: usize,
) {
    let mut lines = [[_mm256_setzero_ps(); INPUT]; INPUT];
    for i in 0..INPUT {
        let mut pixels = [_mm256_setzero_ps(); INPUT];
        for j in 0..INPUT {
            // SAFETY: the caller vouches for every pixel.
            pixels[j] = unsafe { _mm256_loadu_ps(from.add(i * line_stride + j * pixel_stride)) };
        }
        lines[i] = input_line(pixels);
    }
    for j in 0..INPUT {
        let mut column = [_mm256_setzero_ps(); INPUT];
        for i in 0..INPUT {
            column[i] = lines[i][j];
        }
        let column = input_line(column);
        for i in 0..INPUT {
            // SAFETY: the caller vouches for every position.
            unsafe { _mm256_storeu_ps(to.add((i * INPUT + j) * stride), column[i]) };
        }
    }
}

/// `At m A` of 8 columns, plus bias: 4x4 pixels.
///
/// # Safety
/// 8 numbers must be readable at each position, and of the bias.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn output_vector<const POINTS: usize>(
    from: *const f32,
    stride: usize,
    bias: *const f32,
) -> Results {
    // SAFETY: the caller vouches for the bias.
    let bias = unsafe { _mm256_loadu_ps(bias) };
    let mut columns = [[_mm256_setzero_ps(); OUTPUT]; POINTS];
    for j in 0..POINTS {
        let mut products = [_mm256_setzero_ps(); POINTS];
        for i in 0..POINTS {
            // SAFETY: the caller vouches for every position.
            products[i] = unsafe { _mm256_loadu_ps(from.add((i * POINTS + j) * stride)) };
        }
        columns[j] = output_line(products);
    }
    let mut results = Results([[0.0; VECTOR]; OUTPUT * OUTPUT]);
    for i in 0..OUTPUT {
        let mut line = [_mm256_setzero_ps(); POINTS];
        for j in 0..POINTS {
            line[j] = columns[j][i];
        }
        let line = output_line(line);
        for j in 0..OUTPUT {
            let result = results.0[i * OUTPUT + j].as_mut_ptr();
            // SAFETY: the place is 8 numbers large.
            unsafe { _mm256_store_ps(result, _mm256_add_ps(line[j], bias)) };
        }
    }
    results
}

/// `Bt d`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn input_line([d0, d1, d2, d3, d4, d5]: [__m256; INPUT]) -> [__m256; INPUT] {
    let (half, two, sum) = (_mm256_set1_ps(0.5), _mm256_set1_ps(2.0), _mm256_set1_ps(2.5));
    let (near, far) = (_mm256_set1_ps(NEAR), _mm256_set1_ps(FAR));
    let (near_even, near_odd) = (_mm256_fnmadd_ps(two, d2, d4), _mm256_fnmadd_ps(two, d1, d3));
    let (far_even, far_odd) = (_mm256_fnmadd_ps(half, d2, d4), _mm256_fnmadd_ps(half, d1, d3));
    [
        _mm256_fnmadd_ps(sum, d2, _mm256_add_ps(d0, d4)),
        _mm256_fmadd_ps(near, near_odd, near_even),
        _mm256_fnmadd_ps(near, near_odd, near_even),
        _mm256_fmadd_ps(far, far_odd, far_even),
        _mm256_fnmadd_ps(far, far_odd, far_even),
        _mm256_fnmadd_ps(sum, d3, _mm256_add_ps(d1, d5)),
    ]
}

/// `At m`, at all points, or at those of stride 2.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn output_line<const POINTS: usize>(m: [__m256; POINTS]) -> [__m256; OUTPUT] {
    let mut at = [_mm256_setzero_ps(); INPUT];
    at[INPUT - POINTS..].copy_from_slice(&m);
    let [zero, near, near_minus, far, far_minus, infinity] = at;
    let (near_even, near_odd) = (_mm256_add_ps(near, near_minus), _mm256_sub_ps(near, near_minus));
    let (far_even, far_odd) = (_mm256_add_ps(far, far_minus), _mm256_sub_ps(far, far_minus));
    let [once, twice, thrice] = const { near_powers(POINTS) };
    let near_once = _mm256_mul_ps(_mm256_set1_ps(once), near_odd);
    let near_twice = _mm256_mul_ps(_mm256_set1_ps(twice), near_even);
    let near_thrice = _mm256_fmadd_ps(_mm256_set1_ps(thrice), near_odd, infinity);
    [
        _mm256_add_ps(_mm256_add_ps(zero, near_even), far_even),
        _mm256_fmadd_ps(_mm256_set1_ps(FAR), far_odd, near_once),
        _mm256_fmadd_ps(_mm256_set1_ps(2.0), far_even, near_twice),
        _mm256_fmadd_ps(_mm256_set1_ps(2.0 * FAR), far_odd, near_thrice),
    ]
}

/// 8 channels of the pixels of a tile.
#[repr(align(32))]
struct Results([[f32; VECTOR]; OUTPUT * OUTPUT]);

/// Numbers of a vector.
const VECTOR: usize = 8;
