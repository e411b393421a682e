//! Which numbers of two tensors meet in a sum or a product.
//!
//! Tensors of one shape are one long run. Otherwise the output is taken line by line, and a
//! dimension of 1 is repeated: an operand either has a number for each channel, or one for all
//! of them. Few channels that all pixels of a line have in common are written side by side
//! first, so that kernels have longer runs than a pixel. The output may be written over an
//! operand of its shape ([`crate::in_place`]), which then is no input.

use std::ops::Range;

use bytemuck::Pod;
use pocketvision_core::Shape;

use crate::simd::{Inputs, Tile};

/// Two operands and the output that they make.
#[derive(Debug)]
pub(crate) struct Broadcast {
    operands: [Operand; 2],
    output: Shape,
    same_shape: bool,
    /// The operand that the output holds.
    overwritten: Option<usize>,
}

/// How an operand is repeated.
#[derive(Clone, Copy, Debug)]
struct Operand {
    /// Elements between neighbours along batch, height and width; 0 where it is repeated.
    strides: [usize; 3],
    /// True if one number serves all channels.
    one_channel: bool,
}

impl Broadcast {
    pub(crate) fn new(a: Shape, b: Shape, output: Shape, overwritten: Option<usize>) -> Self {
        let operand = |shape: Shape| {
            let (dims, strides) = (shape.dims(), shape.strides());
            let stride = |axis: usize| if dims[axis] == 1 { 0 } else { strides[axis] };
            Operand {
                strides: std::array::from_fn(stride),
                one_channel: shape.c == 1 && output.c > 1,
            }
        };
        let same_shape = a == b && a == output;
        Self { operands: [a, b].map(operand), output, same_shape, overwritten }
    }

    /// True if the output is one run, and not taken pixel by pixel.
    pub(crate) const fn is_flat(&self) -> bool {
        self.same_shape
    }

    /// Calls `combine` with as many numbers of both operands as of the output, or with one; with
    /// nothing in the place of the operand that the output holds.
    pub(crate) fn for_each_run<T: Pod>(
        &self,
        inputs: &Inputs<'_>,
        tile: &mut Tile<'_>,
        mut combine: impl FnMut(Option<&[T]>, Option<&[T]>, &mut [T]),
    ) {
        let operands: [Option<&[T]>; 2] = match self.overwritten {
            None => [Some(inputs.numbers(0)), Some(inputs.numbers(1))],
            Some(0) => [None, Some(inputs.numbers(0))],
            Some(_) => [Some(inputs.numbers(0)), None],
        };
        if self.same_shape {
            tile.for_each_run(|offset, run| {
                let out: &mut [T] = bytemuck::cast_slice_mut(run);
                let first = offset / size_of::<T>();
                let numbers = first..first + out.len();
                let [a, b] = operands.map(|all| all.map(|all| &all[numbers.clone()]));
                combine(a, b, out);
            });
            return;
        }
        let channels = tile.columns_of::<T>();
        let whole_pixels = channels.len() == self.output.c;
        // What is repeated is smaller than the output, which holds none of it.
        let repeated =
            self.repeated_along_lines().and_then(|index| Some((index, operands[index]?)));
        match repeated {
            Some((repeated, all)) if whole_pixels && channels.len() <= PATTERN / 2 => {
                let mut pattern = Pattern::new(channels.len());
                for line in self.lines(tile.rows()) {
                    let starts = self.starts(line.start);
                    let pattern = pattern.of(all, starts[repeated]);
                    let mut dense = starts[1 - repeated];
                    for out in tile.rows_of::<T>(line).chunks_mut(pattern.len()) {
                        let pattern = Some(&pattern[..out.len()]);
                        let other = operands[1 - repeated].map(|all| &all[dense..][..out.len()]);
                        dense += out.len();
                        match repeated {
                            0 => combine(pattern, other, out),
                            _ => combine(other, pattern, out),
                        }
                    }
                }
            }
            _ => {
                for line in self.lines(tile.rows()) {
                    let starts = self.starts(line.start);
                    for (x, pixel) in line.enumerate() {
                        let [a, b] = [0, 1].map(|index| {
                            let operand = &self.operands[index];
                            let start = starts[index] + x * operand.strides[2];
                            operands[index].map(|all| operand.numbers(all, start, &channels))
                        });
                        combine(a, b, tile.row_of(pixel));
                    }
                }
            }
        }
    }

    /// The operand that has the same channels at all pixels of a line, if the other one has
    /// channels of its own at each.
    fn repeated_along_lines(&self) -> Option<usize> {
        let dense = |operand: &Operand| operand.strides[2] == self.output.c && self.output.c > 1;
        let repeated = |operand: &Operand| operand.strides[2] == 0 && !operand.one_channel;
        let [a, b] = &self.operands;
        if repeated(a) && dense(b) {
            return Some(0);
        }
        (dense(a) && repeated(b)).then_some(1)
    }

    /// Runs of pixels that are in one line.
    fn lines(&self, pixels: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let (w, end) = (self.output.w, pixels.end);
        let mut next = pixels.start;
        std::iter::from_fn(move || {
            let line = next..(next / w * w + w).min(end);
            next = line.end;
            (!line.is_empty()).then_some(line)
        })
    }

    /// Where the operands' numbers of a pixel start.
    fn starts(&self, pixel: usize) -> [usize; 2] {
        let Shape { h, w, .. } = self.output;
        let (line, x) = (pixel / w, pixel % w);
        let (n, y) = (line / h, line % h);
        self.operands.map(|operand| {
            let [of_n, of_y, of_x] = operand.strides;
            n * of_n + y * of_y + x * of_x
        })
    }
}

impl Operand {
    /// The numbers of some channels of a pixel that starts somewhere: as many, or one.
    fn numbers<'a, T>(&self, all: &'a [T], start: usize, channels: &Range<usize>) -> &'a [T] {
        if self.one_channel {
            &all[start..start + 1]
        } else {
            &all[start + channels.start..start + channels.end]
        }
    }
}

/// Most numbers of a pattern.
const PATTERN: usize = 1024;

/// The channels of a pixel, side by side as often as there is room.
struct Pattern<T> {
    numbers: [T; PATTERN],
    channels: usize,
    /// Where they come from.
    start: Option<usize>,
}

impl<T: Pod> Pattern<T> {
    fn new(channels: usize) -> Self {
        Self { numbers: [T::zeroed(); PATTERN], channels, start: None }
    }

    /// That of the channels which start somewhere.
    fn of(&mut self, all: &[T], start: usize) -> &[T] {
        let pattern = &mut self.numbers[..PATTERN / self.channels * self.channels];
        if self.start != Some(start) {
            let channels = &all[start..start + self.channels];
            pattern.chunks_exact_mut(self.channels).for_each(|copy| copy.copy_from_slice(channels));
            self.start = Some(start);
        }
        pattern
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::random::Random;
    use crate::simd::Split;

    proptest! {
        /// Whatever is repeated or overwritten, and however the output is cut.
        #[test]
        fn each_output_has_its_own_two_numbers(
            (n, h, w, c) in (1usize..3, 1usize..4, 1usize..9, 1usize..40),
            repeated in prop::array::uniform8(any::<bool>()), overwritten in 0usize..3,
            parts in 1usize..4, by_columns: bool, seed: u64,
        ) {
            let output = Shape::new(n, h, w, c);
            let overwritten = (overwritten < 2).then_some(overwritten);
            let shape = |index: usize| {
                let is_whole = overwritten == Some(index);
                let is_repeated = |axis: usize| repeated[index * 4 + axis] && !is_whole;
                let dim = |axis: usize| if is_repeated(axis) { 1 } else { output.dims()[axis] };
                Shape::new(dim(0), dim(1), dim(2), dim(3))
            };
            let shapes = [shape(0), shape(1)];
            let mut random = Random::new(seed);
            let operands = shapes.map(|shape| random.numbers(shape.elements()));
            let broadcast = Broadcast::new(shapes[0], shapes[1], output, overwritten);

            let mut out = match overwritten {
                Some(index) => operands[index].clone(),
                None => vec![0_f32; output.elements()],
            };
            let split = match by_columns {
                true => Split::columns(n * h * w, c * 4, 4),
                false => Split::rows(n * h * w, c * 4, 1),
            };
            let bytes: Vec<&[u8]> = (0..2)
                .filter(|&index| overwritten != Some(index))
                .map(|index| bytemuck::cast_slice(&operands[index]))
                .collect();
            Inputs::with(&bytes, |inputs| {
                for part in (0..parts).map(|index| split.part(index, parts)) {
                    let bytes = bytemuck::cast_slice_mut(&mut out);
                    let mut tile = Tile::part_of(bytes, &split, part);
                    broadcast.for_each_run(inputs, &mut tile, |a: Option<&[f32]>, b, out| {
                        for (index, out) in out.iter_mut().enumerate() {
                            let number = |of: Option<&[f32]>| match of {
                                None => *out,
                                Some(&[one]) => one,
                                Some(numbers) => numbers[index],
                            };
                            *out = number(a) - 2.0 * number(b);
                        }
                    });
                }
            });
            let at = |index: usize, position: [usize; 4]| {
                let (dims, strides) = (shapes[index].dims(), shapes[index].strides());
                let of = |axis: usize| if dims[axis] == 1 { 0 } else { position[axis] };
                operands[index][(0..4).map(|axis| of(axis) * strides[axis]).sum::<usize>()]
            };
            for (index, &out) in out.iter().enumerate() {
                let position = [index / c / w / h, index / c / w % h, index / c % w, index % c];
                prop_assert_eq!(out, at(0, position) - 2.0 * at(1, position), "{:?}", position);
            }
        }
    }
}
