//! int8 depthwise convolution with requantization, AVX-512 VNNI: windows 3 or 5 wide, strides
//! 1 and 2.
//!
//! Computes `requantize(sum over taps of (a - za) * (w - zw))` for 64 channels at once, with
//! the weights of [`QuadTaps`]. Columns are loaded and interleaved in pairs, and two pairs in
//! a window of four, so that each group of four bytes is four taps of a channel. A step to the
//! right is a whole number of pairs: the pairs of neighbouring windows are made once, and each
//! weight is loaded once for both.
//!
//! Register tile: 4 pixels (2 of them where the stride is 2) x 64 channels, or as many more
//! pixels as there are fewer channels. Sums are requantized in their registers.
//!
//! Floor: for four pixels of a 3x3 window and 64 channels 42 shuffles, 48 `vpdpbusd` and 18
//! times logic, in pipes that start three of them in two cycles where vectors are two halves,
//! and 88 instructions of requantization.

use std::arch::x86_64::*;

use super::depthwise_quads_output::{Output, store_floats, store_integers};
use super::requantize::{FloatMultipliers, OutputRange};
use crate::kernels::depthwise::{DepthwiseWindow, Line, RowWindow};
use crate::kernels::depthwise_quads_i8::{QuadLayout, QuadTaps};
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
    assert!(taps.weights.len() >= blocks * layout.block_bytes(), "the weights of all blocks");
    let columns = tile.columns();
    assert!(columns.start.is_multiple_of(BLOCK), "whole blocks");
    let border = [taps.border ^ 0x80; BLOCK];
    for channel in columns.clone().step_by(BLOCK) {
        let count = BLOCK.min(columns.end - channel);
        let rest = taps.rest[channel / BLOCK].as_ref();
        let rest = rest.map(|rest| rest.bytes()[..layout.block_bytes()].as_ptr());
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
                rest,
                channel,
                channels: count,
                output,
                stride: tile.row_stride(),
            };
            // SAFETY: the proof says that the machine has the instructions. The line's rows are
            // in the input and the weights hold all taps (checked above); the output block is
            // inside the tile (`Tile::block` checks); channels are accessed under a mask.
            unsafe {
                match (layout.kernel_w, layout.stride) {
                    (3, 1) => row.compute::<3, 1, 2, 1, 2>(),
                    (5, 1) => row.compute::<5, 1, 4, 2, 1>(),
                    (3, _) => row.compute::<3, 2, 1, 1, 2>(),
                    (_, _) => row.compute::<5, 2, 1, 2, 2>(),
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
    /// A second set of weights.
    rest: Option<*const u8>,
    channel: usize,
    /// How many channels there are from that one on, at most 64.
    channels: usize,
    output: *mut u8,
    stride: usize,
}

impl Row<'_> {
    /// Computes the line: `STEPS` times `PIXELS` pixels at once, each of which are under
    /// `WINDOWS` windows.
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
        const STEPS: usize,
    >(
        self,
    ) {
        let groups = QuadLayout::groups(self.taps.channels - self.channel);
        // SAFETY: the caller vouches for it; the groups are those of the weights.
        unsafe {
            match (groups, self.rest.is_some()) {
                (1, false) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, STEPS, 1, false>(),
                (1, true) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, STEPS, 1, true>(),
                (2, false) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, STEPS, 2, false>(),
                (2, true) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, STEPS, 2, true>(),
                (_, false) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, STEPS, 4, false>(),
                (_, true) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, STEPS, 4, true>(),
            }
        }
    }

    /// Computes the line, `GROUPS * STEPS * PIXELS` pixels at once, or `GROUPS * PIXELS` at its
    /// end.
    ///
    /// # Safety
    /// As [`Self::compute`].
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn groups<
        const WIDTH: usize,
        const STRIDE: usize,
        const PIXELS: usize,
        const WINDOWS: usize,
        const STEPS: usize,
        const GROUPS: usize,
        const REST: bool,
    >(
        self,
    ) {
        let end = self.line.columns.end;
        let mut first = self.line.columns.start;
        while first < end {
            // SAFETY: these pixels are among the caller's.
            first += unsafe {
                if end - first > GROUPS * PIXELS {
                    self.pixels::<WIDTH, STRIDE, PIXELS, WINDOWS, STEPS, GROUPS, REST>(first)
                } else {
                    self.pixels::<WIDTH, STRIDE, PIXELS, WINDOWS, 1, GROUPS, REST>(first)
                }
            };
        }
    }

    /// Computes the pixels from column `first` on; how many there are at once.
    ///
    /// # Safety
    /// As [`Self::compute`], for these pixels.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn pixels<
        const WIDTH: usize,
        const STRIDE: usize,
        const PIXELS: usize,
        const WINDOWS: usize,
        const STEPS: usize,
        const GROUPS: usize,
        const REST: bool,
    >(
        self,
        first: usize,
    ) -> usize {
        let at_once = GROUPS * STEPS * PIXELS;
        let count = at_once.min(self.line.columns.end - first);
        let all_rows = self.line.kernel_rows == (0..self.window.kernel_h);
        // The first column seen, plus the padding, so that it is not negative.
        let seen = first * STRIDE;
        let in_image = self.window.columns_in_image(seen, (count - 1) * STRIDE + WIDTH);
        let all_columns = (1 << ((at_once - 1) * STRIDE + WIDTH)) - 1;
        let output = self.output.wrapping_add((first - self.line.columns.start) * self.stride);
        // SAFETY: the columns in the image are those of the caller's pixels.
        unsafe {
            if all_rows && in_image == all_columns {
                self.block::<WIDTH, STRIDE, PIXELS, WINDOWS, STEPS, GROUPS, REST, false>(
                    seen, in_image, count, output,
                );
            } else {
                self.block::<WIDTH, STRIDE, PIXELS, WINDOWS, STEPS, GROUPS, REST, true>(
                    seen, in_image, count, output,
                );
            }
        }
        at_once
    }

    /// Computes `GROUPS * STEPS * PIXELS` pixels whose windows start at column `seen` of the
    /// padded image, and writes the first `count` of them to `output`. At an edge a bit of
    /// `in_image` for each column says whether it is there.
    ///
    /// # Safety
    /// As [`Self::compute`], for the pixels whose columns are in the image.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn block<
        const WIDTH: usize,
        const STRIDE: usize,
        const PIXELS: usize,
        const WINDOWS: usize,
        const STEPS: usize,
        const GROUPS: usize,
        const REST: bool,
        const EDGE: bool,
    >(
        self,
        seen: usize,
        in_image: u32,
        count: usize,
        output: *mut u8,
    ) {
        let pixel_stride = self.window.channels;
        let row_stride = self.window.input_width * pixel_stride;
        let first = self.input.wrapping_add(seen * pixel_stride);
        let first = first.wrapping_sub(self.window.left * pixel_stride);
        let block = self.channel / BLOCK * self.taps.layout.block_bytes();
        let weights = self.taps.weights.bytes().as_ptr().wrapping_add(block);
        let rest = self.rest.unwrap_or(weights);
        let flip = _mm512_set1_epi8(i8::MIN);
        let mask = self.mask();
        let q = &self.taps.requantize;
        let mut bias = [_mm512_setzero_si512(); 4];
        for vector in 0..4 {
            let channel = self.channel + vector * 16;
            let numbers = &q.bias[channel..channel + 16];
            // SAFETY: the slice has 16 numbers.
            bias[vector] = unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
        }
        let mut sums = [[bias; PIXELS]; STEPS];
        for ky in 0..self.window.kernel_h {
            let is_row = !EDGE || self.line.kernel_rows.contains(&ky);
            let row = ky.wrapping_sub(self.line.kernel_rows.start).wrapping_mul(row_stride);
            let row = first.wrapping_add(row);
            // Two neighbouring columns, interleaved: the lower and the upper half of each lane.
            let mut pairs = [[_mm512_setzero_si512(); 2]; MOST_PAIRS];
            for pair in 0..(STEPS - 1) * PIXELS * STRIDE / 2 + WINDOWS * 2 {
                let mut columns = [_mm512_setzero_si512(); 2];
                for index in 0..2 {
                    let column = 2 * pair + index;
                    if column < (STEPS * PIXELS - 1) * STRIDE + WIDTH {
                        let mut groups = [self.border; GROUPS];
                        for group in 0..GROUPS {
                            let column = column + group * STEPS * PIXELS * STRIDE;
                            if !EDGE || is_row && in_image >> column & 1 == 1 {
                                groups[group] = row.wrapping_add(column * pixel_stride);
                            }
                        }
                        // SAFETY: the columns are in the image, or the border is read; the
                        // mask ends where the channels do.
                        let bytes = unsafe { load(groups, mask) };
                        columns[index] = _mm512_xor_si512(bytes, flip);
                    }
                }
                let [a, b] = columns;
                pairs[pair] = [_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b)];
            }
            for window in 0..WINDOWS {
                for vector in 0..4 {
                    let mut quads = [_mm512_setzero_si512(); STEPS];
                    for step in 0..STEPS {
                        let pair = step * PIXELS * STRIDE / 2 + 2 * window;
                        let (left, right) = (pairs[pair][vector / 2], pairs[pair + 1][vector / 2]);
                        quads[step] = if vector % 2 == 0 {
                            _mm512_unpacklo_epi16(left, right)
                        } else {
                            _mm512_unpackhi_epi16(left, right)
                        };
                    }
                    for pixel in 0..PIXELS {
                        let (from, to) = (pixel * STRIDE, pixel * STRIDE + WIDTH);
                        if 4 * window < to && from < 4 * window + 4 {
                            let at = ((ky * PIXELS + pixel) * WINDOWS + window) * BLOCK * 4;
                            let at = at + vector * 64;
                            // SAFETY: the block's weights are as many as the layout says.
                            let w = unsafe { _mm512_loadu_si512(weights.add(at).cast()) };
                            for step in 0..STEPS {
                                let sum = &mut sums[step][pixel][vector];
                                *sum = _mm512_dpbusd_epi32(*sum, quads[step], w);
                            }
                            if REST {
                                // SAFETY: as above.
                                let w = unsafe { _mm512_loadu_si512(rest.add(at).cast()) };
                                for step in 0..STEPS {
                                    let sum = &mut sums[step][pixel][vector];
                                    *sum = _mm512_dpbusd_epi32(*sum, quads[step], w);
                                }
                            }
                        }
                    }
                }
            }
        }
        let output = Output { start: output, stride: self.stride, count, mask };
        // SAFETY: the caller vouches for the output.
        unsafe {
            if !q.has_exact_floats(self.channel..self.channel + BLOCK) {
                // Of a copy, so that the sums themselves may stay in registers.
                let sums = sums;
                store_integers::<PIXELS, GROUPS>(&sums, q, self.channel, output);
            } else if q.starts_at_zero_point() {
                store_floats!(false, sums, PIXELS, STEPS, GROUPS, q, self.channel, output);
            } else {
                store_floats!(true, sums, PIXELS, STEPS, GROUPS, q, self.channel, output);
            }
        }
    }

    /// A bit for each channel.
    const fn mask(&self) -> u64 {
        u64::MAX >> (BLOCK - self.channels)
    }
}

/// The channels of one pixel for each group; all channels are 64, 32 or 16 bytes.
///
/// # Safety
/// The mask's bytes must be readable.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
unsafe fn load<const GROUPS: usize>(pixels: [*const u8; GROUPS], mask: u64) -> __m512i {
    // SAFETY: the caller vouches for it.
    unsafe {
        match GROUPS {
            1 => _mm512_maskz_loadu_epi8(mask, pixels[0].cast()),
            2 => {
                let low = _mm256_maskz_loadu_epi8(mask as u32, pixels[0].cast());
                let high = _mm256_maskz_loadu_epi8(mask as u32, pixels[1].cast());
                _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
            }
            _ => {
                let quarter =
                    |group: usize| _mm_maskz_loadu_epi8(mask as u16, pixels[group].cast());
                let low =
                    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(quarter(0)), quarter(1));
                let high =
                    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(quarter(2)), quarter(3));
                _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
            }
        }
    }
}

/// Channels of a block.
const BLOCK: usize = QuadTaps::BLOCK;

/// Pairs of columns that are kept of a row.
const MOST_PAIRS: usize = 5;
