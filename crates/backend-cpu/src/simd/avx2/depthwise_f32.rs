//! f32 depthwise convolution with bias and activation, AVX2 and FMA.
//!
//! Computes `activation(bias + sum over taps of a * w)` for 8 channels at once.
//!
//! Register tile: 4 pixels x 8 channels, so that a weight is loaded once for four pixels.
//!
//! Floor: five loads for four fused multiply-adds, two or three loads of which start a cycle.

use std::arch::x86_64::*;

use super::epilogue_f32;
use crate::kernels::depthwise::Span;
use crate::kernels::depthwise_f32::TapsF32;
use crate::kernels::epilogue_f32::EpilogueF32;
use crate::simd::{Avx2, Tile};

/// Computes the channels of a span that are in the tile.
pub(crate) fn compute(
    _: Avx2,
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
        let count = CHANNELS.min(columns.end - channel);
        // SAFETY: the proof says that the machine has the instructions. Every tap has
        // `channels` numbers at each pixel (`Span::check`), weights, bias and border have
        // `padded` (checked above, a cache line being twice a block), and the output block is
        // inside the tile (`Tile::block` checks); `count` channels of input and output are
        // accessed.
        unsafe {
            let output = output.add(channel - columns.start);
            let mut pixel = 0;
            while pixel < span.pixels {
                let block = Block {
                    input: input.as_ptr(),
                    weights,
                    epilogue,
                    channel,
                    count,
                    output: output.add(pixel * stride),
                    stride,
                };
                pixel += match (span.pixels - pixel, count) {
                    (4.., CHANNELS) => block.pixels::<4, false>(span, pixel),
                    (4.., _) => block.pixels::<4, true>(span, pixel),
                    (_, CHANNELS) => block.pixels::<1, false>(span, pixel),
                    _ => block.pixels::<1, true>(span, pixel),
                };
            }
        }
    }
}

/// A block of channels of some pixels.
#[derive(Clone, Copy)]
struct Block<'a> {
    input: *const f32,
    weights: &'a TapsF32,
    epilogue: EpilogueF32,
    channel: usize,
    /// Channels that there are, 8 at most.
    count: usize,
    output: *mut f32,
    stride: usize,
}

impl Block<'_> {
    /// Computes `PIXELS` pixels; their number. Fewer than 8 channels are `MASKED`.
    ///
    /// # Safety
    /// All taps must have `count` numbers from `channel` on at every pixel; weights, bias and
    /// border must have 8; the output must have `count` in every row.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn pixels<const PIXELS: usize, const MASKED: bool>(
        self,
        span: Span<'_>,
        first: usize,
    ) -> usize {
        let mask = epilogue_f32::first(self.count);
        let weights: *const f32 = self.weights.weights.bytes().as_ptr().cast();
        let bias: *const f32 = self.weights.bias.bytes().as_ptr().cast();
        let border: *const f32 = self.weights.border.bytes().as_ptr().cast();
        // SAFETY: the caller vouches for all of them.
        unsafe {
            let mut sums = [_mm256_loadu_ps(bias.add(self.channel)); PIXELS];
            for (index, &tap) in span.taps.iter().enumerate() {
                let w = _mm256_loadu_ps(weights.add(index * self.weights.padded + self.channel));
                let (start, step) = match tap {
                    Span::BORDER => (border, 0),
                    tap => (self.input.add(tap + first * span.step), span.step),
                };
                for pixel in 0..PIXELS {
                    let numbers = start.add(pixel * step + self.channel);
                    let a = match MASKED {
                        true => _mm256_maskload_ps(numbers, mask),
                        false => _mm256_loadu_ps(numbers),
                    };
                    sums[pixel] = _mm256_fmadd_ps(a, w, sums[pixel]);
                }
            }
            for pixel in 0..PIXELS {
                let activated = epilogue_f32::apply(self.epilogue, sums[pixel]);
                epilogue_f32::store_first(
                    self.output.add(pixel * self.stride),
                    activated,
                    if MASKED { self.count } else { CHANNELS },
                );
            }
        }
        PIXELS
    }
}

/// Channels of a block.
const CHANNELS: usize = 8;
