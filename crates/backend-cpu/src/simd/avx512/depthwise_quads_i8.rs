//! int8 depthwise convolution with requantization, AVX-512 VNNI: windows 3 or 5 wide, strides
//! 1 and 2.
//!
//! Computes `requantize(sum over taps of (a - za) * (w - zw))` for 64 channels at once, with
//! the weights of [`QuadTaps`]. Four columns are loaded and interleaved, so that each group of
//! four bytes is four taps of a channel: eight shuffles for 64 channels, for all pixels that
//! the window of four serves.
//!
//! Register tile: 2 pixels (3x3), 4 pixels (5x5) or 1 pixel (stride 2) x 64 channels, or as
//! many more pixels as there are fewer channels.
//!
//! Floor: for two pixels of a 3x3 window and 64 channels 24 shuffles and 24 `vpdpbusd`, two of
//! each of which start a cycle, and some 50 instructions of requantization.

use std::arch::x86_64::*;

use super::requantize::{FloatMultipliers, Multipliers, OutputRange};
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
                channels: count,
                output,
                stride: tile.row_stride(),
            };
            // SAFETY: the proof says that the machine has the instructions. The line's rows are
            // in the input and the weights hold all taps (checked above); the output block is
            // inside the tile (`Tile::block` checks); channels are accessed under a mask.
            unsafe {
                match (layout.kernel_w, layout.stride) {
                    (3, 1) => row.compute::<3, 1, 2, 1>(&mut buffer),
                    (5, 1) => row.compute::<5, 1, 4, 2>(&mut buffer),
                    (3, _) => row.compute::<3, 2, 1, 1>(&mut buffer),
                    (_, _) => row.compute::<5, 2, 1, 2>(&mut buffer),
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
    /// How many channels there are from that one on, at most 64.
    channels: usize,
    output: *mut u8,
    stride: usize,
}

impl Row<'_> {
    /// Computes the line.
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
    >(
        self,
        buffer: &mut Sums,
    ) {
        let groups = QuadLayout::groups(self.taps.channels - self.channel);
        // SAFETY: the caller vouches for it; the groups are those of the weights.
        unsafe {
            match (groups, self.taps.rest.is_some()) {
                (1, false) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, 1, false>(buffer),
                (1, true) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, 1, true>(buffer),
                (2, false) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, 2, false>(buffer),
                (2, true) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, 2, true>(buffer),
                (_, false) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, 4, false>(buffer),
                (_, true) => self.groups::<WIDTH, STRIDE, PIXELS, WINDOWS, 4, true>(buffer),
            }
        }
    }

    /// Computes the line, `GROUPS * PIXELS` pixels at once.
    ///
    /// # Safety
    /// As [`Self::compute`].
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn groups<
        const WIDTH: usize,
        const STRIDE: usize,
        const PIXELS: usize,
        const WINDOWS: usize,
        const GROUPS: usize,
        const REST: bool,
    >(
        self,
        buffer: &mut Sums,
    ) {
        let all_rows = self.line.kernel_rows == (0..self.window.kernel_h);
        let end = self.line.columns.end;
        let at_once = GROUPS * PIXELS;
        for first in self.line.columns.clone().step_by(BUFFERED * GROUPS) {
            let count = (BUFFERED * GROUPS).min(end - first);
            for done in (0..count).step_by(at_once) {
                // The first column seen, plus the padding, so that it is not negative.
                let seen = (first + done) * STRIDE;
                let pixels = at_once.min(count - done);
                let columns = (pixels - 1) * STRIDE + WIDTH;
                let in_image = self.window.columns_in_image(seen, columns);
                let all_columns = (1 << ((at_once - 1) * STRIDE + WIDTH)) - 1;
                let sums = &mut buffer.0[done / GROUPS..][..PIXELS];
                // SAFETY: the columns in the image are those of the caller's pixels.
                unsafe {
                    if all_rows && in_image == all_columns {
                        self.block::<WIDTH, STRIDE, PIXELS, WINDOWS, GROUPS, REST, false>(
                            seen, in_image, sums,
                        );
                    } else {
                        self.block::<WIDTH, STRIDE, PIXELS, WINDOWS, GROUPS, REST, true>(
                            seen, in_image, sums,
                        );
                    }
                }
            }
            let skipped = (first - self.line.columns.start) * self.stride;
            let output = self.output.wrapping_add(skipped);
            // SAFETY: the output has these pixels.
            unsafe {
                if self.taps.requantize.has_exact_floats(self.channel..self.channel + BLOCK) {
                    self.store::<PIXELS, GROUPS, true>(buffer, count, output);
                } else {
                    self.store::<PIXELS, GROUPS, false>(buffer, count, output);
                }
            }
        }
    }

    /// Sums of `GROUPS * PIXELS` pixels whose windows start at column `seen` of the padded
    /// image. At an edge a bit of `in_image` for each column says whether it is there.
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
        const GROUPS: usize,
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
        let rest = self.taps.rest.as_ref();
        let rest = rest.map_or(weights, |rest| rest.bytes().as_ptr().wrapping_add(block));
        let flip = _mm512_set1_epi8(i8::MIN);
        let mask = self.mask();
        let mut bias = [_mm512_setzero_si512(); 4];
        for vector in 0..4 {
            let channel = self.channel + vector * 16;
            let numbers = &self.taps.requantize.bias[channel..channel + 16];
            // SAFETY: the slice has 16 numbers.
            bias[vector] = unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
        }
        let mut sums = [bias; PIXELS];
        for ky in 0..self.window.kernel_h {
            let is_row = !EDGE || self.line.kernel_rows.contains(&ky);
            let row = ky.wrapping_sub(self.line.kernel_rows.start).wrapping_mul(row_stride);
            let row = first.wrapping_add(row);
            for window in 0..WINDOWS {
                let mut columns = [_mm512_setzero_si512(); 4];
                for index in 0..4 {
                    let column = 4 * window + index;
                    if column < (PIXELS - 1) * STRIDE + WIDTH {
                        let mut groups = [self.border; GROUPS];
                        for group in 0..GROUPS {
                            let column = column + group * PIXELS * STRIDE;
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
                let quads = interleave(columns);
                for pixel in 0..PIXELS {
                    let (from, to) = (pixel * STRIDE, pixel * STRIDE + WIDTH);
                    if 4 * window < to && from < 4 * window + 4 {
                        let at = ((ky * PIXELS + pixel) * WINDOWS + window) * BLOCK * 4;
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

    /// Requantizes and writes so many neighbouring pixels.
    ///
    /// # Safety
    /// The output must have these pixels, and the channels in each.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn store<const PIXELS: usize, const GROUPS: usize, const EXACT_FLOATS: bool>(
        self,
        sums: &Sums,
        count: usize,
        output: *mut u8,
    ) {
        let q = &self.taps.requantize;
        let range = OutputRange::new(q.zero_point, q.low, q.high);
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
        let mask = self.mask();
        let at_once = GROUPS * PIXELS;
        for (index, sums) in sums.0[..count.div_ceil(at_once) * PIXELS].iter().enumerate() {
            let mut scaled = [_mm512_setzero_si512(); 4];
            for vector in 0..4 {
                let sums = sums[vector * 16..][..16].as_ptr();
                // SAFETY: the slice has 16 numbers.
                let sums = unsafe { _mm512_loadu_si512(sums.cast()) };
                scaled[vector] = if EXACT_FLOATS {
                    floats[vector].apply(sums)
                } else {
                    integers[vector].apply(sums)
                };
            }
            let numbers = range.narrow_in_order(scaled);
            let pixel = index / PIXELS * at_once + index % PIXELS;
            // SAFETY: the caller vouches for the output's pixels below `count`; the mask ends
            // where the channels do.
            unsafe {
                let to = |group: usize| output.add((pixel + group * PIXELS) * self.stride);
                let is = |group: usize| pixel + group * PIXELS < count;
                match GROUPS {
                    1 if is(0) => _mm512_mask_storeu_epi8(to(0).cast(), mask, numbers),
                    2 => {
                        let [low, high] = [
                            _mm512_castsi512_si256(numbers),
                            _mm512_extracti64x4_epi64::<1>(numbers),
                        ];
                        if is(0) {
                            _mm256_mask_storeu_epi8(to(0).cast(), mask as u32, low);
                        }
                        if is(1) {
                            _mm256_mask_storeu_epi8(to(1).cast(), mask as u32, high);
                        }
                    }
                    4 => {
                        let quarters = [
                            _mm512_castsi512_si128(numbers),
                            _mm512_extracti32x4_epi32::<1>(numbers),
                            _mm512_extracti32x4_epi32::<2>(numbers),
                            _mm512_extracti32x4_epi32::<3>(numbers),
                        ];
                        for (group, quarter) in quarters.into_iter().enumerate() {
                            if is(group) {
                                _mm_mask_storeu_epi8(to(group).cast(), mask as u16, quarter);
                            }
                        }
                    }
                    _ => {}
                }
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

/// Blocks of sums that wait for requantization, which then loads its constants once; a multiple
/// of the pixels that are computed at once.
const BUFFERED: usize = 16;

/// Sums of a block of channels of neighbouring pixels.
#[repr(align(64))]
struct Sums([[i32; BLOCK]; BUFFERED]);
