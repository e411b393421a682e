//! Which channel is the largest, pixel by pixel.
//!
//! Maps are large and channels few: 19 for each of 263,169 pixels. int8 numbers are compared a
//! pixel at once where the level has a kernel for it. Otherwise a block of pixels is turned
//! so that their numbers of one channel are neighbours, and the channels are then compared one
//! after the other, many pixels at once.

use std::fmt;
use std::marker::PhantomData;

use bytemuck::Pod;

use super::Kernel;
use crate::simd::{Inputs, Simd, Tile};

/// Index of the largest channel as a byte, or as an int32 where there are more than 256.
#[derive(Debug)]
pub(crate) struct ArgMaxKernel<T> {
    simd: Simd,
    channels: usize,
    numbers: PhantomData<T>,
}

impl<T> ArgMaxKernel<T> {
    pub(crate) const fn new(simd: Simd, channels: usize) -> Self {
        Self { simd, channels, numbers: PhantomData }
    }
}

/// Numbers that can be compared.
pub(crate) trait Score: Pod + PartialOrd + fmt::Debug + Send + Sync {
    /// The index of the largest of at most 256 channels for some first pixels, if the level has a
    /// kernel for it; for how many.
    fn first_largest(_: Simd, _: &[Self], _channels: usize, _indices: &mut [u8]) -> usize {
        0
    }
}

impl Score for f32 {}

impl Score for i8 {
    fn first_largest(simd: Simd, scores: &[i8], channels: usize, indices: &mut [u8]) -> usize {
        match simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => {
                crate::simd::avx2::arg_max::first_largest(proof.into(), scores, channels, indices)
            }
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => {
                crate::simd::avx2::arg_max::first_largest(proof, scores, channels, indices)
            }
            _ => 0,
        }
    }
}

impl<T: Score> Kernel for ArgMaxKernel<T> {
    fn name(&self) -> String {
        format!("arg max {}", self.simd.level())
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let (scores, channels): (&[T], usize) = (inputs.numbers(0), self.channels);
        if channels <= 256 {
            tile.for_each_run(|first, indices| {
                let scores = &scores[first * channels..][..indices.len() * channels];
                let done = T::first_largest(self.simd, scores, channels, indices);
                let (scores, indices) = (&scores[done * channels..], &mut indices[done..]);
                self.simd.vectorize(
                    #[inline(always)]
                    || first_largest(scores, channels, indices),
                );
            });
            return;
        }
        tile.for_each_run(|offset, bytes| {
            let indices: &mut [i32] = bytemuck::cast_slice_mut(bytes);
            let scores = scores[offset / size_of::<i32>() * channels..].chunks_exact(channels);
            for (index, scores) in indices.iter_mut().zip(scores) {
                *index = first_largest_of_one(scores) as i32;
            }
        });
    }
}

/// Pixels that are compared at once.
const BLOCK: usize = 32;

/// The index of the largest channel of each pixel; of equal ones, the first.
#[inline(always)]
fn first_largest<T: Pod + PartialOrd>(scores: &[T], channels: usize, indices: &mut [u8]) {
    let (blocks, rest) = indices.as_chunks_mut::<BLOCK>();
    let (whole, tail) = scores.split_at(blocks.len() * BLOCK * channels);
    for (indices, scores) in blocks.iter_mut().zip(whole.chunks_exact(BLOCK * channels)) {
        let of_channel = |channel: usize| -> [T; BLOCK] {
            std::array::from_fn(|pixel| scores[pixel * channels + channel])
        };
        let mut largest = of_channel(0);
        let mut best = [0u8; BLOCK];
        for channel in 1..channels {
            let numbers = of_channel(channel);
            for pixel in 0..BLOCK {
                let better = numbers[pixel] > largest[pixel];
                largest[pixel] = if better { numbers[pixel] } else { largest[pixel] };
                best[pixel] = if better { channel as u8 } else { best[pixel] };
            }
        }
        *indices = best;
    }
    for (index, scores) in rest.iter_mut().zip(tail.chunks_exact(channels)) {
        *index = first_largest_of_one(scores) as u8;
    }
}

fn first_largest_of_one<T: Copy + PartialOrd>(scores: &[T]) -> usize {
    let mut best = 0;
    for (index, &score) in scores.iter().enumerate() {
        if score > scores[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimdLevel;

    #[test]
    fn blocks_and_single_pixels_agree_at_every_level() {
        for level in SimdLevel::available() {
            let simd = Simd::new(level).unwrap();
            for (pixels, channels) in
                [(1, 1), (1, 19), (31, 5), (32, 16), (32, 19), (100, 256), (65, 7), (33, 300)]
            {
                // Pixels of one number, of many, and of few, so that several are the largest.
                let number = |i: usize| match i / channels % 3 {
                    0 => i8::MIN,
                    1 => (i * 7919 % 251) as u8 as i8,
                    _ => (i * 7919 % 11) as i8 - 5,
                };
                let scores: Vec<i8> = (0..pixels * channels).map(number).collect();
                let expected: Vec<usize> =
                    scores.chunks_exact(channels).map(first_largest_of_one).collect();
                let index_bytes = if channels <= 256 { 1 } else { 4 };
                let mut output = vec![0u8; pixels * index_bytes];
                Inputs::with(&[bytemuck::cast_slice(&scores)], |inputs| {
                    let mut tile = Tile::whole(&mut output, index_bytes);
                    ArgMaxKernel::<i8>::new(simd, channels).run(inputs, &mut tile, &mut []);
                });
                let ours: Vec<usize> = output
                    .chunks_exact(index_bytes)
                    .map(|bytes| {
                        usize::from(bytes[0]) + 256 * bytes.get(1).map_or(0, |&b| usize::from(b))
                    })
                    .collect();
                assert_eq!(ours, expected, "{level}, {pixels} pixels of {channels}");
            }
        }
    }
}
