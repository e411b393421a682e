//! int8 depthwise convolution with requantization, AVX2.
//!
//! Computes `requantize(sum over taps of (a - za) * (w - zw))` for 16 channels at once. Two
//! taps are widened to i16 and interleaved; `vpmaddwd` multiplies the pairs with those of the
//! weights, whose zero point is subtracted already, and adds both products. `za` is in the
//! bias.
//!
//! Register tile: 1 pixel x 16 channels.
//!
//! Floor: a load, two shuffles, a multiply and an addition for every 16 products.

use std::arch::x86_64::*;

use super::requantize::{Method, store_rows};
use crate::kernels::depthwise::Span;
use crate::kernels::depthwise_i8::TapPairs;
use crate::kernels::requantize::Requantize;
use crate::simd::{Avx2, Tile};

/// Computes the channels of a span that are in the tile.
pub(crate) fn compute(
    _: Avx2,
    input: &[i8],
    span: Span<'_>,
    border: &[i8],
    weights: &TapPairs,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
) {
    span.check(input.len(), weights.channels);
    assert!(border.len() >= weights.channels && weights.block == CHANNELS, "packed for AVX2");
    assert_eq!(weights.pairs, span.taps.len().div_ceil(2), "as many taps as weights");
    let columns = tile.columns();
    assert!(columns.start.is_multiple_of(CHANNELS), "whole blocks");
    let start = tile.block(first_row..first_row + span.pixels, columns.clone());
    for channel in columns.clone().step_by(CHANNELS) {
        let count = CHANNELS.min(columns.end - channel);
        // SAFETY: the proof says that the machine has the instructions. Every tap has
        // `channels` numbers at each pixel (`Span::check`), the border too, and the output
        // block is inside the tile (`Tile::block` checks); `count` of them are accessed.
        unsafe {
            let output = start.add(channel - columns.start);
            block(input, span, border, weights, q, channel, count, output, tile.row_stride());
        }
    }
}

/// One block of channels of all pixels of a span.
///
/// # Safety
/// All taps, and the border, must have `count` numbers from `channel` on at every pixel; the
/// output must have as many in every row.
#[target_feature(enable = "avx2,fma")]
unsafe fn block(
    input: &[i8],
    span: Span<'_>,
    border: &[i8],
    weights: &TapPairs,
    q: &Requantize,
    channel: usize,
    count: usize,
    output: *mut u8,
    stride: usize,
) {
    let method = Method::of(q, channel);
    let bias = &q.bias[channel..channel + CHANNELS];
    let pairs = weights.block(channel / CHANNELS);
    let load = |tap: usize, pixel: usize| {
        let numbers = match tap {
            Span::BORDER => border.as_ptr().wrapping_add(channel),
            tap => input.as_ptr().wrapping_add(tap + pixel * span.step + channel),
        };
        // SAFETY: the caller vouches for `count` numbers there; the array has 16.
        let narrow = unsafe {
            if count == CHANNELS {
                _mm_loadu_si128(numbers.cast())
            } else {
                let mut all = [0i8; CHANNELS];
                std::ptr::copy_nonoverlapping(numbers, all.as_mut_ptr(), count);
                _mm_loadu_si128(all.as_ptr().cast())
            }
        };
        _mm256_cvtepi8_epi16(narrow)
    };
    for pixel in 0..span.pixels {
        let mut sums = [_mm256_setzero_si256(); 2];
        for (pair, weights) in span.taps.chunks(2).zip(pairs.chunks_exact(2 * CHANNELS)) {
            let a = load(pair[0], pixel);
            let b = match pair.get(1) {
                Some(&tap) => load(tap, pixel),
                None => _mm256_setzero_si256(),
            };
            // SAFETY: the chunk has 32 numbers.
            let (w0, w1) = unsafe {
                let weights = weights.as_ptr().cast::<__m256i>();
                (_mm256_loadu_si256(weights), _mm256_loadu_si256(weights.add(1)))
            };
            let products = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), w0);
            sums[0] = _mm256_add_epi32(sums[0], products);
            let products = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), w1);
            sums[1] = _mm256_add_epi32(sums[1], products);
        }
        // SAFETY: `bias` has 16 numbers; the caller vouches for the output.
        unsafe {
            let bias = bias.as_ptr().cast::<__m256i>();
            let x = _mm256_add_epi32(sums[0], _mm256_loadu_si256(bias));
            let y = _mm256_add_epi32(sums[1], _mm256_loadu_si256(bias.add(1)));
            store_rows(q, channel, method, [[x, y]], output.add(pixel * stride), stride, count);
        }
    }
}

/// Channels of a block.
const CHANNELS: usize = 16;
