//! int8 depthwise convolution with requantization, AVX-512 VNNI.
//!
//! Computes `requantize(sum over taps of (a - za) * (w - zw))` for 32 channels at once. Two
//! taps are widened to i16 and interleaved; `vpdpwssd` multiplies the pairs with those of the
//! weights, whose zero point is subtracted already, and adds both products to 32 sums. `za`
//! is in the bias.
//!
//! Register tile: 1 pixel x 32 channels.
//!
//! Floor: a load and two shuffles for every 32 products; requantization is as much again.

use std::arch::x86_64::*;

use super::requantize::{Multipliers, OutputRange};
use crate::kernels::depthwise::Span;
use crate::kernels::depthwise_i8::TapPairs;
use crate::kernels::requantize::Requantize;
use crate::simd::{Avx512, Tile};

/// Computes the channels of a span that are in the tile.
pub(crate) fn compute(
    _: Avx512,
    input: &[i8],
    span: Span<'_>,
    border: &[i8],
    weights: &TapPairs,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
) {
    span.check(input.len(), weights.channels);
    assert!(border.len() >= weights.channels && weights.block == CHANNELS, "packed for AVX-512");
    assert_eq!(weights.pairs, span.taps.len().div_ceil(2), "as many taps as weights");
    let columns = tile.columns();
    assert!(columns.start.is_multiple_of(CHANNELS), "whole blocks");
    let start = tile.block(first_row..first_row + span.pixels, columns.clone());
    for channel in columns.clone().step_by(CHANNELS) {
        let count = CHANNELS.min(columns.end - channel);
        // SAFETY: the proof says that the machine has the instructions. Every tap has
        // `channels` numbers at each pixel (`Span::check`), the border too, and the output
        // block is inside the tile (`Tile::block` checks); all are accessed under a mask of
        // `count` channels.
        unsafe {
            let output = start.add(channel - columns.start);
            let stride = tile.row_stride();
            if q.only_right_shifts {
                block::<true>(input, span, border, weights, q, channel, count, output, stride);
            } else {
                block::<false>(input, span, border, weights, q, channel, count, output, stride);
            }
        }
    }
}

/// One block of channels of all pixels of a span.
///
/// # Safety
/// All taps, and the border, must have `count` numbers from `channel` on at every pixel; the
/// output must have as many in every row.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn block<const ONLY_RIGHT_SHIFTS: bool>(
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
    let mask = u32::MAX >> (CHANNELS - count);
    let range = OutputRange::new(q.zero_point, q.low, q.high);
    let (first, second) =
        (Multipliers::load(q, channel), Multipliers::load(q, channel + CHANNELS / 2));
    let bias = &q.bias[channel..channel + CHANNELS];
    let pairs = weights.block(channel / CHANNELS);
    // Interleaving leaves channels 0-3, 8-11, 16-19, 24-27 in one vector and the others in
    // the second: these put two vectors of sums in order.
    let order_first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    let order_second =
        _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    let load = |tap: usize, pixel: usize| {
        let numbers = match tap {
            Span::BORDER => border.as_ptr().wrapping_add(channel),
            tap => input.as_ptr().wrapping_add(tap + pixel * span.step + channel),
        };
        // SAFETY: the caller vouches for `count` numbers there.
        let narrow = unsafe { _mm256_maskz_loadu_epi8(mask, numbers) };
        _mm512_cvtepi8_epi16(narrow)
    };
    for pixel in 0..span.pixels {
        let mut sums = [_mm512_setzero_si512(); 2];
        for (pair, weights) in span.taps.chunks(2).zip(pairs.chunks_exact(2 * CHANNELS)) {
            let a = load(pair[0], pixel);
            let b = match pair.get(1) {
                Some(&tap) => load(tap, pixel),
                None => _mm512_setzero_si512(),
            };
            // SAFETY: the chunk has 64 numbers.
            let (w0, w1) = unsafe {
                let weights = weights.as_ptr().cast::<__m512i>();
                (_mm512_loadu_si512(weights), _mm512_loadu_si512(weights.add(1)))
            };
            sums[0] = _mm512_dpwssd_epi32(sums[0], _mm512_unpacklo_epi16(a, b), w0);
            sums[1] = _mm512_dpwssd_epi32(sums[1], _mm512_unpackhi_epi16(a, b), w1);
        }
        // SAFETY: `bias` has 32 numbers; the caller vouches for the output.
        unsafe {
            let bias = bias.as_ptr().cast::<__m512i>();
            let x = _mm512_permutex2var_epi32(sums[0], order_first, sums[1]);
            let y = _mm512_permutex2var_epi32(sums[0], order_second, sums[1]);
            let x = _mm512_add_epi32(x, _mm512_loadu_si512(bias));
            let y = _mm512_add_epi32(y, _mm512_loadu_si512(bias.add(1)));
            let (x, y) = if ONLY_RIGHT_SHIFTS {
                (first.apply_right_shifts(x), second.apply_right_shifts(y))
            } else {
                (first.apply(x), second.apply(y))
            };
            let both = _mm256_set_m128i(range.narrow(y), range.narrow(x));
            _mm256_mask_storeu_epi8(output.add(pixel * stride).cast(), mask, both);
        }
    }
}

/// Channels of a block.
const CHANNELS: usize = 32;
