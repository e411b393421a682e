//! int8 depthwise convolution with requantization, NEON.
//!
//! Computes `requantize(sum over taps of (a - za) * (w - zw))` for 8 channels at once. Numbers
//! are widened to i16 and multiplied with weights whose zero point is subtracted already;
//! `smlal` adds four products to i32 sums. `za` is in the bias.
//!
//! Register tile: 4 pixels x 8 channels: 8 accumulators; the weights of two taps are loaded, and
//! taken apart, once for four pixels.
//!
//! Floor: a load, an instruction that widens and two multiply-adds for every 8 products.

use std::arch::aarch64::*;

use super::requantize::{Multipliers, OutputRange, store_first};
use crate::kernels::depthwise::Span;
use crate::kernels::depthwise_i8::TapPairs;
use crate::kernels::requantize::Requantize;
use crate::simd::{Neon, Tile};

/// Computes the channels of a span that are in the tile.
pub(crate) fn compute(
    _: Neon,
    input: &[i8],
    span: Span<'_>,
    border: &[i8],
    weights: &TapPairs,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
) {
    span.check(input.len(), weights.channels);
    assert!(border.len() >= weights.channels && weights.block == CHANNELS, "packed for NEON");
    assert_eq!(weights.pairs, span.taps.len().div_ceil(2), "as many taps as weights");
    let columns = tile.columns();
    assert!(columns.start.is_multiple_of(CHANNELS), "whole blocks");
    let start = tile.block(first_row..first_row + span.pixels, columns.clone());
    for channel in columns.clone().step_by(CHANNELS) {
        let block = Block {
            input: input.as_ptr(),
            border: border.as_ptr(),
            weights: weights.block(channel / CHANNELS),
            q,
            channel,
            count: CHANNELS.min(columns.end - channel),
            output: start.wrapping_add(channel - columns.start),
            stride: tile.row_stride(),
        };
        // SAFETY: the proof says that the machine has the instructions. Every tap has
        // `channels` numbers at each pixel (`Span::check`), the border too, and the output
        // block is inside the tile (`Tile::block` checks); `count` of them are accessed.
        unsafe {
            match block.count {
                CHANNELS => block.all_pixels::<true>(span),
                _ => block.all_pixels::<false>(span),
            }
        }
    }
}

/// A block of channels.
#[derive(Clone, Copy)]
struct Block<'a> {
    input: *const i8,
    border: *const i8,
    /// Of each pair of taps.
    weights: &'a [i16],
    q: &'a Requantize,
    channel: usize,
    /// Channels that there are, of the block's.
    count: usize,
    output: *mut u8,
    stride: usize,
}

impl Block<'_> {
    /// Computes all pixels of a span; `WHOLE` blocks have all their channels.
    ///
    /// # Safety
    /// All taps, and the border, must have `count` numbers from `channel` on at every pixel; the
    /// output must have as many in every row.
    #[target_feature(enable = "neon")]
    unsafe fn all_pixels<const WHOLE: bool>(self, span: Span<'_>) {
        let mut pixel = 0;
        while pixel < span.pixels {
            // SAFETY: the caller vouches for every pixel.
            pixel += unsafe {
                match span.pixels - pixel {
                    4.. => self.pixels::<4, WHOLE>(span, pixel),
                    _ => self.pixels::<1, WHOLE>(span, pixel),
                }
            };
        }
    }

    /// Computes `PIXELS` pixels; their number.
    ///
    /// # Safety
    /// As [`Self::all_pixels`], for these pixels.
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn pixels<const PIXELS: usize, const WHOLE: bool>(
        self,
        span: Span<'_>,
        first: usize,
    ) -> usize {
        let bias: &[i32; CHANNELS] =
            self.q.bias[self.channel..][..CHANNELS].try_into().expect("a block of channels");
        let pairs = span.taps.chunks(2).zip(self.weights.chunks_exact(2 * CHANNELS));
        // SAFETY: the caller vouches for input, border and output; the bias has 8 numbers, the
        // chunk of weights 16.
        unsafe {
            let mut sums = [[vld1q_s32(bias.as_ptr()), vld1q_s32(bias.as_ptr().add(4))]; PIXELS];
            for (pair, weights) in pairs {
                let int16x8x2_t(w0, w1) = vld2q_s16(weights.as_ptr());
                self.add_tap::<PIXELS, WHOLE>(&mut sums, span, first, pair[0], w0);
                if let Some(&tap) = pair.get(1) {
                    self.add_tap::<PIXELS, WHOLE>(&mut sums, span, first, tap, w1);
                }
            }
            self.store(first, &sums);
        }
        PIXELS
    }

    /// Adds the products of one tap.
    ///
    /// # Safety
    /// As [`Self::all_pixels`], for `PIXELS` pixels from `first` on.
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn add_tap<const PIXELS: usize, const WHOLE: bool>(
        self,
        sums: &mut [[int32x4_t; 2]; PIXELS],
        span: Span<'_>,
        first: usize,
        tap: usize,
        w: int16x8_t,
    ) {
        let (start, step) = match tap {
            Span::BORDER => (self.border, 0),
            tap => (self.input.wrapping_add(tap + first * span.step), span.step),
        };
        for pixel in 0..PIXELS {
            let numbers = start.wrapping_add(pixel * step + self.channel);
            // SAFETY: the caller vouches for `count` numbers there.
            let a =
                unsafe { if WHOLE { vld1_s8(numbers) } else { load_first(numbers, self.count) } };
            let a = vmovl_s8(a);
            let [x, y] = sums[pixel];
            sums[pixel] = [vmlal_s16(x, vget_low_s16(a), vget_low_s16(w)), vmlal_high_s16(y, a, w)];
        }
    }

    /// Requantizes and writes the sums of some pixels from one on.
    ///
    /// # Safety
    /// The output must have `count` channels of each.
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn store(self, first: usize, sums: &[[int32x4_t; 2]]) {
        let range = OutputRange::new(self.q.zero_point, self.q.low, self.q.high);
        let multipliers = Multipliers::load(self.q, self.channel);
        for (pixel, &[x, y]) in sums.iter().enumerate() {
            let scaled = if self.q.only_right_shifts {
                [multipliers[0].apply_right_shifts(x), multipliers[1].apply_right_shifts(y)]
            } else {
                [multipliers[0].apply(x), multipliers[1].apply(y)]
            };
            // SAFETY: the caller vouches for the output.
            unsafe {
                let to = self.output.add((first + pixel) * self.stride);
                store_first(to, range.narrow(scaled), self.count);
            }
        }
    }
}

/// The first `count` of 8 numbers, and zeros.
///
/// # Safety
/// There must be as many.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn load_first(numbers: *const i8, count: usize) -> int8x8_t {
    let mut all = [0i8; CHANNELS];
    // SAFETY: the caller vouches for `count` numbers; the array has 8.
    unsafe {
        std::ptr::copy_nonoverlapping(numbers, all.as_mut_ptr(), count.min(CHANNELS));
        vld1_s8(all.as_ptr())
    }
}

/// Channels of a block.
const CHANNELS: usize = 8;
