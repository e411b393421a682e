//! A picture's bytes to floats.

use pocketvision_core::op::Normalize;

use super::Kernel;
use crate::simd::{Inputs, Simd, Tile};

/// `out[i] = (in[i] - mean) / std` of the channel, by tiles of whole pixels.
#[derive(Debug)]
pub(crate) struct NormalizePixels {
    simd: Simd,
    /// Mean and std of each number of a block.
    means: [f32; BLOCK],
    stds: [f32; BLOCK],
}

/// Numbers that are computed alike: 16 pixels, so whole vectors of any width.
const BLOCK: usize = 48;

impl NormalizePixels {
    pub(crate) fn new(simd: Simd, op: Normalize) -> Self {
        let [means, stds] = [op.mean, op.std]
            .map(|by_channel| std::array::from_fn(|number| by_channel[number % by_channel.len()]));
        Self { simd, means, stds }
    }
}

impl NormalizePixels {
    /// Up to a block of numbers that starts with a pixel.
    #[inline(always)]
    fn normalize(&self, pixels: &[u8], out: &mut [f32]) {
        let channels = self.means.iter().zip(&self.stds);
        for ((out, &pixel), (mean, std)) in out.iter_mut().zip(pixels).zip(channels) {
            *out = (f32::from(pixel) - mean) / std;
        }
    }
}

impl Kernel for NormalizePixels {
    fn name(&self) -> String {
        format!("normalize {}", self.simd.level())
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let input = inputs.bytes(0);
        tile.for_each_run(|offset, run| {
            let run: &mut [f32] = bytemuck::cast_slice_mut(run);
            let input = &input[offset / 4..][..run.len()];
            self.simd.vectorize(
                #[inline(always)]
                || {
                    let (blocks, rest) = run.as_chunks_mut::<BLOCK>();
                    let (input_blocks, input_rest) = input.as_chunks::<BLOCK>();
                    for (block, pixels) in blocks.iter_mut().zip(input_blocks) {
                        self.normalize(pixels, block);
                    }
                    self.normalize(input_rest, rest);
                },
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimdLevel;

    #[test]
    fn every_level_normalizes_every_byte_as_defined() {
        let op = Normalize { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };
        for pixels in [1, 15, 16, 17, 256 + 5] {
            let input: Vec<u8> = (0..pixels).flat_map(|pixel| [pixel as u8; 3]).collect();
            let expected = input.iter().enumerate().map(|(i, &pixel)| op.real(pixel, i % 3));
            let expected: Vec<f32> = expected.collect();
            for level in SimdLevel::available() {
                let kernel = NormalizePixels::new(Simd::new(level).unwrap(), op);
                let mut out = vec![0.0f32; input.len()];
                Inputs::with(&[&input], |inputs| {
                    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut out);
                    let length = bytes.len();
                    kernel.run(inputs, &mut Tile::whole(bytes, length), &mut []);
                });
                assert_eq!(out, expected, "{level}, {pixels} pixels");
            }
        }
    }
}
