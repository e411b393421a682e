//! f32 depthwise convolution by rows, AVX2: windows 3 or 5 wide, strides 1 and 2.
//!
//! Computes `activation(bias + sum over taps of a * w)` for 8 channels at once.
//!
//! Register tile: 8 neighbouring pixels (7, 4, 1) x 8 channels: 8 accumulators, the weights of a
//! row of the kernel, and one pixel after the other of those under the windows, of 16 registers.
//!
//! Floor: for 8 pixels and a row of a 3x3 window 24 fused multiply-adds, two of which start a
//! cycle, and 13 loads (20 with stride 2), two of which start a cycle: multiplication is the
//! floor as long as rows of the input stay in the second-level cache. Channels are taken in
//! chunks of which they do; chunks for the first-level cache read too little of each pixel at
//! once.

use std::arch::x86_64::*;
use std::ops::Range;

use super::epilogue_f32;
use crate::kernels::depthwise::{DepthwiseWindow, Line, RowWindow};
use crate::kernels::depthwise_f32::TapsF32;
use crate::kernels::epilogue_f32::EpilogueF32;
use crate::simd::{Avx2, Tile};

/// True for the windows that there are kernels for.
pub(crate) const fn supports(window: &RowWindow) -> bool {
    matches!((window.kernel_w, window.stride_w), (3 | 5, 1 | 2))
}

/// Computes the tile.
pub(crate) fn compute(
    _: Avx2,
    input: &[f32],
    geometry: &DepthwiseWindow,
    window: &RowWindow,
    weights: &TapsF32,
    epilogue: EpilogueF32,
    tile: &mut Tile<'_>,
) {
    assert!(supports(window) && window.channels == weights.channels, "a window of this kernel");
    assert!(
        weights.weights.len() >= window.kernel_h * window.kernel_w * weights.padded * 4
            && weights.bias.len() >= weights.padded * 4
            && weights.border.len() >= CHANNELS * 4
            && weights.padded >= weights.channels.next_multiple_of(CHANNELS),
        "as many taps as weights"
    );
    let columns = tile.columns_of::<f32>();
    assert!(columns.start.is_multiple_of(CHANNELS), "whole blocks");
    let row_bytes = window.kernel_h * window.input_width * size_of::<f32>();
    let chunk = (CHUNK_BYTES / row_bytes / CHANNELS * CHANNELS).max(SMALLEST_CHUNK);
    let mut first = columns.start;
    while first < columns.end {
        let chunk = first..columns.end.min(first + chunk);
        geometry.for_each_line(tile.rows(), |line| {
            let end = line.input + line.kernel_rows.len() * window.input_width * window.channels;
            assert!(
                end <= input.len() && line.kernel_rows.end <= window.kernel_h,
                "rows of the image"
            );
            let pixels = line.first_pixel..line.first_pixel + line.columns.len();
            let output = tile.block(pixels, chunk.start * 4..chunk.end * 4).cast();
            let row = Row {
                input: input.as_ptr().wrapping_add(line.input),
                line: &line,
                window,
                weights,
                epilogue,
                output,
                stride: tile.row_stride() / 4,
            };
            // SAFETY: the proof says that the machine has the instructions. The line's rows are
            // in the input and the weights hold all taps (checked above); the output block is
            // inside the tile (`Tile::block` checks); channels are accessed under masks.
            unsafe {
                match (window.kernel_w, window.stride_w) {
                    (3, 1) => row.compute::<3, 1>(chunk.clone()),
                    (3, _) => row.compute::<3, 2>(chunk.clone()),
                    (_, 1) => row.compute::<5, 1>(chunk.clone()),
                    _ => row.compute::<5, 2>(chunk.clone()),
                }
            }
        });
        first = chunk.end;
    }
}

/// One line of the output.
#[derive(Clone, Copy)]
struct Row<'a> {
    /// The first pixel of the first row under the kernel.
    input: *const f32,
    line: &'a Line,
    window: &'a RowWindow,
    weights: &'a TapsF32,
    epilogue: EpilogueF32,
    /// The first channel of the chunk of the line's first pixel.
    output: *mut f32,
    stride: usize,
}

impl Row<'_> {
    /// Computes some channels of the line.
    ///
    /// # Safety
    /// Rows of the input, weights and output must be as large as the line and window say.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn compute<const WIDTH: usize, const STRIDE: usize>(self, channels: Range<usize>) {
        let mut x = self.line.columns.start;
        while x < self.line.columns.end {
            let left = self.line.columns.end - x;
            let c = channels.clone();
            // SAFETY: each block's pixels are among those that the caller vouches for.
            x += unsafe {
                match (WIDTH, STRIDE, left) {
                    (3, 1, 7 | 14) => self.block::<3, 1, 7, 9>(x, c),
                    (3, 1, 8..) => self.block::<3, 1, 8, 10>(x, c),
                    (3, 1, 4..) => self.block::<3, 1, 4, 6>(x, c),
                    (3, 1, _) => self.block::<3, 1, 1, 3>(x, c),
                    (3, _, 7 | 14) => self.block::<3, 2, 7, 15>(x, c),
                    (3, _, 8..) => self.block::<3, 2, 8, 17>(x, c),
                    (3, _, 4..) => self.block::<3, 2, 4, 9>(x, c),
                    (3, _, _) => self.block::<3, 2, 1, 3>(x, c),
                    (_, 1, 7 | 14) => self.block::<5, 1, 7, 11>(x, c),
                    (_, 1, 8..) => self.block::<5, 1, 8, 12>(x, c),
                    (_, 1, 4..) => self.block::<5, 1, 4, 8>(x, c),
                    (_, 1, _) => self.block::<5, 1, 1, 5>(x, c),
                    (_, _, 7..) => self.block::<5, 2, 7, 17>(x, c),
                    (_, _, 4..) => self.block::<5, 2, 4, 11>(x, c),
                    (_, _, _) => self.block::<5, 2, 1, 5>(x, c),
                }
            };
        }
    }

    /// Computes some channels of `PIXELS` pixels from column `x` on, whose windows lie over
    /// `SEEN` columns; the number of pixels.
    ///
    /// # Safety
    /// As [`Self::compute`], for these pixels.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn block<
        const WIDTH: usize,
        const STRIDE: usize,
        const PIXELS: usize,
        const SEEN: usize,
    >(
        self,
        x: usize,
        channels: Range<usize>,
    ) -> usize {
        const { assert!(SEEN == (PIXELS - 1) * STRIDE + WIDTH) };
        // The first column seen, plus the padding, so that it is not negative.
        let seen = x * STRIDE;
        let in_image = self.window.columns_in_image(seen, SEEN);
        let inside = in_image == (1 << SEEN) - 1;
        let first = self.input.wrapping_add(seen * self.window.channels);
        let first = first.wrapping_sub(self.window.left * self.window.channels);
        let output = self.output.wrapping_add((x - self.line.columns.start) * self.stride);
        for channel in channels.clone().step_by(CHANNELS) {
            let count = CHANNELS.min(channels.end - channel);
            let input = first.wrapping_add(channel);
            let output = output.wrapping_add(channel - channels.start);
            // SAFETY: columns outside of the image are not read, and channels beyond the last
            // are masked.
            unsafe {
                match (inside, count) {
                    (true, CHANNELS) => {
                        self.pixels::<WIDTH, STRIDE, PIXELS, SEEN, false, false>(
                            input, channel, output, count, in_image,
                        );
                    }
                    (false, CHANNELS) => {
                        self.pixels::<WIDTH, STRIDE, PIXELS, SEEN, true, false>(
                            input, channel, output, count, in_image,
                        );
                    }
                    _ => {
                        self.pixels::<WIDTH, STRIDE, PIXELS, SEEN, true, true>(
                            input, channel, output, count, in_image,
                        );
                    }
                }
            }
        }
        PIXELS
    }

    /// Computes `count` channels, 8 at most, of `PIXELS` pixels. At an edge of the image a bit of
    /// `in_image` for each column says whether it is there; the others are read elsewhere as
    /// zeros. Fewer than 8 channels are read under a mask.
    ///
    /// # Safety
    /// As [`Self::compute`], for these pixels and channels.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn pixels<
        const WIDTH: usize,
        const STRIDE: usize,
        const PIXELS: usize,
        const SEEN: usize,
        const EDGE: bool,
        const MASKED: bool,
    >(
        self,
        input: *const f32,
        channel: usize,
        output: *mut f32,
        count: usize,
        in_image: u32,
    ) {
        let padded = self.weights.padded;
        let weights: *const f32 = self.weights.weights.bytes().as_ptr().cast();
        let bias: *const f32 = self.weights.bias.bytes().as_ptr().cast();
        let border: *const f32 = self.weights.border.bytes().as_ptr().cast();
        let row_stride = self.window.input_width * self.window.channels;
        let first_row = self.line.kernel_rows.start;
        let mask = epilogue_f32::first(count);
        // SAFETY: the caller vouches for all of them; the lists are padded to 8 channels.
        unsafe {
            let mut sums = [_mm256_loadu_ps(bias.add(channel)); PIXELS];
            for row in self.line.kernel_rows.clone() {
                let input = input.wrapping_add((row - first_row) * row_stride);
                let weights = weights.add(row * WIDTH * padded + channel);
                let mut w = [_mm256_setzero_ps(); WIDTH];
                for tap in 0..WIDTH {
                    w[tap] = _mm256_loadu_ps(weights.add(tap * padded));
                }
                unrolled!(SEEN, column, {
                    let pixel = input.wrapping_add(column * self.window.channels);
                    let pixel = if !EDGE || in_image >> column & 1 == 1 { pixel } else { border };
                    let a = match MASKED {
                        true => _mm256_maskload_ps(pixel, mask),
                        false => _mm256_loadu_ps(pixel),
                    };
                    for tap in 0..WIDTH {
                        if column >= tap && (column - tap) % STRIDE == 0 {
                            let pixel = (column - tap) / STRIDE;
                            if pixel < PIXELS {
                                sums[pixel] = _mm256_fmadd_ps(a, w[tap], sums[pixel]);
                            }
                        }
                    }
                });
            }
            for pixel in 0..PIXELS {
                let activated = epilogue_f32::apply(self.epilogue, sums[pixel]);
                let to = output.wrapping_add(pixel * self.stride);
                match MASKED {
                    true => _mm256_maskstore_ps(to, mask, activated),
                    false => _mm256_storeu_ps(to, activated),
                }
            }
        }
    }
}

/// Channels of a block.
const CHANNELS: usize = 8;

/// Bytes of the rows under a kernel that stay in the second-level cache.
const CHUNK_BYTES: usize = 128 << 10;

/// Fewer channels at a time would read too little of each pixel at once.
const SMALLEST_CHUNK: usize = 32;
