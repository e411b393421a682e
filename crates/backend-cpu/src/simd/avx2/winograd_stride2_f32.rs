//! The input transform of Winograd's convolution with stride 2, AVX2.
//!
//! Floor, for each tile of 4x4 pixels and 8 channels: 81 loads, 324 operations and 81 stores. The
//! 81 numbers between the two directions wait in memory.

use std::arch::x86_64::*;

use super::epilogue_f32;
use crate::kernels::winograd_form::Slot;
use crate::kernels::winograd_stride2::{INPUT, NEAR, POINTS, POSITIONS, slot};
use crate::kernels::winograd_tiles::Patch;
use crate::kernels::winograd_transform::{FAR, Planes};
use crate::simd::Avx2;

/// [`crate::kernels::winograd_stride2::transform_input`].
pub(crate) fn transform_input(
    _: Avx2,
    patch: Patch<'_, f32>,
    channels: usize,
    output: Planes<&mut [f32]>,
) {
    patch.check_channels(INPUT, channels.next_multiple_of(VECTOR));
    output.check_length(POSITIONS, 4 * channels);
    for channel in (0..channels).step_by(VECTOR) {
        // SAFETY: the proof says that the machine has the instructions. The patch holds whole
        // vectors of channels at each pixel, the output four times as many channels at each
        // position, checked above: no position has more than four numbers of a channel.
        unsafe {
            let from = patch.numbers.as_ptr().add(channel);
            let to = output.numbers.as_mut_ptr().add(channel);
            let lines = line_transforms(from, patch.line_stride, patch.pixel_stride);
            store_columns(&lines, to, output.stride, channels, channels - channel);
        }
    }
}

/// Each line of pixels, transformed.
///
/// # Safety
/// 8 numbers must be readable at each pixel.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn line_transforms(
    from: *const f32,
    line_stride: usize,
    pixel_stride: usize,
) -> [[__m256; INPUT]; INPUT] {
    let mut lines = [[_mm256_setzero_ps(); INPUT]; INPUT];
    for i in 0..INPUT {
        let mut pixels = [_mm256_setzero_ps(); INPUT];
        for j in 0..INPUT {
            // SAFETY: the caller vouches for every pixel.
            pixels[j] = unsafe { _mm256_loadu_ps(from.add(i * line_stride + j * pixel_stride)) };
        }
        lines[i] = input_line(pixels);
    }
    lines
}

/// Transforms the columns and writes the first `count` channels of each number.
///
/// # Safety
/// So many numbers, 8 at most, must be writable at each slot: positions are `stride` apart, the
/// numbers of one `channels`.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn store_columns(
    lines: &[[__m256; INPUT]; INPUT],
    to: *mut f32,
    stride: usize,
    channels: usize,
    count: usize,
) {
    for j in 0..INPUT {
        let mut column = [_mm256_setzero_ps(); INPUT];
        for i in 0..INPUT {
            column[i] = lines[i][j];
        }
        let column = input_line(column);
        for i in 0..INPUT {
            let Slot { position, number } = slot(i, j);
            let at = position * stride + number * channels;
            // SAFETY: the caller vouches for every slot.
            unsafe { epilogue_f32::store_first(to.add(at), column[i], count) };
        }
    }
}

/// The polynomials of even and odd pixels at each point.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn input_line([e0, o0, e1, o1, e2, o2, e3, o3, e4]: [__m256; INPUT]) -> [__m256; INPUT] {
    let (half, sum) = (_mm256_set1_ps(0.5), _mm256_set1_ps(2.25));
    let infinity = _mm256_fnmadd_ps(sum, e2, _mm256_fmadd_ps(half, e0, e4));
    let [even_near, even_near_minus, even_far, even_far_minus] = finite([e0, e1, e2, e3]);
    let [odd_near, odd_near_minus, odd_far, odd_far_minus] = finite([o0, o1, o2, o3]);
    [
        even_near,
        even_near_minus,
        even_far,
        even_far_minus,
        infinity,
        odd_near,
        odd_near_minus,
        odd_far,
        odd_far_minus,
    ]
}

/// Four pixels' polynomial at the finite points.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn finite([d0, d1, d2, d3]: [__m256; 4]) -> [__m256; POINTS - 1] {
    let (quarter, two) = (_mm256_set1_ps(0.25), _mm256_set1_ps(2.0));
    let (near, far) = (_mm256_set1_ps(NEAR), _mm256_set1_ps(FAR));
    let (near_part, near_rest) = (_mm256_fnmadd_ps(two, d0, d2), _mm256_fnmadd_ps(two, d1, d3));
    let (far_part, far_rest) =
        (_mm256_fnmadd_ps(quarter, d0, d2), _mm256_fnmadd_ps(quarter, d1, d3));
    [
        _mm256_fmadd_ps(near, near_part, near_rest),
        _mm256_fnmadd_ps(near, near_part, near_rest),
        _mm256_fmadd_ps(far, far_part, far_rest),
        _mm256_fnmadd_ps(far, far_part, far_rest),
    ]
}

/// Numbers of a vector.
const VECTOR: usize = 8;
