//! Average, maximum and mean over windows.
//!
//! One pixel at a time: the channels of all positions in the window are added, or compared,
//! position by position in scratch memory. Positions beyond the edge do not count.

use pocketvision_core::Shape;
use pocketvision_core::op::{IntegerRounding, ResolvedPadding, Window};
use pocketvision_core::quant::{QuantizedMean, average};

use super::Kernel;
use crate::simd::{Inputs, Simd, Tile};

/// A pool.
#[derive(Debug)]
pub(crate) struct Pool {
    simd: Simd,
    input: Shape,
    output: Shape,
    window: Window,
    padding: ResolvedPadding,
    function: PoolFunction,
}

/// What is made of the numbers in a window.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PoolFunction {
    /// The average, or the mean, of floats.
    AverageF32,
    /// The largest float.
    MaxF32,
    /// The average of integers as they are, clamped to int8.
    AverageI8(IntegerRounding),
    /// The largest integer.
    MaxI8,
    /// The mean, rescaled.
    MeanI8(QuantizedMean),
}

impl Pool {
    pub(crate) fn new(
        simd: Simd,
        input: Shape,
        output: Shape,
        window: Window,
        function: PoolFunction,
    ) -> Self {
        Self { simd, input, output, window, padding: window.resolve(input), function }
    }

    /// Calls `visit` for each position of an output pixel's window that is in the image, with
    /// the index of its first channel.
    fn for_each_position(&self, pixel: usize, mut visit: impl FnMut(usize)) {
        let Window { kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, .. } =
            self.window;
        let (line, x) = (pixel / self.output.w, pixel % self.output.w);
        let (n, y) = (line / self.output.h, line % self.output.h);
        for ky in 0..kernel_h {
            let iy = (y * stride_h + ky * dilation_h).wrapping_sub(self.padding.top);
            if iy >= self.input.h {
                continue;
            }
            for kx in 0..kernel_w {
                let ix = (x * stride_w + kx * dilation_w).wrapping_sub(self.padding.left);
                if ix < self.input.w {
                    visit(((n * self.input.h + iy) * self.input.w + ix) * self.input.c);
                }
            }
        }
    }
}

impl Kernel for Pool {
    fn name(&self) -> String {
        let what = match self.function {
            PoolFunction::AverageF32 => "average pool f32",
            PoolFunction::MaxF32 => "max pool f32",
            PoolFunction::AverageI8(_) => "average pool int8",
            PoolFunction::MaxI8 => "max pool int8",
            PoolFunction::MeanI8(_) => "mean int8",
        };
        format!("{what} {}", self.simd.level())
    }

    fn scratch_bytes(&self) -> usize {
        self.input.c * 4
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, scratch: &mut [u8]) {
        for pixel in tile.rows() {
            match self.function {
                PoolFunction::AverageF32 | PoolFunction::MaxF32 => {
                    self.pool_f32(inputs.numbers(0), pixel, tile);
                }
                _ => {
                    let totals = bytemuck::cast_slice_mut(scratch);
                    self.pool_i8(inputs.numbers(0), pixel, tile, totals);
                }
            }
        }
    }
}

impl Pool {
    fn pool_f32(&self, input: &[f32], pixel: usize, tile: &mut Tile<'_>) {
        let columns = tile.columns_of::<f32>();
        let output: &mut [f32] = tile.row_of(pixel);
        let largest = matches!(self.function, PoolFunction::MaxF32);
        output.fill(if largest { f32::NEG_INFINITY } else { 0.0 });
        let mut count = 0;
        self.for_each_position(pixel, |position| {
            count += 1;
            let numbers = &input[position + columns.start..][..output.len()];
            self.simd.vectorize(
                #[inline(always)]
                || {
                    for (out, &x) in output.iter_mut().zip(numbers) {
                        *out = if largest { out.max(x) } else { *out + x };
                    }
                },
            );
        });
        if !largest {
            output.iter_mut().for_each(|x| *x /= count as f32);
        }
    }

    fn pool_i8(&self, input: &[i8], pixel: usize, tile: &mut Tile<'_>, scratch: &mut [i32]) {
        let columns = tile.columns();
        let output: &mut [i8] = tile.row_of(pixel);
        let totals = &mut scratch[..output.len()];
        let largest = matches!(self.function, PoolFunction::MaxI8);
        totals.fill(if largest { i32::from(i8::MIN) } else { 0 });
        let mut count = 0;
        self.for_each_position(pixel, |position| {
            count += 1;
            let numbers = &input[position + columns.start..][..totals.len()];
            self.simd.vectorize(
                #[inline(always)]
                || {
                    for (total, &x) in totals.iter_mut().zip(numbers) {
                        let x = i32::from(x);
                        *total = if largest { (*total).max(x) } else { *total + x };
                    }
                },
            );
        });
        for (out, &total) in output.iter_mut().zip(&*totals) {
            *out = match self.function {
                PoolFunction::AverageI8(rounding) if count > 0 => {
                    average(total, count, rounding).clamp(-128, 127) as i8
                }
                PoolFunction::MeanI8(mean) => mean.apply(total),
                _ => total as i8,
            };
        }
    }
}
