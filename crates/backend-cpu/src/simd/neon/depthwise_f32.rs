//! f32 depthwise convolution with bias and activation, NEON.
//!
//! Computes `activation(bias + sum over taps of a * w)` for 8 channels at once.
//!
//! Register tile: 4 pixels x 8 channels: 8 accumulators, so that a weight is loaded once for
//! four pixels.
//!
//! Floor: ten loads, in pairs, for eight fused multiply-adds of 4 products each.

use std::arch::aarch64::*;

use super::epilogue_f32;
use crate::kernels::depthwise::Span;
use crate::kernels::depthwise_f32::TapsF32;
use crate::kernels::epilogue_f32::EpilogueF32;
use crate::simd::{Neon, Tile};

/// Computes the channels of a span that are in the tile.
pub(crate) fn compute(
    _: Neon,
    input: &[f32],
    span: Span<'_>,
    weights: &TapsF32,
    epilogue: EpilogueF32,
    tile: &mut Tile<'_>,
    first_row: usize,
) {
    span.check(input.len(), weights.channels);
    assert!(
        weights.weights.len() >= span.taps.len() * weights.padded * 4
            && weights.bias.len() >= weights.channels * 4
            && weights.border.len() >= weights.padded * 4
            && weights.padded >= weights.channels.next_multiple_of(CHANNELS),
        "as many taps as weights"
    );
    let columns = tile.columns_of::<f32>();
    assert!(columns.start.is_multiple_of(CHANNELS), "whole blocks");
    let output: *mut f32 = tile.block(first_row..first_row + span.pixels, tile.columns()).cast();
    let stride = tile.row_stride() / 4;
    for channel in columns.clone().step_by(CHANNELS) {
        let block = Block {
            input: input.as_ptr(),
            weights,
            epilogue,
            channel,
            count: CHANNELS.min(columns.end - channel),
            output: output.wrapping_add(channel - columns.start),
            stride,
        };
        // SAFETY: the proof says that the machine has the instructions. Every tap has
        // `channels` numbers at each pixel (`Span::check`), weights, bias and border have
        // `padded` (checked above, a cache line being two blocks), and the output block is
        // inside the tile (`Tile::block` checks); `count` channels of input and output are
        // accessed.
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
    input: *const f32,
    weights: &'a TapsF32,
    epilogue: EpilogueF32,
    channel: usize,
    /// Channels that there are, of the block's.
    count: usize,
    output: *mut f32,
    stride: usize,
}

impl Block<'_> {
    /// Computes all pixels of a span; `WHOLE` blocks have all their channels.
    ///
    /// # Safety
    /// All taps must have `count` numbers from `channel` on at every pixel; weights, bias and
    /// border must have 8; the output must have `count` in every row.
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
        let weights: *const f32 = self.weights.weights.bytes().as_ptr().cast();
        let bias: *const f32 = self.weights.bias.bytes().as_ptr().cast();
        let border: *const f32 = self.weights.border.bytes().as_ptr().cast();
        // SAFETY: the caller vouches for all of them.
        unsafe {
            let bias = bias.add(self.channel);
            let mut sums = [[vld1q_f32(bias), vld1q_f32(bias.add(4))]; PIXELS];
            for (index, &tap) in span.taps.iter().enumerate() {
                let w = weights.add(index * self.weights.padded + self.channel);
                let w = [vld1q_f32(w), vld1q_f32(w.add(4))];
                let (start, step) = match tap {
                    Span::BORDER => (border, 0),
                    tap => (self.input.add(tap + first * span.step), span.step),
                };
                for pixel in 0..PIXELS {
                    let numbers = start.add(pixel * step + self.channel);
                    let a = if WHOLE {
                        [vld1q_f32(numbers), vld1q_f32(numbers.add(4))]
                    } else {
                        load_first(numbers, self.count)
                    };
                    for vector in 0..2 {
                        sums[pixel][vector] = vfmaq_f32(sums[pixel][vector], a[vector], w[vector]);
                    }
                }
            }
            for pixel in 0..PIXELS {
                let to = self.output.add((first + pixel) * self.stride);
                let count = if WHOLE { CHANNELS } else { self.count };
                epilogue_f32::store_first(self.epilogue, to, sums[pixel], count);
            }
        }
        PIXELS
    }
}

/// The first `count` of 8 numbers, and zeros.
///
/// # Safety
/// There must be as many.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn load_first(numbers: *const f32, count: usize) -> [float32x4_t; 2] {
    let mut all = [0f32; CHANNELS];
    // SAFETY: the caller vouches for `count` numbers; the array has 8.
    unsafe {
        std::ptr::copy_nonoverlapping(numbers, all.as_mut_ptr(), count.min(CHANNELS));
        [vld1q_f32(all.as_ptr()), vld1q_f32(all.as_ptr().add(4))]
    }
}

/// Channels of a block.
const CHANNELS: usize = 8;
