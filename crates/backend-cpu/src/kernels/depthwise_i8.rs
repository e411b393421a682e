//! int8 depthwise convolution with requantization.
//!
//! `out[p, c] = requantize[c](sum over taps of (a[tap, c] - za) * (w[tap, c] - zw))`.
//!
//! Vector kernels run over channels: two taps at a time are interleaved, widened to i16, and
//! multiplied and added in pairs, which is exact. Weights are packed as i16 with their zero
//! point subtracted, in pairs of taps and in the order of channels that interleaving leaves;
//! the zero point of the input only changes the bias, because taps beyond the edge read it.
//!
//! | level | channels at once | instructions for 9 taps, without requantization |
//! |---|---|---|
//! | AVX-512 | 64 | see [`super::depthwise_quads_i8`]; the next row for what that has no kernel for |
//! | AVX-512 | 32 | 9 loads, 10 interleavings, 10 multiply-accumulates |
//! | AVX2 | 16 | see [`super::depthwise_rows_i8`]; the next row for what that has no kernel for |
//! | AVX2 | 16 | 9 loads, 10 interleavings, 10 multiplies, 10 additions |
//! | NEON | 8, of 4 pixels | 36 loads, 36 widenings, 72 multiply-accumulates |
//! | portable | 8 | the compiler's choice |

use super::Kernel;
use super::depthwise::{DepthwiseWindow, RepeatedChannels, Span};
#[cfg(target_arch = "x86_64")]
use super::depthwise_quads_i8::DepthwiseQuadsI8;
#[cfg(target_arch = "x86_64")]
use super::depthwise_rows_i8::DepthwiseRowsI8;
use super::requantize::Requantize;
use crate::simd::{AlignedBytes, Inputs, Simd, Tile};

/// An int8 depthwise convolution with its weights in pairs of taps.
#[derive(Debug)]
pub(crate) struct DepthwiseI8 {
    simd: Simd,
    window: DepthwiseWindow,
    repeat: Option<RepeatedChannels>,
    weights: TapPairs,
    /// What taps beyond the edge read.
    border: Vec<i8>,
    requantize: Requantize,
}

/// Weights as i16: for each block of channels and each pair of taps, the pairs of the
/// block's channels. An odd number of taps is followed by a tap of zeros.
#[derive(Debug)]
pub(crate) struct TapPairs {
    /// The packed weights.
    pub(crate) weights: AlignedBytes,
    /// Pairs of taps.
    pub(crate) pairs: usize,
    /// Output channels.
    pub(crate) channels: usize,
    /// Channels of a block: 8 for each 128-bit lane of a vector.
    pub(crate) block: usize,
}

/// The fastest kernel that there is, with `weights[tap * channels + c]` packed for it.
/// `requantize` holds the plain bias.
pub(crate) fn depthwise_i8(
    simd: Simd,
    window: DepthwiseWindow,
    channel_multiplier: usize,
    weights: &[i8],
    (weight_zero_point, input_zero_point): (i32, i32),
    requantize: Requantize,
) -> Box<dyn Kernel> {
    #[cfg(target_arch = "x86_64")]
    if channel_multiplier == 1 {
        let zero_points = (weight_zero_point, input_zero_point);
        let kernel: Option<Box<dyn Kernel>> = match simd {
            Simd::Avx512(proof) => {
                DepthwiseQuadsI8::new(proof, &window, weights, zero_points, &requantize)
                    .map(|kernel| Box::new(kernel) as _)
            }
            Simd::Avx2(proof) => {
                DepthwiseRowsI8::new(proof, &window, weights, zero_points, &requantize)
                    .map(|kernel| Box::new(kernel) as _)
            }
            Simd::Portable(_) => None,
        };
        if let Some(kernel) = kernel {
            return kernel;
        }
    }
    Box::new(DepthwiseI8::new(
        simd,
        window,
        channel_multiplier,
        weights,
        (weight_zero_point, input_zero_point),
        requantize,
    ))
}

impl DepthwiseI8 {
    fn new(
        simd: Simd,
        window: DepthwiseWindow,
        channel_multiplier: usize,
        weights: &[i8],
        (weight_zero_point, input_zero_point): (i32, i32),
        mut requantize: Requantize,
    ) -> Self {
        let channels = weights.len() / window.taps();
        let real = |w: i8| i32::from(w) - weight_zero_point;
        for channel in 0..channels {
            let filter = weights.iter().skip(channel).step_by(channels);
            let sum = filter.map(|&w| real(w)).fold(0, i32::wrapping_add);
            requantize.take_zero_point(channel, sum, input_zero_point);
        }
        #[cfg(target_arch = "x86_64")]
        if let Simd::Avx2(_) = simd {
            requantize = requantize.interleaved();
        }
        let lanes = match simd {
            Simd::Portable(_) => 1,
            // Weights are loaded and taken apart at once.
            #[cfg(target_arch = "aarch64")]
            Simd::Neon(_) => 1,
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(_) => 2,
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(_) => 4,
        };
        Self {
            simd,
            repeat: RepeatedChannels::new(channel_multiplier, channels, window.taps()),
            window,
            weights: TapPairs::new(weights, channels, weight_zero_point, lanes),
            border: vec![input_zero_point as i8; channels],
            requantize,
        }
    }

    fn compute(&self, input: &[i8], span: Span<'_>, tile: &mut Tile<'_>, first_row: usize) {
        let (border, weights, q) = (&self.border, &self.weights, &self.requantize);
        match self.simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => crate::simd::avx512::depthwise_i8::compute(
                proof, input, span, border, weights, q, tile, first_row,
            ),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => crate::simd::avx2::depthwise_i8::compute(
                proof, input, span, border, weights, q, tile, first_row,
            ),
            #[cfg(target_arch = "aarch64")]
            Simd::Neon(proof) => crate::simd::neon::depthwise_i8::compute(
                proof, input, span, border, weights, q, tile, first_row,
            ),
            Simd::Portable(_) => {
                compute_portable(input, span, border, weights, q, tile, first_row);
            }
        }
    }
}

impl Kernel for DepthwiseI8 {
    fn name(&self) -> String {
        format!("depthwise int8 {}", self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        self.weights.weights.len() + self.requantize.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        let copy = self.repeat.as_ref().map_or(0, RepeatedChannels::elements);
        self.window.scratch_bytes() + copy * size_of::<i8>()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, scratch: &mut [u8]) {
        let input: &[i8] = inputs.numbers(0);
        let (taps, copy) = scratch.split_at_mut(self.window.scratch_bytes());
        let (taps, copy) = (bytemuck::cast_slice_mut(taps), bytemuck::cast_slice_mut(copy));
        self.window.for_each_span(tile.rows(), taps, |first_row, span| match &self.repeat {
            None => self.compute(input, span, tile, first_row),
            Some(repeat) => {
                repeat.for_each_pixel(input, span, self.border[0], copy, |pixel, copy, span| {
                    self.compute(copy, span, tile, first_row + pixel);
                });
            }
        });
    }
}

impl TapPairs {
    fn new(weights: &[i8], channels: usize, zero_point: i32, lanes: usize) -> Self {
        let taps = weights.len() / channels;
        let (pairs, block) = (taps.div_ceil(2), lanes * 8);
        let mut packed = vec![0i16; channels.next_multiple_of(block) * pairs * 2];
        for (index, packed) in packed.iter_mut().enumerate() {
            let (side, position) = (index % 2, index / 2 % block);
            let tap = index / (2 * block) % pairs * 2 + side;
            let channel = index / (2 * block * pairs) * block + interleaved(position, lanes);
            if tap < taps && channel < channels {
                let weight = weights[tap * channels + channel];
                *packed = (i32::from(weight) - zero_point) as i16;
            }
        }
        Self { weights: AlignedBytes::copied(&packed), pairs, channels, block }
    }

    /// The weights of one block of channels.
    pub(crate) fn block(&self, block: usize) -> &[i16] {
        let length = self.pairs * 2 * self.block;
        &self.weights.as_slice()[block * length..][..length]
    }
}

/// Which channel of a block is at a position after two vectors of i16 were interleaved lane
/// by lane: first the lower halves of all lanes, then the upper halves.
const fn interleaved(position: usize, lanes: usize) -> usize {
    let (half, within) = (position / (4 * lanes), position % (4 * lanes));
    within / 4 * 8 + half * 4 + within % 4
}

/// The convolution in plain Rust, 8 channels at a time.
fn compute_portable(
    input: &[i8],
    span: Span<'_>,
    border: &[i8],
    weights: &TapPairs,
    q: &Requantize,
    tile: &mut Tile<'_>,
    first_row: usize,
) {
    const BLOCK: usize = 8;
    let columns = tile.columns();
    for pixel in 0..span.pixels {
        for block in columns.start / BLOCK..columns.end.div_ceil(BLOCK) {
            let channel = block * BLOCK;
            let width = BLOCK.min(weights.channels - channel);
            let mut sums = [0i32; BLOCK];
            for (index, &tap) in span.taps.iter().enumerate() {
                let source = match tap {
                    Span::BORDER => &border[channel..],
                    tap => &input[tap + pixel * span.step + channel..],
                };
                let weights = &weights.block(block)[index / 2 * 2 * BLOCK..][..2 * BLOCK];
                for (lane, &a) in source[..width].iter().enumerate() {
                    let product = i32::from(a) * i32::from(weights[2 * lane + index % 2]);
                    sums[lane] = sums[lane].wrapping_add(product);
                }
            }
            let out = tile.row_columns(first_row + pixel, channel..channel + width);
            for (lane, out) in out.iter_mut().enumerate() {
                let sum = sums[lane].wrapping_add(q.bias[channel + lane]);
                *out = q.apply(channel + lane, sum) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::op::{Padding, Window};
    use pocketvision_core::{Element, Quantization, Shape};
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;
    use crate::kernels::float_multiplier::Rounding;
    use crate::kernels::random::Random;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(120))]
        #[test]
        fn every_level_computes_the_definition(
            (h, w, c, filters) in
                (1usize..8, 1usize..40, prop_oneof![1usize..40, 1usize..150], 1usize..3),
            (kernel_h, kernel_w, stride, dilation) in (1usize..6, 1usize..6, 1usize..3, 1usize..3),
            (top, left, bottom, right) in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
            (input_zero, weight_zero) in (-128i32..128, -128i32..128),
            output_scale in 1e-3f32..1.0, seed: u64,
        ) {
            let mut random = Random::new(seed);
            let window = Window {
                kernel_h, kernel_w, stride_h: stride, stride_w: stride,
                dilation_h: dilation, dilation_w: dilation,
                padding: Padding::Explicit { top, bottom, left, right },
            };
            let shape = Shape::new(2, h, w, c);
            let Ok((oh, ow)) = window.output(shape) else { return Ok(()) };
            let channels = c * filters;
            let (taps, pixels) = (window.taps(), 2 * oh * ow);
            let input = random.bytes(shape.elements());
            let weights = random.bytes(taps * channels);
            let bias: Vec<i32> = (0..channels).map(|_| random.below(2_001) as i32 - 1_000).collect();
            let quantization = Quantization::PerTensor { scale: 0.02, zero_point: weight_zero };
            let (from, to) = (Element::int8(0.03, input_zero), Element::int8(output_scale, 3));
            let q = |rounding| Requantize::new(rounding, &from, &quantization, &bias, None, &to);
            let definition = q(Rounding::Nearest);
            let mut expected = Vec::new();
            for pixel in 0..pixels {
                let (n, y, x) = (pixel / (oh * ow), pixel / ow % oh, pixel % ow);
                for channel in 0..channels {
                    let mut sum = bias[channel];
                    for tap in 0..taps {
                        let (ky, kx) = (tap / kernel_w, tap % kernel_w);
                        let iy = (y * stride + ky * dilation).wrapping_sub(top);
                        let ix = (x * stride + kx * dilation).wrapping_sub(left);
                        if iy < h && ix < w {
                            let a = input[((n * h + iy) * w + ix) * c + channel / filters];
                            let weight = weights[tap * channels + channel];
                            sum += (i32::from(a) - input_zero) * (i32::from(weight) - weight_zero);
                        }
                    }
                    expected.push(definition.apply(channel, sum) as u8);
                }
            }
            for level in SimdLevel::available() {
                let simd = Simd::new(level).unwrap();
                let window =
                    DepthwiseWindow::new(shape, Shape::new(2, oh, ow, channels), window);
                let zero_points = (weight_zero, input_zero);
                let q = q(simd.rounding());
                let kernel = depthwise_i8(simd, window, filters, &weights, zero_points, q);
                let mut output = vec![0; pixels * channels];
                Inputs::with(&[bytemuck::cast_slice(&input)], |inputs| {
                    let mut scratch = AlignedBytes::zeroed(kernel.scratch_bytes());
                    let mut tile = Tile::whole(&mut output, channels);
                    kernel.run(inputs, &mut tile, scratch.bytes_mut());
                });
                prop_assert_eq!(&output, &expected, "{}", level);
            }
        }
    }
}
