//! int8 depthwise convolution with requantization, AVX-512 VNNI: windows 3 or 5 wide, strides
//! 1 and 2.
//!
//! Computes `requantize(sum over taps of (a - za) * (w - zw))` for 64 channels at once, with
//! the weights of [`QuadTaps`]. Four columns are loaded and interleaved, so that each group of
//! four bytes is four taps of a channel: eight shuffles for 64 channels, for all pixels that
//! the window of four serves.
//!
//! Register tile: 2 pixels (3x3), 4 pixels (5x5) or 1 pixel (stride 2) x 64 channels.
//!
//! Floor: for two pixels of a 3x3 window and 64 channels 24 shuffles and 24 `vpdpbusd`, two of
//! each of which start a cycle, and some 50 instructions of requantization.

use std::arch::x86_64::*;

use super::requantize::{FloatMultipliers, Multipliers, OutputRange};
use crate::kernels::depthwise::{DepthwiseWindow, Line, RowWindow};
use crate::kernels::depthwise_quads_i8::QuadTaps;
use crate::simd::{Avx512, Tile};

/// Computes the tile.
pub(crate) fn compute(
    _: Avx512,
    input: &[i8],
    geometry: &DepthwiseWindow,
    window: &RowWindow,
    taps: &QuadTaps,
    tile: &mut Tile<'_>,
) {
    let layout = taps.layout;
    let blocks = taps.channels.div_ceil(BLOCK);
    assert!(window.channels == taps.channels && layout.kernel_h == window.kernel_h, "its window");
    assert_eq!((layout.kernel_w, layout.stride), (window.kernel_w, window.stride_w));
    let sets = [Some(&taps.weights), taps.rest.as_ref()];
    let enough = |set: &crate::simd::AlignedBytes| set.len() >= blocks * layout.block_bytes();
    assert!(sets.into_iter().flatten().all(enough), "the weights of all blocks");
    let columns = tile.columns();
    assert!(columns.start.is_multiple_of(BLOCK), "whole blocks");
    let border = [taps.border ^ 0x80; BLOCK];
    let mut buffer = Sums([[0; BLOCK]; BUFFERED]);
    for channel in columns.clone().step_by(BLOCK) {
        let count = BLOCK.min(columns.end - channel);
        geometry.for_each_line(tile.rows(), |line| {
            let rows = line.kernel_rows.len();
            let end = line.input + rows * window.input_width * window.channels;
            assert!(end <= input.len() && line.kernel_rows.end <= window.kernel_h, "in the image");
            let pixels = line.first_pixel..line.first_pixel + line.columns.len();
            let output = tile.block(pixels, channel..channel + count);
            let row = Row {
                input: input.as_ptr().wrapping_add(line.input + channel).cast(),
                border: border.as_ptr(),
                line: &line,
                window,
                taps,
                channel,
                mask: u64::MAX >> (BLOCK - count),
                output,
                stride: tile.row_stride(),
            };
            // SAFETY: the proof says that the machine has the instructions. The line's rows are
            // in the input and the weights hold all taps (checked above); the output block is
            // inside the tile (`Tile::block` checks); channels are accessed under a mask.
            unsafe {
                match (layout.kernel_w, layout.stride, taps.rest.is_some()) {
                    (3, 1, false) => row.compute::<3, 1, 2, 1, false>(&mut buffer),
                    (3, 1, true) => row.compute::<3, 1, 2, 1, true>(&mut buffer),
                    (5, 1, false) => row.compute::<5, 1, 4, 2, false>(&mut buffer),
                    (5, 1, true) => row.compute::<5, 1, 4, 2, true>(&mut buffer),
                    (3, _, false) => row.compute::<3, 2, 1, 1, false>(&mut buffer),
                    (3, _, true) => row.compute::<3, 2, 1, 1, true>(&mut buffer),
                    (_, _, false) => row.compute::<5, 2, 1, 2, false>(&mut buffer),
                    (_, _, true) => row.compute::<5, 2, 1, 2, true>(&mut buffer),
                }
            }
        });
    }
}

/// A block of channels of one line of the output.
#[derive(Clone, Copy)]
struct Row<'a> {
    /// The block in the first pixel of the first row under the kernel.
    input: *const u8,
    border: *const u8,
    line: &'a Line,
    window: &'a RowWindow,
    taps: &'a QuadTaps,
    channel: usize,
    mask: u64,
    output: *mut u8,
    stride: usize,
}

impl Row<'_> {
    /// Computes the line, `PIXELS` pixels at once as long as there are as many.
    ///
    /// # Safety
    /// Rows of the input, weights and output must be as large as line and window say; the
    /// constants must be those of the weights' layout.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn compute<
        const WIDTH: usize,
        const STRIDE: usize,
        const PIXELS: usize,
        const WINDOWS: usize,
        const REST: bool,
    >(
        self,
        buffer: &mut Sums,
    ) {
        let all_rows = self.line.kernel_rows == (0..self.window.kernel_h);
        let columns = self.line.columns.clone();
        for first in columns.clone().step_by(BUFFERED) {
            let count = BUFFERED.min(columns.end - first);
            let mut done = 0;
            while done < count {
                let several = PIXELS > 1 && count - done >= PIXELS;
                let pixels = if several { PIXELS } else { 1 };
                // The first column seen, plus the padding, so that it is not negative.
                let seen = (first + done) * STRIDE;
                let columns = (pixels - 1) * STRIDE + WIDTH;
                let in_image = self.window.columns_in_image(seen, columns);
                let inside = all_rows && in_image == (1 << columns) - 1;
                let sums = &mut buffer.0[done..done + pixels];
                // SAFETY: the pixels are among those that the caller vouches for.
                unsafe {
                    match (several, inside) {
                        (true, true) => self
                            .block::<WIDTH, STRIDE, PIXELS, PIXELS, WINDOWS, REST, false>(
                                seen, in_image, sums,
                            ),
                        (true, false) => self
                            .block::<WIDTH, STRIDE, PIXELS, PIXELS, WINDOWS, REST, true>(
                                seen, in_image, sums,
                            ),
                        (false, true) => self
                            .block::<WIDTH, STRIDE, PIXELS, 1, WINDOWS, REST, false>(
                                seen, in_image, sums,
                            ),
                        (false, false) => self
                            .block::<WIDTH, STRIDE, PIXELS, 1, WINDOWS, REST, true>(
                                seen, in_image, sums,
                            ),
                    }
                }
                done += pixels;
            }
            let output = self.output.wrapping_add((first - columns.start) * self.stride);
            // SAFETY: the output has these pixels.
            unsafe {
                if self.taps.exact_floats[self.channel / BLOCK] {
                    self.store::<true>(&buffer.0[..count], output);
                } else {
                    self.store::<false>(&buffer.0[..count], output);
                }
            }
        }
    }

    /// Sums of `PIXELS` pixels whose windows start at column `seen` of the padded image, with
    /// weights packed for `PACKED` pixels. At an edge of the image a bit of `in_image` for each
    /// column says whether it is there.
    ///
    /// # Safety
    /// As [`Self::compute`], for these pixels.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn block<
        const WIDTH: usize,
        const STRIDE: usize,
        const PACKED: usize,
        const PIXELS: usize,
        const WINDOWS: usize,
        const REST: bool,
        const EDGE: bool,
    >(
        self,
        seen: usize,
        in_image: u32,
        output: &mut [[i32; BLOCK]],
    ) {
        let pixel_stride = self.window.channels;
        let row_stride = self.window.input_width * pixel_stride;
        let first = self.input.wrapping_add(seen * pixel_stride);
        let first = first.wrapping_sub(self.window.left * pixel_stride);
        let block = self.channel / BLOCK * self.taps.layout.block_bytes();
        let weights = self.taps.weights.bytes().as_ptr().wrapping_add(block);
        let rest = self
            .taps
            .rest
            .as_ref()
            .map_or(weights, |rest| rest.bytes().as_ptr().wrapping_add(block));
        let flip = _mm512_set1_epi8(i8::MIN);
        let mut sums = [[_mm512_setzero_si512(); 4]; PIXELS];
        for ky in 0..self.window.kernel_h {
            let is_row = !EDGE || self.line.kernel_rows.contains(&ky);
            let row = ky.wrapping_sub(self.line.kernel_rows.start).wrapping_mul(row_stride);
            let row = first.wrapping_add(row);
            for window in 0..WINDOWS {
                let mut columns = [_mm512_setzero_si512(); 4];
                for index in 0..4 {
                    let column = 4 * window + index;
                    if column < (PIXELS - 1) * STRIDE + WIDTH {
                        let there = !EDGE || is_row && in_image >> column & 1 == 1;
                        let pixel = row.wrapping_add(column * pixel_stride);
                        let pixel = if there { pixel } else { self.border };
                        // SAFETY: the column is in the image, or the border is read; the mask
                        // ends where the channels do.
                        let bytes = unsafe { _mm512_maskz_loadu_epi8(self.mask, pixel.cast()) };
                        columns[index] = _mm512_xor_si512(bytes, flip);
                    }
                }
                let quads = interleave(columns);
                for pixel in 0..PIXELS {
                    let (from, to) = (pixel * STRIDE, pixel * STRIDE + WIDTH);
                    if 4 * window < to && from < 4 * window + 4 {
                        let at = ((ky * PACKED + pixel) * WINDOWS + window) * BLOCK * 4;
                        for vector in 0..4 {
                            let at = at + vector * 64;
                            let sum = sums[pixel][vector];
                            // SAFETY: the block's weights are as many as the layout says.
                            let w = unsafe { _mm512_loadu_si512(weights.add(at).cast()) };
                            let mut sum = _mm512_dpbusd_epi32(sum, quads[vector], w);
                            if REST {
                                // SAFETY: as above.
                                let w = unsafe { _mm512_loadu_si512(rest.add(at).cast()) };
                                sum = _mm512_dpbusd_epi32(sum, quads[vector], w);
                            }
                            sums[pixel][vector] = sum;
                        }
                    }
                }
            }
        }
        for pixel in 0..PIXELS {
            for vector in 0..4 {
                let to = output[pixel][vector * 16..][..16].as_mut_ptr();
                // SAFETY: the slice has 16 numbers.
                unsafe { _mm512_storeu_si512(to.cast(), sums[pixel][vector]) };
            }
        }
    }

    /// Requantizes and writes neighbouring pixels.
    ///
    /// # Safety
    /// The output must have these pixels, and the mask's channels in each.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn store<const EXACT_FLOATS: bool>(self, sums: &[[i32; BLOCK]], output: *mut u8) {
        let q = &self.taps.requantize;
        let range = OutputRange::new(q.zero_point, q.low, q.high);
        let mut bias = [_mm512_setzero_si512(); 4];
        for vector in 0..4 {
            let channel = self.channel + vector * 16;
            let numbers: &[i32; 16] = q.bias[channel..channel + 16].try_into().expect("16");
            // SAFETY: an array of 16 numbers is readable.
            bias[vector] = unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
        }
        let mut floats = [FloatMultipliers::load(q, self.channel); 4];
        let mut integers = [Multipliers::load(q, self.channel); 4];
        for vector in 1..4 {
            let channel = self.channel + vector * 16;
            if EXACT_FLOATS {
                floats[vector] = FloatMultipliers::load(q, channel);
            } else {
                integers[vector] = Multipliers::load(q, channel);
            }
        }
        for (pixel, sums) in sums.iter().enumerate() {
            let mut scaled = bias;
            for vector in 0..4 {
                let sums = sums[vector * 16..][..16].as_ptr();
                // SAFETY: the slice has 16 numbers.
                let sums = unsafe { _mm512_loadu_si512(sums.cast()) };
                let sums = _mm512_add_epi32(sums, bias[vector]);
                scaled[vector] = if EXACT_FLOATS {
                    floats[vector].apply(sums)
                } else {
                    integers[vector].apply(sums)
                };
            }
            // SAFETY: the caller vouches for the output; the mask ends where the channels do.
            unsafe {
                let to = output.add(pixel * self.stride).cast();
                _mm512_mask_storeu_epi8(to, self.mask, range.narrow_in_order(scaled));
            }
        }
    }
}

/// Four times 64 bytes as four vectors of groups of four bytes, one of each; channels are in
/// the order of [`QuadTaps`].
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn interleave([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let (low_ab, high_ab) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
    let (low_cd, high_cd) = (_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d));
    [
        _mm512_unpacklo_epi16(low_ab, low_cd),
        _mm512_unpackhi_epi16(low_ab, low_cd),
        _mm512_unpacklo_epi16(high_ab, high_cd),
        _mm512_unpackhi_epi16(high_ab, high_cd),
    ]
}

/// Channels of a block.
const BLOCK: usize = QuadTaps::BLOCK;

/// Pixels whose sums wait for requantization, which then loads its constants once.
const BUFFERED: usize = 16;

/// Sums of neighbouring pixels.
#[repr(align(64))]
struct Sums([[i32; BLOCK]; BUFFERED]);
