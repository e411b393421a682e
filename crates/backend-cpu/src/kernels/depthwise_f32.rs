//! f32 depthwise convolution with bias and activation.
//!
//! `out[p, c] = activation(bias[c] + sum over taps of a[tap, c] * w[tap, c])`, summed in the
//! order of the taps.
//!
//! | level | channels at once | register tile |
//! |---|---|---|
//! | AVX-512 | 16 | 8 pixels by rows of the kernel, or 4 pixels |
//! | AVX2 | 8 | the same |
//! | NEON | 4, or 8 for what that has no kernel for | the same |
//! | portable | 8 | 1 pixel |

use pocketvision_core::op::ActivationKind;

use super::Kernel;
use super::depthwise::{DepthwiseWindow, RepeatedChannels, Span};
use super::epilogue_f32::{EpilogueF32, second_pass};
use crate::simd::{AlignedBytes, Inputs, Simd, Tile};

/// An f32 depthwise convolution with its weights.
#[derive(Debug)]
pub(crate) struct DepthwiseF32 {
    simd: Simd,
    window: DepthwiseWindow,
    repeat: Option<RepeatedChannels>,
    weights: TapsF32,
    epilogue: EpilogueF32,
    second_pass: Option<ActivationKind>,
}

/// Weights and bias, each tap's channels padded with zeros.
#[derive(Debug)]
pub(crate) struct TapsF32 {
    /// `weights[tap * padded + c]`.
    pub(crate) weights: AlignedBytes,
    /// `bias[c]`.
    pub(crate) bias: AlignedBytes,
    /// What taps beyond the edge read: zeros.
    pub(crate) border: AlignedBytes,
    /// Output channels.
    pub(crate) channels: usize,
    /// Output channels, padded.
    pub(crate) padded: usize,
}

impl DepthwiseF32 {
    /// Packs `weights[tap * channels + c]`.
    pub(crate) fn new(
        simd: Simd,
        window: DepthwiseWindow,
        channel_multiplier: usize,
        weights: &[f32],
        bias: &[f32],
        activation: Option<ActivationKind>,
    ) -> Self {
        let repeat = RepeatedChannels::new(channel_multiplier, bias.len(), window.taps());
        let weights = TapsF32::new(weights, bias);
        let (epilogue, second_pass) = EpilogueF32::new(activation);
        Self { simd, window, repeat, weights, epilogue, second_pass }
    }

    fn compute(&self, input: &[f32], span: Span<'_>, tile: &mut Tile<'_>, first_row: usize) {
        let (weights, epilogue) = (&self.weights, self.epilogue);
        match self.simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => crate::simd::avx512::depthwise_f32::compute(
                proof, input, span, weights, epilogue, tile, first_row,
            ),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => crate::simd::avx2::depthwise_f32::compute(
                proof, input, span, weights, epilogue, tile, first_row,
            ),
            #[cfg(target_arch = "aarch64")]
            Simd::Neon(proof) => crate::simd::neon::depthwise_f32::compute(
                proof, input, span, weights, epilogue, tile, first_row,
            ),
            Simd::Portable(_) => {
                compute_portable(input, span, weights, epilogue, tile, first_row);
            }
        }
    }

    fn second_pass(&self, tile: &mut Tile<'_>) {
        let (rows, columns) = (tile.rows(), tile.columns_of::<f32>());
        second_pass(self.second_pass, tile, rows, columns);
    }
}

impl Kernel for DepthwiseF32 {
    fn name(&self) -> String {
        format!("depthwise f32 {}", self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        self.weights.weights.len() + self.weights.bias.len()
    }

    fn scratch_bytes(&self) -> usize {
        let copy = self.repeat.as_ref().map_or(0, RepeatedChannels::elements);
        self.window.scratch_bytes() + copy * size_of::<f32>()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, scratch: &mut [u8]) {
        let input: &[f32] = inputs.numbers(0);
        #[cfg(target_arch = "x86_64")]
        if let (None, Some(window)) = (&self.repeat, self.window.rows()) {
            use crate::simd::{avx2, avx512};
            let (geometry, weights, epilogue) = (&self.window, &self.weights, self.epilogue);
            let done = match self.simd {
                Simd::Avx512(proof) if avx512::depthwise_rows_f32::supports(&window) => {
                    avx512::depthwise_rows_f32::compute(
                        proof, input, geometry, &window, weights, epilogue, tile,
                    );
                    true
                }
                Simd::Avx2(proof) if avx2::depthwise_rows_f32::supports(&window) => {
                    avx2::depthwise_rows_f32::compute(
                        proof, input, geometry, &window, weights, epilogue, tile,
                    );
                    true
                }
                _ => false,
            };
            if done {
                return self.second_pass(tile);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if let (Simd::Neon(proof), None, Some(window)) =
            (self.simd, &self.repeat, self.window.rows())
            && crate::simd::neon::depthwise_rows_f32::supports(&window)
        {
            crate::simd::neon::depthwise_rows_f32::compute(
                proof,
                input,
                &self.window,
                &window,
                &self.weights,
                self.epilogue,
                tile,
            );
            self.second_pass(tile);
            return;
        }
        let (taps, copy) = scratch.split_at_mut(self.window.scratch_bytes());
        let (taps, copy) = (bytemuck::cast_slice_mut(taps), bytemuck::cast_slice_mut(copy));
        self.window.for_each_span(tile.rows(), taps, |first_row, span| match &self.repeat {
            None => self.compute(input, span, tile, first_row),
            Some(repeat) => {
                repeat.for_each_pixel(input, span, 0.0, copy, |pixel, copy, span| {
                    self.compute(copy, span, tile, first_row + pixel);
                });
            }
        });
        self.second_pass(tile);
    }
}

impl TapsF32 {
    fn new(weights: &[f32], bias: &[f32]) -> Self {
        let channels = bias.len();
        let padded = channels.next_multiple_of(16);
        let mut packed = vec![0f32; weights.len() / channels * padded];
        for (to, from) in packed.chunks_exact_mut(padded).zip(weights.chunks_exact(channels)) {
            to[..channels].copy_from_slice(from);
        }
        Self {
            weights: AlignedBytes::copied(&packed),
            bias: AlignedBytes::copied(bias),
            border: AlignedBytes::zeroed(padded * 4),
            channels,
            padded,
        }
    }
}

/// The convolution in plain Rust, 8 channels at a time.
fn compute_portable(
    input: &[f32],
    span: Span<'_>,
    weights: &TapsF32,
    epilogue: EpilogueF32,
    tile: &mut Tile<'_>,
    first_row: usize,
) {
    const BLOCK: usize = 8;
    let columns = tile.columns_of::<f32>();
    let (all_weights, bias): (&[f32], &[f32]) =
        (weights.weights.as_slice(), weights.bias.as_slice());
    for pixel in 0..span.pixels {
        for channel in columns.clone().step_by(BLOCK) {
            let width = BLOCK.min(columns.end - channel);
            let mut sums = [0f32; BLOCK];
            sums[..width].copy_from_slice(&bias[channel..channel + width]);
            for (index, &tap) in span.taps.iter().enumerate() {
                if tap == Span::BORDER {
                    continue;
                }
                let source = &input[tap + pixel * span.step + channel..][..width];
                let weights = &all_weights[index * weights.padded + channel..][..width];
                for ((sum, a), w) in sums.iter_mut().zip(source).zip(weights) {
                    *sum += a * w;
                }
            }
            let bytes = channel * 4..(channel + width) * 4;
            let bytes = tile.row_columns(first_row + pixel, bytes);
            let out: &mut [f32] = bytemuck::cast_slice_mut(bytes);
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = epilogue.apply(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::Shape;
    use pocketvision_core::op::{Padding, Window};
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;
    use crate::kernels::random::Random;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(80))]
        #[test]
        fn every_level_is_within_rounding_of_the_definition(
            (h, w, c, filters) in (1usize..8, 1usize..20, 1usize..80, 1usize..3),
            (kernel_h, kernel_w, stride, dilation) in (1usize..6, 1usize..6, 1usize..3, 1usize..3),
            (top, left, bottom, right) in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
            seed: u64,
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
            let input = random.numbers(shape.elements());
            let weights = random.numbers(taps * channels);
            let bias = random.numbers(channels);
            let mut expected = Vec::new();
            for pixel in 0..pixels {
                let (n, y, x) = (pixel / (oh * ow), pixel / ow % oh, pixel % ow);
                for channel in 0..channels {
                    let (mut sum, mut size) = (f64::from(bias[channel]), 1.0);
                    for tap in 0..taps {
                        let (ky, kx) = (tap / kernel_w, tap % kernel_w);
                        let iy = (y * stride + ky * dilation).wrapping_sub(top);
                        let ix = (x * stride + kx * dilation).wrapping_sub(left);
                        if iy < h && ix < w {
                            let a = input[((n * h + iy) * w + ix) * c + channel / filters];
                            let weight = weights[tap * channels + channel];
                            let product = f64::from(a) * f64::from(weight);
                            (sum, size) = (sum + product, size + product.abs());
                        }
                    }
                    expected.push((sum, size));
                }
            }
            for level in SimdLevel::available() {
                let simd = Simd::new(level).unwrap();
                let window =
                    DepthwiseWindow::new(shape, Shape::new(2, oh, ow, channels), window);
                let kernel = DepthwiseF32::new(simd, window, filters, &weights, &bias, None);
                let mut output = vec![0f32; pixels * channels];
                Inputs::with(&[bytemuck::cast_slice(&input)], |inputs| {
                    let mut scratch = AlignedBytes::zeroed(kernel.scratch_bytes());
                    let bytes = bytemuck::cast_slice_mut(&mut output);
                    let mut tile = Tile::whole(bytes, channels * 4);
                    kernel.run(inputs, &mut tile, scratch.bytes_mut());
                });
                for (ours, (exact, size)) in output.iter().zip(&expected) {
                    // At most half a unit of a partial sum for each product and addition.
                    let bound = (2 * taps + 1) as f64 * f64::from(f32::EPSILON) / 2.0 * size;
                    let error = (f64::from(*ours) - exact).abs();
                    prop_assert!(error <= bound, "{}: {} > {}", level, error, bound);
                }
            }
        }
    }
}
