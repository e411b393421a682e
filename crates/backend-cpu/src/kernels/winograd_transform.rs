//! The transforms of Winograd's convolution F(4x4, 3x3), and their plain Rust.
//!
//! A filter of 3 taps over 6 numbers gives 4 outputs: products of two polynomials, evaluated
//! at 6 points, multiplied there, and interpolated (Lavin and Gray, 2016, "Fast algorithms for
//! convolutional neural networks"). In two dimensions, 36 products take the place of 144:
//!
//! `Y = At [(G g Gt) * (Bt d B)] A`, `*` element by element, `d` 6x6 pixels, `g` 3x3 weights.
//!
//! The points are 0, `±NEAR`, `±FAR` and infinity, with `NEAR = sqrt(1/2)` and
//! `FAR = sqrt(2)`: reciprocals of each other, so that most constants are powers of two.
//! The usual 0, ±1, ±2 lose about twice as much precision on random numbers, and four times
//! as much in the worst.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use super::winograd_tiles::Patch;

/// Height and width of an output tile.
pub(crate) const OUTPUT: usize = 4;

/// Height and width of the pixels that a tile reads.
pub(crate) const INPUT: usize = OUTPUT + 2;

/// Pairs of points.
pub(crate) const POSITIONS: usize = INPUT * INPUT;

/// The pair of points near 0.
pub(crate) const NEAR: f32 = FRAC_1_SQRT_2;

/// The pair of points far from 0.
pub(crate) const FAR: f32 = SQRT_2;

/// As many channels as are transformed at once.
pub(crate) type Lanes = [f32; LANES];

/// Channels of [`Lanes`].
pub(crate) const LANES: usize = 16;

/// Numbers of each of the [`POSITIONS`], `stride` apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes<T> {
    /// Numbers, from those of the first position on.
    pub(crate) numbers: T,
    /// Distance between positions.
    pub(crate) stride: usize,
}

impl<T: AsRef<[f32]>> Planes<T> {
    /// Panics unless each of so many positions has so many numbers.
    pub(crate) fn check_length(&self, positions: usize, length: usize) {
        let needed = (positions - 1) * self.stride + length;
        assert!(self.numbers.as_ref().len() >= needed, "the planes are too short");
    }
}

/// `G g Gt` of the taps of one pair of channels, in f64.
pub(crate) fn weights(taps: [[f64; 3]; 3]) -> [[f64; INPUT]; INPUT] {
    in_both_directions(taps, weight_line)
}

/// A line's transform, of the lines of taps and then of the columns.
pub(crate) fn in_both_directions<const SIDE: usize>(
    taps: [[f64; 3]; 3],
    line: impl Fn([f64; 3]) -> [f64; SIDE],
) -> [[f64; SIDE]; SIDE] {
    let lines = taps.map(&line);
    let columns: [_; SIDE] = std::array::from_fn(|j| line(lines.map(|line| line[j])));
    std::array::from_fn(|i| std::array::from_fn(|j| columns[j][i]))
}

/// `G g`: the taps' polynomial at each point, over the product of the point's distances
/// from the others.
fn weight_line([g0, g1, g2]: [f64; 3]) -> [f64; INPUT] {
    let at = |point: f64, distances: f64| {
        let (even, odd) = (g0 + point * point * g2, point * g1);
        [(even + odd) / distances, (even - odd) / distances]
    };
    let [near, near_minus] = at(0.5f64.sqrt(), -1.5);
    let [far, far_minus] = at(2f64.sqrt(), 6.0);
    [g0, near, near_minus, far, far_minus, g2]
}

/// `Bt d B` of a patch: numbers of each position, for channels padded to a multiple of [`LANES`].
#[inline(always)]
pub(crate) fn transform_input(patch: Patch<'_, f32>, channels: usize, output: Planes<&mut [f32]>) {
    for channel in (0..channels).step_by(LANES) {
        let mut lines = [[[0.0; LANES]; INPUT]; INPUT];
        for (i, line) in lines.iter_mut().enumerate() {
            let pixel = |j: usize| {
                load(patch.numbers, i * patch.line_stride + j * patch.pixel_stride + channel)
            };
            *line = input_line(std::array::from_fn(pixel));
        }
        for j in 0..INPUT {
            let column = input_line(std::array::from_fn(|i| lines[i][j]));
            for (i, lanes) in column.iter().enumerate() {
                let at = (i * INPUT + j) * output.stride + channel;
                output.numbers[at..at + LANES].copy_from_slice(lanes);
            }
        }
    }
}

/// `At m A` of the products at each position: 4x4 pixels, line after line. The points are all
/// [`INPUT`], or with stride 2 others without 0.
#[inline(always)]
pub(crate) fn transform_output<const POINTS: usize>(
    products: Planes<&[f32]>,
    channel: usize,
) -> [Lanes; OUTPUT * OUTPUT] {
    let mut columns = [[[0.0; LANES]; OUTPUT]; POINTS];
    for (j, column) in columns.iter_mut().enumerate() {
        let product =
            |i: usize| load(products.numbers, (i * POINTS + j) * products.stride + channel);
        *column = output_line::<POINTS>(std::array::from_fn(product));
    }
    let mut pixels = [[0.0; LANES]; OUTPUT * OUTPUT];
    for i in 0..OUTPUT {
        let line = output_line::<POINTS>(std::array::from_fn(|j| columns[j][i]));
        pixels[i * OUTPUT..][..OUTPUT].copy_from_slice(&line);
    }
    pixels
}

/// `Bt d`.
#[inline(always)]
fn input_line(d: [Lanes; INPUT]) -> [Lanes; INPUT] {
    let mut out = [[0.0; LANES]; INPUT];
    for lane in 0..LANES {
        let [d0, d1, d2, d3, d4, d5] = d.map(|lanes| lanes[lane]);
        let (near_even, near_odd) = (d4 - 2.0 * d2, d3 - 2.0 * d1);
        let (far_even, far_odd) = (d4 - 0.5 * d2, d3 - 0.5 * d1);
        out[0][lane] = (d0 + d4) - 2.5 * d2;
        out[1][lane] = near_even + NEAR * near_odd;
        out[2][lane] = near_even - NEAR * near_odd;
        out[3][lane] = far_even + FAR * far_odd;
        out[4][lane] = far_even - FAR * far_odd;
        out[5][lane] = (d1 + d5) - 2.5 * d3;
    }
    out
}

/// `At m`.
#[inline(always)]
fn output_line<const POINTS: usize>(m: [Lanes; POINTS]) -> [Lanes; OUTPUT] {
    let [near_once, near_twice, near_thrice] = const { near_powers(POINTS) };
    let mut out = [[0.0; LANES]; OUTPUT];
    for lane in 0..LANES {
        let mut at = [0.0; INPUT];
        for point in 0..POINTS {
            at[INPUT - POINTS + point] = m[point][lane];
        }
        let [zero, near, near_minus, far, far_minus, infinity] = at;
        let (near_even, near_odd) = (near + near_minus, near - near_minus);
        let (far_even, far_odd) = (far + far_minus, far - far_minus);
        out[0][lane] = zero + near_even + far_even;
        out[1][lane] = near_once * near_odd + FAR * far_odd;
        out[2][lane] = near_twice * near_even + 2.0 * far_even;
        out[3][lane] = infinity + near_thrice * near_odd + 2.0 * FAR * far_odd;
    }
    out
}

/// The first, second and third power of the point near 0 that transforms at so many points have.
pub(crate) const fn near_powers(points: usize) -> [f32; 3] {
    if points == INPUT { [NEAR, 0.5, 0.5 * NEAR] } else { [0.5, 0.25, 0.125] }
}

/// Neighbouring channels.
#[inline(always)]
pub(crate) fn load(numbers: &[f32], at: usize) -> Lanes {
    numbers[at..at + LANES].try_into().expect("a slice of as many")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::kernels::random::Random;
    use crate::kernels::winograd_form::Form;
    use crate::kernels::winograd_stride2::tests::matrices as stride2_matrices;

    /// The finite points of stride 1.
    fn finite_points() -> [f64; INPUT - 1] {
        let (near, far) = (0.5f64.sqrt(), 2f64.sqrt());
        [0.0, near, -near, far, -far]
    }

    /// The rows of `Bt` for these points and infinity, from the points alone: the product of all
    /// `x - point` but one, the last row of all.
    pub(crate) fn input_matrix(finite_points: &[f64]) -> Vec<Vec<f64>> {
        let size = finite_points.len() + 1;
        let product_but = |left_out: usize| {
            let mut polynomial = vec![0.0; size];
            polynomial[0] = 1.0;
            for (index, point) in finite_points.iter().enumerate() {
                if index != left_out {
                    for k in (0..size).rev() {
                        let below = if k == 0 { 0.0 } else { polynomial[k - 1] };
                        polynomial[k] = below - point * polynomial[k];
                    }
                }
            }
            polynomial
        };
        (0..size).map(product_but).collect()
    }

    /// The rows of `At`: powers of the points.
    pub(crate) fn output_matrix(finite_points: &[f64]) -> Vec<Vec<f64>> {
        let row = |power: usize| {
            let infinity = if power == OUTPUT - 1 { 1.0 } else { 0.0 };
            let powers = finite_points.iter().map(|point| point.powi(power as i32));
            powers.chain([infinity]).collect()
        };
        (0..OUTPUT).map(row).collect()
    }

    /// Of a row of a matrix and a vector.
    pub(crate) fn dot(row: &[f64], x: &[f64]) -> f64 {
        row.iter().zip(x).map(|(a, b)| a * b).sum()
    }

    /// Panics unless a number is a row of a matrix times `x`, but for a few roundings.
    pub(crate) fn assert_is_product(row: &[f64], x: &[f32], actual: f32) {
        let terms = || row.iter().zip(x).map(|(c, &x)| c * f64::from(x));
        let magnitude: f64 = terms().map(f64::abs).sum();
        assert!((terms().sum::<f64>() - f64::from(actual)).abs() < 3e-7 * magnitude);
    }

    /// The rows of `Bt` and `At` of a form.
    pub(crate) fn matrices(form: Form) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        match form {
            Form::Stride1 => (input_matrix(&finite_points()), output_matrix(&finite_points())),
            Form::Stride2 => stride2_matrices(),
        }
    }

    #[test]
    fn the_matrices_of_the_points_are_a_convolution() {
        let (b, a) = matrices(Form::Stride1);
        let mut random = Random::new(7);
        let g: [f64; 3] = std::array::from_fn(|_| f64::from(random.unit()));
        let d: [f64; INPUT] = std::array::from_fn(|_| f64::from(random.unit()));
        let g_points = weight_line(g);
        let m: [f64; INPUT] = std::array::from_fn(|i| g_points[i] * dot(&b[i], &d));
        for (k, row) in a.iter().enumerate() {
            let expected = g[0] * d[k] + g[1] * d[k + 1] + g[2] * d[k + 2];
            assert!((dot(row, &m) - expected).abs() < 1e-13, "output {k}");
        }
    }

    #[test]
    fn the_short_forms_are_the_matrices() {
        let (b, a) = matrices(Form::Stride1);
        let mut random = Random::new(8);
        let x: [f32; INPUT] = std::array::from_fn(|_| random.unit());
        let lanes = x.map(|x| [x; LANES]);
        let input = input_line(lanes);
        (0..INPUT).for_each(|i| assert_is_product(&b[i], &x, input[i][3]));
        let output = output_line(lanes);
        (0..OUTPUT).for_each(|i| assert_is_product(&a[i], &x, output[i][3]));
    }
}
