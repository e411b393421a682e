//! Transposed convolutions: each output pixel gathers what input pixels add to it.
//!
//! Networks have one of them, with few channels, so each sum is a plain dot product over the
//! input channels, weights as the file has them.

use pocketvision_core::Shape;
use pocketvision_core::op::{ActivationKind, ConvTranspose2d};

use super::Kernel;
use super::requantize::Requantize;
use crate::simd::{Inputs, Simd, Tile};

/// Where a transposed convolution's taps fall.
#[derive(Debug)]
pub(crate) struct Gather {
    input: Shape,
    output: Shape,
    /// For each output row: taps and the input rows that they read.
    rows: Vec<Vec<(usize, usize)>>,
    columns: Vec<Vec<(usize, usize)>>,
    kernel_w: usize,
}

impl Gather {
    pub(crate) fn new(op: &ConvTranspose2d, input: Shape, weight: Shape, output: Shape) -> Self {
        let sources = |size: usize, taps: usize, crop: usize, stride: usize, from: usize| {
            let of_position = |position: usize| {
                let source =
                    |tap| Some((tap, ConvTranspose2d::source(position, tap, crop, stride, from)?));
                (0..taps).filter_map(source).collect::<Vec<_>>()
            };
            (0..size).map(of_position).collect::<Vec<_>>()
        };
        Self {
            input,
            output,
            rows: sources(output.h, weight.h, op.crop_top, op.stride_h, input.h),
            columns: sources(output.w, weight.w, op.crop_left, op.stride_w, input.w),
            kernel_w: weight.w,
        }
    }

    /// Calls `visit` with each tap that reaches an output pixel and the input pixel it reads.
    fn for_each_tap(&self, pixel: usize, mut visit: impl FnMut(usize, usize)) {
        let (line, x) = (pixel / self.output.w, pixel % self.output.w);
        let (n, y) = (line / self.output.h, line % self.output.h);
        for &(i, row) in &self.rows[y] {
            for &(j, column) in &self.columns[x] {
                let from = (n * self.input.h + row) * self.input.w + column;
                visit(i * self.kernel_w + j, from);
            }
        }
    }
}

/// A transposed convolution of floats.
#[derive(Debug)]
pub(crate) struct ConvTransposeF32 {
    pub(crate) simd: Simd,
    pub(crate) gather: Gather,
    /// `[output channel][tap][input channel]`.
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) activation: Option<ActivationKind>,
}

impl Kernel for ConvTransposeF32 {
    fn name(&self) -> String {
        format!("transposed convolution f32 {}", self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..])
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let (numbers, channels): (&[f32], usize) = (inputs.numbers(0), self.gather.input.c);
        let of_output = self.weights.len() / self.bias.len();
        for pixel in tile.rows() {
            let output: &mut [f32] = tile.row_of(pixel);
            output.copy_from_slice(&self.bias);
            self.gather.for_each_tap(pixel, |tap, from| {
                let x = &numbers[from * channels..][..channels];
                for (channel, sum) in output.iter_mut().enumerate() {
                    let weights = &self.weights[channel * of_output + tap * channels..][..channels];
                    *sum += self.simd.vectorize(
                        #[inline(always)]
                        || dot_f32(x, weights),
                    );
                }
            });
            if let Some(kind) = self.activation {
                output.iter_mut().for_each(|x| *x = kind.apply(*x));
            }
        }
    }
}

#[inline(always)]
fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<8>();
    let (b_blocks, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// A transposed convolution of int8.
#[derive(Debug)]
pub(crate) struct ConvTransposeI8 {
    pub(crate) simd: Simd,
    pub(crate) gather: Gather,
    /// `[output channel][tap][input channel]`, zero point taken off.
    pub(crate) weights: Vec<i16>,
    pub(crate) input_zero_point: i16,
    pub(crate) requantize: Requantize,
}

impl Kernel for ConvTransposeI8 {
    fn name(&self) -> String {
        format!("transposed convolution int8 {}", self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        size_of_val(&self.weights[..])
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let (numbers, channels): (&[i8], usize) = (inputs.numbers(0), self.gather.input.c);
        let output_channels = self.gather.output.c;
        let of_output = self.weights.len() / output_channels;
        for pixel in tile.rows() {
            let output: &mut [i8] = tile.row_of(pixel);
            for (channel, out) in output.iter_mut().enumerate() {
                let mut sum = self.requantize.bias[channel];
                self.gather.for_each_tap(pixel, |tap, from| {
                    let x = &numbers[from * channels..][..channels];
                    let weights = &self.weights[channel * of_output + tap * channels..][..channels];
                    sum = sum.wrapping_add(self.simd.vectorize(
                        #[inline(always)]
                        || dot_i8(x, self.input_zero_point, weights),
                    ));
                });
                *out = self.requantize.apply(channel, sum);
            }
        }
    }
}

#[inline(always)]
fn dot_i8(x: &[i8], zero_point: i16, weights: &[i16]) -> i32 {
    let product = |(&x, &w): (&i8, &i16)| i32::from(i16::from(x) - zero_point) * i32::from(w);
    x.iter().zip(weights).map(product).fold(0, i32::wrapping_add)
}
