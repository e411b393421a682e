//! From the sums of int8 depthwise convolutions to their outputs, AVX-512.
//!
//! Sums are those of 64 channels of a pixel, or of fewer channels of several pixels, in four
//! vectors: [`crate::kernels::depthwise_quads_i8`].

use std::arch::x86_64::*;

use super::requantize::{Multipliers, OutputRange};
use crate::kernels::requantize::Requantize;

/// Requantizes the sums of `$steps` times `$pixels` pixels in floats and writes them. If they are
/// not `$signed`, outputs must start at the zero point.
///
/// A macro and no function, since passing the array would put it into memory.
macro_rules! store_floats {
    (
        $signed:literal, $sums:expr, $pixels:expr, $steps:expr, $groups:expr, $q:expr,
        $channel:expr, $output:expr
    ) => {{
        for vector in 0..4 {
            let floats = FloatMultipliers::load($q, $channel + vector * 16);
            for step in 0..$steps {
                for pixel in 0..$pixels {
                    let sum = &mut $sums[step][pixel][vector];
                    *sum = floats.apply::<$signed>(*sum);
                }
            }
        }
        let range = OutputRange::new($q.zero_point, $q.low, $q.high);
        for step in 0..$steps {
            for pixel in 0..$pixels {
                let numbers = range.narrow_in_order::<$signed>($sums[step][pixel]);
                $output.store::<{ $groups }>(numbers, step * $pixels + pixel, $steps * $pixels);
            }
        }
    }};
}
pub(super) use store_floats;

/// Requantizes sums in integers and writes them.
///
/// # Safety
/// The output must have `count` pixels, and the channels in each.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn store_integers<const PIXELS: usize, const GROUPS: usize>(
    sums: &[[[__m512i; 4]; PIXELS]],
    q: &Requantize,
    channel: usize,
    output: Output,
) {
    let range = OutputRange::new(q.zero_point, q.low, q.high);
    let all = sums.as_flattened();
    for (index, sums) in all.iter().enumerate() {
        let mut scaled = *sums;
        for vector in 0..4 {
            scaled[vector] = Multipliers::load(q, channel + vector * 16).apply(sums[vector]);
        }
        let numbers = range.narrow_in_order::<true>(scaled);
        // SAFETY: the caller vouches for the output.
        unsafe { output.store::<GROUPS>(numbers, index, all.len()) };
    }
}

/// Where pixels go.
#[derive(Clone, Copy)]
pub(super) struct Output {
    pub(super) start: *mut u8,
    pub(super) stride: usize,
    /// Pixels that there are.
    pub(super) count: usize,
    /// A bit for each channel.
    pub(super) mask: u64,
}

impl Output {
    /// Writes a pixel, or one of each group: they are so many pixels apart.
    ///
    /// # Safety
    /// The output must have `count` pixels, and the mask's channels in each.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    pub(super) unsafe fn store<const GROUPS: usize>(
        self,
        numbers: __m512i,
        pixel: usize,
        apart: usize,
    ) {
        let to = |group: usize| self.start.wrapping_add((pixel + group * apart) * self.stride);
        let is = |group: usize| pixel + group * apart < self.count;
        // SAFETY: the caller vouches for pixels below `count`; the mask ends where the channels
        // do.
        unsafe {
            match GROUPS {
                1 if is(0) => _mm512_mask_storeu_epi8(to(0).cast(), self.mask, numbers),
                2 => {
                    let halves =
                        [_mm512_castsi512_si256(numbers), _mm512_extracti64x4_epi64::<1>(numbers)];
                    for group in 0..2 {
                        if is(group) {
                            let mask = self.mask as u32;
                            _mm256_mask_storeu_epi8(to(group).cast(), mask, halves[group]);
                        }
                    }
                }
                4 => {
                    let quarters = [
                        _mm512_castsi512_si128(numbers),
                        _mm512_extracti32x4_epi32::<1>(numbers),
                        _mm512_extracti32x4_epi32::<2>(numbers),
                        _mm512_extracti32x4_epi32::<3>(numbers),
                    ];
                    for group in 0..4 {
                        if is(group) {
                            let mask = self.mask as u16;
                            _mm_mask_storeu_epi8(to(group).cast(), mask, quarters[group]);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}
