//! Which channel of int8 pixels is the largest, AVX2: one pixel after the other, 16 channels at a
//! time.
//!
//! Turned around, the largest number is the smallest byte, which `vphminposuw` finds among eight;
//! the first channel that equals it is the answer.
//!
//! Floor: for up to 32 channels, 2 loads and some 16 operations a pixel.

use std::arch::x86_64::*;

use crate::simd::Avx2;

/// The index of the largest channel of each pixel, the first of equal ones; how many pixels were
/// done: all but the last few, behind which no 16 numbers can be read.
///
/// # Panics
/// If there are more channels than an index can say, or not as many for each pixel.
pub(crate) fn first_largest(_: Avx2, scores: &[i8], channels: usize, indices: &mut [u8]) -> usize {
    assert!((1..=256).contains(&channels), "an index is a byte");
    assert!(scores.len() == indices.len() * channels, "as many channels for each pixel");
    let Some(room) = scores.len().checked_sub(channels.next_multiple_of(WIDTH)) else { return 0 };
    let done = room / channels + 1;
    for (pixel, index) in indices[..done].iter_mut().enumerate() {
        // SAFETY: the proof says that the machine has the instructions, and `done` leaves room for
        // whole vectors behind the first channel of each pixel.
        *index = unsafe { first_largest_of_one(scores.as_ptr().add(pixel * channels), channels) };
    }
    done
}

/// # Safety
/// So many channels, padded to whole vectors, must be readable.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn first_largest_of_one(scores: *const i8, channels: usize) -> u8 {
    let lanes = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    // The largest number becomes 0, and what is beyond the last channel 255.
    let turned = |first: usize| {
        let count = _mm_set1_epi8((channels - first).min(WIDTH) as i8);
        let beyond = _mm_cmpgt_epi8(lanes, _mm_sub_epi8(count, _mm_set1_epi8(1)));
        // SAFETY: the caller vouches for whole vectors.
        let numbers = unsafe { _mm_loadu_si128(scores.add(first).cast()) };
        _mm_or_si128(_mm_xor_si128(numbers, _mm_set1_epi8(i8::MAX)), beyond)
    };
    let mut least = turned(0);
    for first in (WIDTH..channels).step_by(WIDTH) {
        least = _mm_min_epu8(least, turned(first));
    }
    let of_pairs = _mm_min_epu8(least, _mm_srli_epi16::<8>(least));
    let of_all = _mm_minpos_epu16(_mm_and_si128(of_pairs, _mm_set1_epi16(0xff)));
    let of_all = _mm_shuffle_epi8(of_all, _mm_setzero_si128());
    for first in (0..channels).step_by(WIDTH) {
        let equal = _mm_movemask_epi8(_mm_cmpeq_epi8(turned(first), of_all));
        if equal != 0 {
            return (first + equal.trailing_zeros() as usize) as u8;
        }
    }
    unreachable!("one of the numbers is the largest")
}

/// Channels of a vector.
const WIDTH: usize = 16;
