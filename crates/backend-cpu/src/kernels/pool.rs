//! Average, maximum and mean over windows.
//!
//! One pixel at a time: the channels of all positions in the window are added, or compared,
//! floats position by position, integers 64 channels at a time as 16-bit numbers in registers.
//! Positions beyond the edge do not count.

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

    /// Calls `visit` for each row of an output pixel's window that is in the image, with the
    /// index of the first channel of its first position, and the number of positions, which are
    /// [`Self::step`] apart.
    fn for_each_row(&self, pixel: usize, mut visit: impl FnMut(usize, usize)) {
        let Window { kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, .. } =
            self.window;
        let (line, x) = (pixel / self.output.w, pixel % self.output.w);
        let (n, y) = (line / self.output.h, line % self.output.h);
        // The window's left end, and the image's, in the padded image.
        let (first, left) = (x * stride_w, self.padding.left);
        let before = left.saturating_sub(first).div_ceil(dilation_w);
        let end = (self.input.w + left).saturating_sub(first).div_ceil(dilation_w);
        let columns = before..end.min(kernel_w);
        if columns.is_empty() {
            return;
        }
        let ix = first + columns.start * dilation_w - left;
        for ky in 0..kernel_h {
            let iy = (y * stride_h + ky * dilation_h).wrapping_sub(self.padding.top);
            if iy < self.input.h {
                let position = (n * self.input.h + iy) * self.input.w + ix;
                visit(position * self.input.c, columns.len());
            }
        }
    }

    /// Numbers from one position of a window to the next.
    const fn step(&self) -> usize {
        self.window.dilation_w * self.input.c
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

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        for pixel in tile.rows() {
            match self.function {
                PoolFunction::AverageF32 | PoolFunction::MaxF32 => {
                    self.pool_f32(inputs.numbers(0), pixel, tile);
                }
                _ => self.pool_i8(inputs.numbers(0), pixel, tile),
            }
        }
    }
}

impl Pool {
    fn pool_f32(&self, input: &[f32], pixel: usize, tile: &mut Tile<'_>) {
        let columns = tile.columns_of::<f32>();
        let mut output: &mut [f32] = tile.row_of(pixel);
        let mut channel = columns.start;
        while !output.is_empty() {
            let take = match output.len() {
                64.. => Self::pool_channels::<64>,
                16.. => Self::pool_channels::<16>,
                8.. => Self::pool_channels::<8>,
                _ => Self::pool_channels::<1>,
            };
            let count = take(self, &input[channel..], pixel, output);
            output = &mut output[count..];
            channel += count;
        }
    }

    /// Pools the first `N` channels; their number.
    fn pool_channels<const N: usize>(
        &self,
        input: &[f32],
        pixel: usize,
        output: &mut [f32],
    ) -> usize {
        let largest = matches!(self.function, PoolFunction::MaxF32);
        let mut totals = [if largest { f32::NEG_INFINITY } else { 0.0 }; N];
        let mut count = 0;
        self.for_each_row(pixel, |first, positions| {
            count += positions;
            let (numbers, step) = (&input[first..], self.step());
            self.simd.vectorize(
                #[inline(always)]
                || match largest {
                    true => take(&mut totals, numbers, positions, step, f32::max),
                    false => take(&mut totals, numbers, positions, step, |total, x| total + x),
                },
            );
        });
        let divisor = if largest { 1.0 } else { count as f32 };
        output.iter_mut().zip(totals).for_each(|(out, total)| *out = total / divisor);
        N
    }

    fn pool_i8(&self, input: &[i8], pixel: usize, tile: &mut Tile<'_>) {
        let columns = tile.columns();
        let output: &mut [i8] = tile.row_of(pixel);
        let channels = output.len().min(CHANNELS);
        for first in (0..output.len()).step_by(CHANNELS) {
            // The last channels are taken together with some of those before.
            let first = first.min(output.len() - channels);
            let output = &mut output[first..first + channels];
            let mut window = WindowTotals::new(matches!(self.function, PoolFunction::MaxI8));
            self.for_each_row(pixel, |position, positions| {
                let numbers = &input[position + columns.start + first..];
                self.simd.vectorize(
                    #[inline(always)]
                    || window.take(numbers, positions, self.step(), channels),
                );
            });
            self.simd.vectorize(
                #[inline(always)]
                || {
                    let (totals, count) = window.finish();
                    self.write_i8(&totals, count, output);
                },
            );
        }
    }

    #[inline(always)]
    fn write_i8(&self, totals: &[i32; CHANNELS], count: usize, output: &mut [i8]) {
        let pairs = output.iter_mut().zip(totals);
        match self.function {
            PoolFunction::AverageI8(rounding) if count > 0 => pairs.for_each(|(out, &total)| {
                *out = average(total, count as i32, rounding).clamp(-128, 127) as i8;
            }),
            PoolFunction::MeanI8(mean) => pairs.for_each(|(out, &total)| *out = mean.apply(total)),
            _ => pairs.for_each(|(out, &total)| *out = total as i8),
        }
    }
}

/// Combines totals with the numbers of so many positions, which are `step` numbers apart.
#[inline(always)]
fn take<const N: usize>(
    totals: &mut [f32; N],
    numbers: &[f32],
    positions: usize,
    step: usize,
    combine: impl Fn(f32, f32) -> f32,
) {
    // A copy that nobody else knows stays in registers.
    let mut sums = *totals;
    for position in 0..positions {
        let numbers = numbers[position * step..].first_chunk::<N>().expect("channels of a pixel");
        for lane in 0..N {
            sums[lane] = combine(sums[lane], numbers[lane]);
        }
    }
    *totals = sums;
}

/// Channels of integers that are pooled at once.
const CHANNELS: usize = 64;

/// Sums, or the largest, of the numbers in a window so far.
struct WindowTotals {
    largest: bool,
    totals: [i32; CHANNELS],
    /// Of the last positions, before they are added to the totals.
    words: [i16; CHANNELS],
    in_words: usize,
    count: usize,
}

impl WindowTotals {
    /// Positions whose sum a word has room for.
    const MOST_IN_WORDS: usize = 255;

    const fn new(largest: bool) -> Self {
        let lowest = if largest { i8::MIN as i16 } else { 0 };
        let words = [lowest; CHANNELS];
        Self { largest, totals: [lowest as i32; CHANNELS], words, in_words: 0, count: 0 }
    }

    /// Takes so many channels of so many positions, which are `step` numbers apart.
    #[inline(always)]
    fn take(&mut self, numbers: &[i8], positions: usize, step: usize, channels: usize) {
        self.count += positions;
        let mut done = 0;
        while done < positions {
            if self.in_words == Self::MOST_IN_WORDS {
                self.empty_words();
            }
            let end = positions.min(done + Self::MOST_IN_WORDS - self.in_words);
            self.in_words += end - done;
            let mut words = self.words;
            for position in done..end {
                let numbers = &numbers[position * step..][..channels];
                // Of a number that the compiler knows, so that they stay in registers.
                if let Ok(numbers) = <&[i8; CHANNELS]>::try_from(numbers) {
                    combine_words(self.largest, &mut words, numbers);
                } else {
                    combine_words(self.largest, &mut words[..channels], numbers);
                }
            }
            self.words = words;
            done = end;
        }
    }

    #[inline(always)]
    fn empty_words(&mut self) {
        for (total, word) in self.totals.iter_mut().zip(&mut self.words) {
            if self.largest {
                *total = (*total).max(i32::from(*word));
            } else {
                *total += i32::from(*word);
                *word = 0;
            }
        }
        self.in_words = 0;
    }

    /// The totals, and of how many positions.
    #[inline(always)]
    fn finish(mut self) -> ([i32; CHANNELS], usize) {
        self.empty_words();
        (self.totals, self.count)
    }
}

#[inline(always)]
fn combine_words(largest: bool, words: &mut [i16], numbers: &[i8]) {
    for (word, &x) in words.iter_mut().zip(numbers) {
        let x = i16::from(x);
        *word = if largest { (*word).max(x) } else { *word + x };
    }
}
