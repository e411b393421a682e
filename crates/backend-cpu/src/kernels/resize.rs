//! Images at another size.
//!
//! A row of the output lies between two rows of the input, which are first made one, as long as
//! the input is wide; each output pixel then lies between two of its pixels. Neighbouring output
//! rows often lie between the same two rows, but their shares differ, so nothing is kept.
//!
//! Int8 that is interpolated in f32 must round after every step as TFLite does, so its four
//! products cannot be made in two steps, unless they are exact anyway: where all shares are
//! multiples of 1/256 (sides that grow 2, 4, 8 or 16 times do that) every number on the way has
//! at most 24 bits. Then the order makes no difference, and integers do the work.

use pocketvision_core::Shape;
use pocketvision_core::op::{FIXED_POINT_ONE, IntegerInterpolation, Resize, Sample};
use pocketvision_core::quant::interpolate_float;

use super::Kernel;
use crate::simd::{Inputs, Simd, Tile};

/// The kernel of a resize of float images.
#[derive(Debug)]
pub(crate) struct ResizeF32 {
    simd: Simd,
    input: Shape,
    output: Shape,
    rows: Vec<Sample<f32>>,
    columns: Vec<Sample<f32>>,
}

impl ResizeF32 {
    pub(crate) fn new(simd: Simd, op: &Resize, input: Shape, output: Shape) -> Self {
        Self { simd, input, output, rows: op.rows(input), columns: op.columns(input) }
    }
}

impl Kernel for ResizeF32 {
    fn name(&self) -> String {
        format!("resize f32 {}", self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        size_of_val(&self.rows[..]) + size_of_val(&self.columns[..])
    }

    fn scratch_bytes(&self) -> usize {
        self.input.w * self.input.c * size_of::<f32>()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, scratch: &mut [u8]) {
        let numbers: &[f32] = inputs.numbers(0);
        let line_length = self.input.w * self.input.c;
        let between: &mut [f32] = &mut bytemuck::cast_slice_mut(scratch)[..line_length];
        for line in tile.rows() {
            let (image, row) = (line / self.output.h, self.rows[line % self.output.h]);
            let line_of = |y: usize| &numbers[(image * self.input.h + y) * line_length..];
            let (upper, lower) = (&line_of(row.lower)[..line_length], line_of(row.upper));
            let (down, up) = (row.weight, 1.0 - row.weight);
            let output: &mut [f32] = tile.row_of(line);
            let channels = self.input.c;
            self.simd.vectorize(
                #[inline(always)]
                || {
                    for ((out, &a), &b) in between.iter_mut().zip(upper).zip(lower) {
                        *out = a * up + b * down;
                    }
                    for (out, column) in output.chunks_exact_mut(channels).zip(&self.columns) {
                        let left = &between[column.lower * channels..][..channels];
                        let right = &between[column.upper * channels..][..channels];
                        let (share, rest) = (column.weight, 1.0 - column.weight);
                        for ((out, &a), &b) in out.iter_mut().zip(left).zip(right) {
                            *out = a * rest + b * share;
                        }
                    }
                },
            );
        }
    }
}

/// The kernel of a resize of int8 images.
#[derive(Debug)]
pub(crate) struct ResizeI8 {
    simd: Simd,
    input: Shape,
    output: Shape,
    arithmetic: Arithmetic,
}

#[derive(Debug)]
enum Arithmetic {
    /// In integers: shares of both sides together are of one in 2^`shift`.
    Integer { rows: Vec<Sample<i32>>, columns: Vec<Sample<i32>>, shift: u32, rounding: Rounding },
    /// In f32, step by step.
    Float { rows: Vec<Sample<f32>>, columns: Vec<Sample<f32>> },
}

/// Where halves go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rounding {
    AwayFromZero,
    Up,
}

impl ResizeI8 {
    pub(crate) fn new(simd: Simd, op: &Resize, input: Shape, output: Shape) -> Self {
        let arithmetic = match op.interpolation {
            IntegerInterpolation::FixedPoint => Arithmetic::Integer {
                rows: op.fixed_point_rows(input),
                columns: op.fixed_point_columns(input),
                shift: 2 * FIXED_POINT_ONE.ilog2(),
                rounding: Rounding::AwayFromZero,
            },
            IntegerInterpolation::Float => {
                let (rows, columns) = (op.rows(input), op.columns(input));
                match exact_shares(&rows).zip(exact_shares(&columns)) {
                    Some((rows, columns)) => {
                        let shift = 2 * SHARES.ilog2();
                        Arithmetic::Integer { rows, columns, shift, rounding: Rounding::Up }
                    }
                    None => Arithmetic::Float { rows, columns },
                }
            }
        };
        Self { simd, input, output, arithmetic }
    }
}

/// Shares that keep f32 arithmetic exact are multiples of one in so many: a byte times two of
/// them, plus a half, has 24 bits.
const SHARES: i32 = 256;

/// Samples in integer shares, if they are exact.
fn exact_shares(samples: &[Sample<f32>]) -> Option<Vec<Sample<i32>>> {
    let exact = |sample: &Sample<f32>| {
        let Sample { lower, upper, weight } = *sample;
        let share = weight * SHARES as f32;
        // Between a pixel and itself every exact share gives the pixel.
        let weight = if lower == upper { 0 } else { share as i32 };
        (share.fract() == 0.0).then_some(Sample { lower, upper, weight })
    };
    samples.iter().map(exact).collect()
}

impl Kernel for ResizeI8 {
    fn name(&self) -> String {
        let how = match self.arithmetic {
            Arithmetic::Integer { .. } => "integer",
            Arithmetic::Float { .. } => "float",
        };
        format!("resize int8 {how} {}", self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        (self.output.h + self.output.w) * size_of::<Sample<i32>>()
    }

    fn scratch_bytes(&self) -> usize {
        self.input.w * self.input.c * size_of::<i32>()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, scratch: &mut [u8]) {
        let numbers: &[i8] = inputs.numbers(0);
        let line_length = self.input.w * self.input.c;
        for line in tile.rows() {
            let (image, y) = (line / self.output.h, line % self.output.h);
            let line_of =
                |y: usize| &numbers[(image * self.input.h + y) * line_length..][..line_length];
            let output: &mut [i8] = tile.row_of(line);
            match &self.arithmetic {
                Arithmetic::Integer { rows, columns, shift, rounding } => {
                    let between = &mut bytemuck::cast_slice_mut(scratch)[..line_length];
                    let row = rows[y];
                    let lines = (line_of(row.lower), line_of(row.upper), row.weight);
                    let channels = self.input.c;
                    let (shift, rounding) = (*shift, *rounding);
                    self.simd.vectorize(
                        #[inline(always)]
                        || {
                            integer_line(
                                lines,
                                columns,
                                (shift, rounding),
                                channels,
                                between,
                                output,
                            );
                        },
                    );
                }
                Arithmetic::Float { rows, columns } => {
                    let row = rows[y];
                    let (upper, lower) = (line_of(row.lower), line_of(row.upper));
                    let pixels = output.chunks_exact_mut(self.input.c).zip(columns);
                    for (output, &column) in pixels {
                        let left = column.lower * self.input.c;
                        let right = column.upper * self.input.c;
                        for (channel, out) in output.iter_mut().enumerate() {
                            let corners = [
                                upper[left + channel],
                                lower[left + channel],
                                upper[right + channel],
                                lower[right + channel],
                            ];
                            *out = interpolate_float(corners, row, column);
                        }
                    }
                }
            }
        }
    }
}

/// One row of the output: from two rows of the input to one, and from that to the output.
#[inline(always)]
fn integer_line(
    (upper, lower, down): (&[i8], &[i8], i32),
    columns: &[Sample<i32>],
    (shift, rounding): (u32, Rounding),
    channels: usize,
    between: &mut [i32],
    output: &mut [i8],
) {
    let one = 1 << (shift / 2);
    let up = one - down;
    for ((out, &a), &b) in between.iter_mut().zip(upper).zip(lower) {
        *out = i32::from(a) * up + i32::from(b) * down;
    }
    let half = 1 << (shift - 1);
    for (out, column) in output.chunks_exact_mut(channels).zip(columns) {
        let left = &between[column.lower * channels..][..channels];
        let right = &between[column.upper * channels..][..channels];
        let (share, rest) = (column.weight, one - column.weight);
        for ((out, &a), &b) in out.iter_mut().zip(left).zip(right) {
            let sum = a * rest + b * share;
            // A shift rounds down: of a negative half, one less rounds away from zero.
            let less = match rounding {
                Rounding::AwayFromZero => sum >> 31 & 1,
                Rounding::Up => 0,
            };
            *out = ((sum + half - less) >> shift) as i8;
        }
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::op::{CoordinateMode, ResizeKind};
    use pocketvision_core::quant::interpolate_fixed_point;
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;

    proptest! {
        #[test]
        fn integers_are_those_of_either_rule(
            h in 1usize..6, w in 1usize..6, c in 1usize..20, height in 1usize..20,
            width in 1usize..20, seed: u64, exact: bool, fixed: bool,
        ) {
            let interpolation =
                if fixed { IntegerInterpolation::FixedPoint } else { IntegerInterpolation::Float };
            // Sides that make exact shares, or any.
            let side = |input: usize, any: usize| {
                if exact { (input - 1) * 8 + 1 } else { any }
            };
            let op = Resize {
                kind: ResizeKind::Bilinear,
                height: side(h, height),
                width: side(w, width),
                coordinates: CoordinateMode::AlignCorners,
                interpolation,
            };
            let input = Shape::new(1, h, w, c);
            let output = Shape::new(1, op.height, op.width, c);
            let numbers: Vec<i8> = (0..input.elements() as u64)
                .map(|i| (seed.wrapping_add(i).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as i8)
                .collect();
            let at = |y: usize, x: usize, k: usize| numbers[(y * w + x) * c + k];
            let corners = |rows: (usize, usize), columns: (usize, usize), k: usize| [
                at(rows.0, columns.0, k), at(rows.1, columns.0, k),
                at(rows.0, columns.1, k), at(rows.1, columns.1, k),
            ];
            let mut expected = Vec::new();
            for y in 0..op.height {
                for x in 0..op.width {
                    for k in 0..c {
                        expected.push(if fixed {
                            let (row, column) = (op.fixed_point_rows(input)[y], op.fixed_point_columns(input)[x]);
                            let corners = corners((row.lower, row.upper), (column.lower, column.upper), k);
                            interpolate_fixed_point(corners, row, column)
                        } else {
                            let (row, column) = (op.rows(input)[y], op.columns(input)[x]);
                            let corners = corners((row.lower, row.upper), (column.lower, column.upper), k);
                            interpolate_float(corners, row, column)
                        });
                    }
                }
            }
            for level in SimdLevel::available() {
                let kernel = ResizeI8::new(Simd::new(level).unwrap(), &op, input, output);
                if exact || fixed {
                    let integer = matches!(kernel.arithmetic, Arithmetic::Integer { .. });
                    prop_assert!(integer);
                }
                let mut ours = vec![0u8; output.elements()];
                let mut scratch = vec![0u32; kernel.scratch_bytes().div_ceil(4)];
                Inputs::with(&[bytemuck::cast_slice(&numbers)], |inputs| {
                    let mut tile = Tile::whole(&mut ours, output.w * c);
                    kernel.run(inputs, &mut tile, bytemuck::cast_slice_mut(&mut scratch));
                });
                let ours: &[i8] = bytemuck::cast_slice(&ours);
                prop_assert_eq!(ours, &expected[..], "{}", level);
            }
        }
    }
}
