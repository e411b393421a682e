//! int8 depthwise convolution by rows with requantization, AVX2: windows 3 or 5 wide, strides 1
//! and 2.
//!
//! Computes `requantize(sum over taps of (a - za) * (w - zw))` for 16 channels at once, in pairs
//! of taps as [`crate::kernels::depthwise_rows_i8`] says.
//!
//! Register tile: 4 neighbouring pixels (or 1) x 16 channels: 8 accumulators, and two vectors of
//! interleaved pixels.
//!
//! Floor: for 4 pixels of a 3x3 window with stride 1, 40 `vpmaddwd` and as many additions, 24
//! interleavings and 18 loads that widen.

use std::arch::x86_64::*;
use std::ops::Range;

use super::requantize::{Method, store_rows};
use crate::kernels::depthwise::{DepthwiseWindow, Line, RowWindow};
use crate::kernels::depthwise_rows_i8::RowTaps;
use crate::simd::{Avx2, Tile};

/// Channels of a block.
pub(crate) const CHANNELS: usize = 16;

/// True for the windows that there are kernels for.
pub(crate) const fn supports(window: &RowWindow) -> bool {
    matches!((window.kernel_w, window.stride_w), (3 | 5, 1 | 2))
}

/// Computes the tile.
pub(crate) fn compute(
    _: Avx2,
    input: &[i8],
    geometry: &DepthwiseWindow,
    window: &RowWindow,
    taps: &RowTaps,
    tile: &mut Tile<'_>,
) {
    assert!(supports(window), "a window of this kernel");
    let columns = tile.columns();
    assert!(columns.start.is_multiple_of(CHANNELS), "whole blocks");
    assert!(columns.end <= window.channels, "channels of the input");
    let pairs =
        window.kernel_h / 2 * window.kernel_w + window.kernel_h % 2 * window.kernel_w.div_ceil(2);
    assert!(taps.pairs == pairs, "as many taps as weights");
    geometry.for_each_line(tile.rows(), |line| {
        let end = line.input + line.kernel_rows.len() * window.input_width * window.channels;
        assert!(end <= input.len() && line.kernel_rows.end <= window.kernel_h, "rows of the image");
        let pixels = line.first_pixel..line.first_pixel + line.columns.len();
        let row = Row {
            input: input.as_ptr().wrapping_add(line.input),
            line: &line,
            window,
            taps,
            output: tile.block(pixels, columns.clone()),
            stride: tile.row_stride(),
        };
        // SAFETY: the proof says that the machine has the instructions. The line's rows are in
        // the input and the weights hold all taps (checked above); the output block is inside
        // the tile (`Tile::block` checks).
        unsafe {
            match (window.kernel_w, window.stride_w) {
                (3, 1) => row.compute::<3, 1, 6>(columns.clone()),
                (3, _) => row.compute::<3, 2, 9>(columns.clone()),
                (_, 1) => row.compute::<5, 1, 8>(columns.clone()),
                _ => row.compute::<5, 2, 11>(columns.clone()),
            }
        }
    });
}

/// One line of the output.
#[derive(Clone, Copy)]
struct Row<'a> {
    /// The first pixel of the first row under the kernel.
    input: *const i8,
    line: &'a Line,
    window: &'a RowWindow,
    taps: &'a RowTaps,
    /// The first channel of the line's first pixel.
    output: *mut u8,
    stride: usize,
}

/// How many channels of a block are read: all, the lower half, or so many.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Channels {
    All,
    Half,
    First(usize),
}

impl Row<'_> {
    /// Computes some channels of the line. `SEEN` columns are under 4 pixels.
    ///
    /// # Safety
    /// Rows of the input, weights and output must be as large as the line and window say.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn compute<const WIDTH: usize, const STRIDE: usize, const SEEN: usize>(
        self,
        channels: Range<usize>,
    ) {
        const { assert!(SEEN == 3 * STRIDE + WIDTH) };
        for channel in channels.clone().step_by(CHANNELS) {
            let count = CHANNELS.min(channels.end - channel);
            let which = match count {
                CHANNELS => Channels::All,
                8 => Channels::Half,
                count => Channels::First(count),
            };
            let mut x = self.line.columns.start;
            while x < self.line.columns.end {
                let left = self.line.columns.end - x;
                let at = (x - self.line.columns.start) * self.stride + channel - channels.start;
                let output = self.output.wrapping_add(at);
                // SAFETY: the block's pixels and channels are among those that the caller vouches
                // for.
                x += unsafe {
                    match left {
                        4.. => self.pixels::<WIDTH, STRIDE, 4, SEEN>(x, channel, which, output),
                        _ => self.pixels::<WIDTH, STRIDE, 1, WIDTH>(x, channel, which, output),
                    }
                };
            }
        }
    }

    /// Computes a block of channels of `PIXELS` pixels from column `x` on, whose windows lie over
    /// `SEEN` columns; the number of pixels.
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
    >(
        self,
        x: usize,
        channel: usize,
        which: Channels,
        output: *mut u8,
    ) -> usize {
        // The first column seen, plus the padding, so that it is not negative.
        let in_image = self.window.columns_in_image(x * STRIDE, SEEN);
        let inside = in_image == (1 << SEEN) - 1;
        // SAFETY: pixels outside of the image are not read.
        let sums = unsafe {
            if inside && which == Channels::All {
                self.sums::<WIDTH, STRIDE, PIXELS, SEEN, true>(x, channel, which, in_image)
            } else {
                self.sums::<WIDTH, STRIDE, PIXELS, SEEN, false>(x, channel, which, in_image)
            }
        };
        let q = &self.taps.requantize;
        let count = match which {
            Channels::All => CHANNELS,
            Channels::Half => 8,
            Channels::First(count) => count,
        };
        // SAFETY: the caller vouches for the output.
        unsafe {
            store_rows(q, channel, Method::of(q, channel), sums, output, self.stride, count);
        }
        PIXELS
    }

    /// The sums of a block of channels, with the bias. `PLAIN` pixels are all in the image, with
    /// all channels; of others a bit of `in_image` for each column says whether it is there.
    ///
    /// # Safety
    /// As [`Self::pixels`].
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn sums<
        const WIDTH: usize,
        const STRIDE: usize,
        const PIXELS: usize,
        const SEEN: usize,
        const PLAIN: bool,
    >(
        self,
        x: usize,
        channel: usize,
        which: Channels,
        in_image: u32,
    ) -> [[__m256i; 2]; PIXELS] {
        let RowWindow { kernel_h, left, input_width, channels, .. } = *self.window;
        let rows = self.line.kernel_rows.clone();
        let first = self.input.wrapping_add(x * STRIDE * channels + channel);
        let first = first.wrapping_sub(left * channels);
        let border = self.taps.border.as_ptr();
        // The first pixel of a row under the kernel, and the distance to the next; for a row
        // beyond the edge, the border again and again.
        let row_at = |row: usize| match rows.contains(&row) {
            true => (first.wrapping_add((row - rows.start) * input_width * channels), channels),
            false => (border, 0),
        };
        let load = |(row, step): (*const i8, usize), column: usize| {
            let there = PLAIN || in_image >> column & 1 == 1;
            let pixel = if there { row.wrapping_add(column * step) } else { border };
            // SAFETY: the caller vouches for the channels of each pixel in the image; the border
            // has all of a block.
            let narrow = unsafe {
                match which {
                    _ if PLAIN => _mm_loadu_si128(pixel.cast()),
                    Channels::All => _mm_loadu_si128(pixel.cast()),
                    Channels::Half => _mm_loadl_epi64(pixel.cast()),
                    Channels::First(count) => {
                        let mut all = [0i8; CHANNELS];
                        std::ptr::copy_nonoverlapping(pixel, all.as_mut_ptr(), count);
                        _mm_loadu_si128(all.as_ptr().cast())
                    }
                }
            };
            _mm256_cvtepi8_epi16(narrow)
        };
        let weights = self.taps.block(channel / CHANNELS);
        let mut sums = [[_mm256_setzero_si256(); 2]; PIXELS];
        let mut weights = weights.as_ptr().cast::<__m256i>();
        // SAFETY: each pair of taps has two vectors of weights; there are as many pairs as the
        // loops take (checked by `compute`).
        unsafe {
            for row in (0..kernel_h - kernel_h % 2).step_by(2) {
                let (upper, lower) = (row_at(row), row_at(row + 1));
                unrolled!(SEEN, column, {
                    let (a, b) = (load(upper, column), load(lower, column));
                    let both = [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)];
                    for tap in 0..WIDTH {
                        if column >= tap && (column - tap) % STRIDE == 0 {
                            let pixel = (column - tap) / STRIDE;
                            if pixel < PIXELS {
                                for half in 0..2 {
                                    let w = _mm256_loadu_si256(weights.add(tap * 2 + half));
                                    let product = _mm256_madd_epi16(both[half], w);
                                    sums[pixel][half] =
                                        _mm256_add_epi32(sums[pixel][half], product);
                                }
                            }
                        }
                    }
                });
                weights = weights.add(2 * WIDTH);
            }
            if kernel_h % 2 == 1 {
                let last = row_at(kernel_h - 1);
                let mut next = load(last, 0);
                unrolled!(SEEN, column, {
                    let a = next;
                    if column + 1 < SEEN {
                        next = load(last, column + 1);
                    }
                    let both = [_mm256_unpacklo_epi16(a, next), _mm256_unpackhi_epi16(a, next)];
                    for tap in 0..WIDTH {
                        if tap % 2 == 0 && column >= tap && (column - tap) % STRIDE == 0 {
                            let pixel = (column - tap) / STRIDE;
                            if pixel < PIXELS {
                                for half in 0..2 {
                                    let w = _mm256_loadu_si256(weights.add(tap + half));
                                    let product = _mm256_madd_epi16(both[half], w);
                                    sums[pixel][half] =
                                        _mm256_add_epi32(sums[pixel][half], product);
                                }
                            }
                        }
                    }
                });
            }
        }
        let bias = &self.taps.requantize.bias[channel..channel + CHANNELS];
        for pixel in 0..PIXELS {
            for vector in 0..2 {
                // SAFETY: the bias has 16 numbers.
                let bias = unsafe { _mm256_loadu_si256(bias.as_ptr().add(vector * 8).cast()) };
                sums[pixel][vector] = _mm256_add_epi32(sums[pixel][vector], bias);
            }
        }
        sums
    }
}
