//! The transforms of a convolution of 3x3 taps with stride 2, and their plain Rust.
//!
//! In one direction, an output is two taps over the even pixels and one over the odd ones:
//! `y[i] = (g0 x[2i] + g2 x[2i + 2]) + g1 x[2i + 1]`. Two taps over 5 numbers give 4 outputs by 5
//! products ([`super::winograd_transform`] says how); one tap over 4 gives 4 by 4. Evaluated at the
//! same points both may be summed before they are transformed back: at infinity a single tap is 0,
//! so only the two taps have a product there. So 9 pixels become 9 numbers, and in two
//! dimensions 81 products take the place of 144, at 25 positions:
//!
//! | points of line, column | positions | numbers of a channel |
//! |---|---|---|
//! | both finite | 16 | 4: even and odd lines, even and odd columns |
//! | one infinite | 8 | 2: that direction's even ones |
//! | both infinite | 1 | 1 |
//!
//! The points are `±NEAR`, `±FAR` and infinity, with `NEAR = 1/2` and `FAR = sqrt(2)`. Those of
//! the other form without 0 lose half as much again on random numbers.

use super::winograd_form::Slot;
use super::winograd_tiles::Patch;
use super::winograd_transform::{FAR, LANES, Lanes, OUTPUT, Planes, in_both_directions, load};

/// Points of a direction: near, minus near, far, minus far, infinity.
pub(crate) const POINTS: usize = 5;

/// The pair of points near 0.
pub(crate) const NEAR: f32 = 0.5;

/// Height and width of the pixels that a tile reads.
pub(crate) const INPUT: usize = 2 * OUTPUT + 1;

/// Pairs of points.
pub(crate) const POSITIONS: usize = POINTS * POINTS;

/// Numbers of a channel at a position.
pub(crate) const fn numbers(position: usize) -> usize {
    of_point(position / POINTS) * of_point(position % POINTS)
}

/// Of a direction: the even pixels, and at a finite point the odd ones.
const fn of_point(point: usize) -> usize {
    if point == POINTS - 1 { 1 } else { 2 }
}

/// Where the number in a line and column of the transformed ones goes. Those of even pixels are
/// the first [`POINTS`] of a line or column.
pub(crate) const fn slot(line: usize, column: usize) -> Slot {
    let (line_point, column_point) = (line % POINTS, column % POINTS);
    let number = line / POINTS * of_point(column_point) + column / POINTS;
    Slot { position: line_point * POINTS + column_point, number }
}

/// The transformed taps of one pair of channels, in f64.
pub(crate) fn weights(taps: [[f64; 3]; 3]) -> [[f64; INPUT]; INPUT] {
    in_both_directions(taps, weight_line)
}

/// The taps' polynomials at each point, over the product of the point's distances from the other
/// finite ones: `g0` and `g2` at all points, then `g1` at the finite ones.
fn weight_line([g0, g1, g2]: [f64; 3]) -> [f64; INPUT] {
    let (near, far) = (0.5, 2f64.sqrt());
    let at = |point: f64, distances: f64| [(g0 + point * g2) / distances, g1 / distances];
    let [near, near_minus, far, far_minus] =
        [at(near, -3.5 * near), at(-near, 3.5 * near), at(far, 3.5 * far), at(-far, -3.5 * far)];
    [near[0], near_minus[0], far[0], far_minus[0], g2, near[1], near_minus[1], far[1], far_minus[1]]
}

/// The transformed pixels of a patch, for all channels: those of each of a position's numbers
/// follow each other.
#[inline(always)]
pub(crate) fn transform_input(patch: Patch<'_, f32>, channels: usize, output: Planes<&mut [f32]>) {
    for channel in (0..channels).step_by(LANES) {
        let count = LANES.min(channels - channel);
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
                let Slot { position, number } = slot(i, j);
                let at = position * output.stride + number * channels + channel;
                output.numbers[at..at + count].copy_from_slice(&lanes[..count]);
            }
        }
    }
}

/// The polynomials of even and odd pixels at each point.
#[inline(always)]
fn input_line(d: [Lanes; INPUT]) -> [Lanes; INPUT] {
    let mut out = [[0.0; LANES]; INPUT];
    for lane in 0..LANES {
        let [e0, o0, e1, o1, e2, o2, e3, o3, e4] = d.map(|lanes| lanes[lane]);
        let finite = |d0: f32, d1: f32, d2: f32, d3: f32| {
            let (near, near_rest) = (d2 - 2.0 * d0, d3 - 2.0 * d1);
            let (far, far_rest) = (d2 - 0.25 * d0, d3 - 0.25 * d1);
            [
                near_rest + NEAR * near,
                near_rest - NEAR * near,
                far_rest + FAR * far,
                far_rest - FAR * far,
            ]
        };
        let (even, odd) = (finite(e0, e1, e2, e3), finite(o0, o1, o2, o3));
        for point in 0..POINTS - 1 {
            out[point][lane] = even[point];
            out[POINTS + point][lane] = odd[point];
        }
        out[POINTS - 1][lane] = (0.5 * e0 + e4) - 2.25 * e2;
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::kernels::random::Random;
    use crate::kernels::winograd_transform::tests::{
        assert_is_product, dot, input_matrix, output_matrix,
    };

    /// The rows of `Bt`, even and odd pixels apart, and those of `At`.
    pub(crate) fn matrices() -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let (near, far) = (0.5, 2f64.sqrt());
        let points = [near, -near, far, -far];
        let of_points = input_matrix(&points);
        let spread = |row: &[f64], first: usize| {
            let mut line = vec![0.0; INPUT];
            for (at, &factor) in (first..INPUT).step_by(2).zip(row) {
                line[at] = factor;
            }
            line
        };
        let even = of_points.iter().map(|row| spread(row, 0));
        let odd = of_points[..POINTS - 1].iter().map(|row| {
            assert_eq!(row[POINTS - 1], 0.0, "a finite point needs no fifth odd pixel");
            spread(row, 1)
        });
        (even.chain(odd).collect(), output_matrix(&points))
    }

    #[test]
    fn the_matrices_of_the_points_are_a_convolution() {
        let (b, a) = matrices();
        let mut random = Random::new(7);
        let g: [f64; 3] = std::array::from_fn(|_| f64::from(random.unit()));
        let d: [f64; INPUT] = std::array::from_fn(|_| f64::from(random.unit()));
        let g_points = weight_line(g);
        let mut m = [0.0; POINTS];
        for i in 0..INPUT {
            m[i % POINTS] += g_points[i] * dot(&b[i], &d);
        }
        for (k, row) in a.iter().enumerate() {
            let expected = g[0] * d[2 * k] + g[1] * d[2 * k + 1] + g[2] * d[2 * k + 2];
            assert!((dot(row, &m) - expected).abs() < 1e-13, "output {k}");
        }
    }

    #[test]
    fn the_short_form_is_the_matrix() {
        let (b, _) = matrices();
        let mut random = Random::new(8);
        let x: [f32; INPUT] = std::array::from_fn(|_| random.unit());
        let input = input_line(x.map(|x| [x; LANES]));
        (0..INPUT).for_each(|i| assert_is_product(&b[i], &x, input[i][3]));
    }

    #[test]
    fn every_number_has_a_slot_of_its_own() {
        let mut taken = vec![0; POSITIONS * 4];
        for (i, j) in (0..INPUT).flat_map(|i| (0..INPUT).map(move |j| (i, j))) {
            let Slot { position, number } = slot(i, j);
            assert!(number < numbers(position), "{i}, {j}");
            taken[position * 4 + number] += 1;
        }
        let slots = (0..POSITIONS).map(numbers).sum::<usize>();
        assert_eq!((slots, taken.iter().sum::<usize>()), (81, 81));
        assert!(taken.iter().all(|&count| count <= 1));
    }
}
