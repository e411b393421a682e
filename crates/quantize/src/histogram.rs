//! How often which values occur, for values of unknown range that arrive in any order.

/// Counts of values in bins of equal width. The width is a power of two and doubles when a
/// value lies beyond the bins, merging neighbours, so the counts do not depend on the order
/// in which values arrive. Zeros, half of what a ReLU yields, are counted apart and exactly.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    /// Real width of a bin is two to this.
    exponent: i32,
    /// Bins from `-HALF * width` to `HALF * width`; empty until the first value.
    counts: Vec<u64>,
    zeros: u64,
}

/// Equal values, and how many there are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Point {
    /// The middle of a bin, or zero.
    pub(crate) value: f64,
    /// Number of values.
    pub(crate) count: u64,
}

impl Histogram {
    /// No values yet.
    pub(crate) const fn new() -> Self {
        Self { exponent: LEAST_EXPONENT, counts: Vec::new(), zeros: 0 }
    }

    /// Counts finite values, none of which is larger in magnitude than `largest`.
    pub(crate) fn add(&mut self, values: &[f32], largest: f32) {
        if self.counts.is_empty() {
            self.counts = vec![0; 2 * HALF];
        }
        while f64::from(largest) >= self.width() * HALF as f64 {
            self.double();
        }
        let per_width = self.width().recip() as f32;
        for &value in values {
            if value == 0.0 {
                self.zeros += 1;
            } else {
                let bin = (value * per_width).floor() as isize + HALF as isize;
                self.counts[bin.clamp(0, 2 * HALF as isize - 1) as usize] += 1;
            }
        }
    }

    /// Every value that occurs, ascending, to within half a bin.
    pub(crate) fn points(&self) -> Vec<Point> {
        let width = self.width();
        let mut points: Vec<Point> = Vec::new();
        for (bin, &count) in self.counts.iter().enumerate() {
            if bin == HALF && self.zeros > 0 {
                points.push(Point { value: 0.0, count: self.zeros });
            }
            if count > 0 {
                let value = (bin as f64 - HALF as f64 + 0.5) * width;
                points.push(Point { value, count });
            }
        }
        points
    }

    fn width(&self) -> f64 {
        2f64.powi(self.exponent)
    }

    fn double(&mut self) {
        let mut merged = vec![0; 2 * HALF];
        for (bin, count) in self.counts.iter().enumerate() {
            // HALF is even, so bins merge in pairs around zero.
            merged[HALF / 2 + bin / 2] += count;
        }
        self.counts = merged;
        self.exponent += 1;
    }
}

/// Bins on each side of zero: at least 2048 of them are in use on the larger side, eight to a
/// step of int8.
const HALF: usize = 4096;
/// Bins are at least this wide, so that a value over the width is a finite f32.
const LEAST_EXPONENT: i32 = -100;

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(parts: &[&[f32]]) -> Histogram {
        let mut histogram = Histogram::new();
        for part in parts {
            histogram.add(part, part.iter().fold(0.0, |m, x| x.abs().max(m)));
        }
        histogram
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let (small, large): (&[f32], &[f32]) = (&[0.001, -0.02, 0.0], &[100.0, -3.0, 1e-30]);
        let (a, b) = (histogram(&[small, large]), histogram(&[large, small]));
        assert_eq!(a.points(), b.points());
        assert_eq!(a.points().iter().map(|point| point.count).sum::<u64>(), 6);
    }

    #[test]
    fn values_are_kept_to_half_a_bin_and_zeros_exactly() {
        let points = histogram(&[&[0.0, 5.0, -2.5, 0.0]]).points();
        assert_eq!(points.iter().map(|p| p.count).collect::<Vec<_>>(), [1, 2, 1]);
        assert_eq!(points[1].value, 0.0);
        for (point, exact) in points.iter().zip([-2.5, 0.0, 5.0]) {
            assert!((point.value - exact).abs() <= 5.0 / 2048.0, "{point:?}");
        }
    }

    #[test]
    fn the_extremes_of_f32_have_a_bin() {
        let points = histogram(&[&[f32::MAX, f32::MIN, f32::from_bits(1)]]).points();
        assert_eq!(points.len(), 3);
    }
}
