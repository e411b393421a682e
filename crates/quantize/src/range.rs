//! The range of real numbers that a tensor's integers span.

use pocketvision_core::Element;

use crate::RangeMethod;
use crate::histogram::{Histogram, Point};

/// What was seen of one tensor's values.
#[derive(Clone, Debug)]
pub(crate) struct ValueStatistics {
    /// Smallest value.
    pub(crate) min: f32,
    /// Largest value.
    pub(crate) max: f32,
    averages: Option<(f64, f64)>,
    histogram: Histogram,
}

impl ValueStatistics {
    /// Nothing seen yet.
    pub(crate) const fn new() -> Self {
        Self { min: 0.0, max: 0.0, averages: None, histogram: Histogram::new() }
    }

    /// Takes in the values of one sample, all of them finite.
    pub(crate) fn add(&mut self, values: &[f32], method: RangeMethod) {
        let min = values.iter().copied().fold(f32::INFINITY, f32::min);
        let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        (self.min, self.max) = (self.min.min(min), self.max.max(max));
        match method {
            RangeMethod::MinMax => {}
            RangeMethod::MovingAverage { momentum } => {
                let (min, max) = (f64::from(min), f64::from(max));
                let blend = |old: f64, new: f64| momentum * old + (1.0 - momentum) * new;
                self.averages = Some(match self.averages {
                    None => (min, max),
                    Some((low, high)) => (blend(low, min), blend(high, max)),
                });
            }
            RangeMethod::Percentile(_) | RangeMethod::MeanSquaredError => {
                self.histogram.add(values, max.max(-min));
            }
        }
    }

    /// The range of a method, widened to hold 0. Values outside of `domain` count as its
    /// nearest end: what reads them cannot tell the difference.
    pub(crate) fn range(&self, method: RangeMethod, domain: (f64, f64)) -> Range {
        let inside = |value: f64| value.clamp(domain.0, domain.1);
        let whole = Range::holding_zero(inside(self.min.into()), inside(self.max.into()));
        match (method, self.averages) {
            (RangeMethod::MovingAverage { .. }, Some((low, high))) => {
                Range::holding_zero(inside(low), inside(high))
            }
            (RangeMethod::Percentile(percent), _) => {
                let (low, high) = percentiles(&self.histogram.points(), percent);
                // The middle of a bin may lie beyond its only value.
                whole.cut_to(inside(low), inside(high))
            }
            (RangeMethod::MeanSquaredError, _) => {
                let mut points = self.histogram.points();
                points.iter_mut().for_each(|point| point.value = inside(point.value));
                least_error_range(&points, whole)
            }
            _ => whole,
        }
    }
}

/// Real numbers from `low` to `high`; `low <= 0 <= high`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Range {
    /// The smallest.
    pub(crate) low: f64,
    /// The largest.
    pub(crate) high: f64,
}

impl Range {
    /// The range widened to hold 0.
    pub(crate) const fn holding_zero(low: f64, high: f64) -> Self {
        Self { low: low.min(0.0), high: high.max(0.0) }
    }

    /// Both ranges together.
    pub(crate) const fn union(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    fn cut_to(self, low: f64, high: f64) -> Self {
        Self::holding_zero(self.low.max(low), self.high.min(high))
    }

    /// Int8 whose 256 numbers span the range as nearly as they can with 0 one of them. A range
    /// of nothing but 0 spans what it likes.
    pub(crate) fn element(self) -> Element {
        let (scale, zero_point) = self.steps();
        Element::int8(scale, zero_point)
    }

    fn steps(self) -> (f32, i32) {
        let span = self.high - self.low;
        let scale = if span > 0.0 { (span / 255.0) as f32 } else { 1.0 / 256.0 };
        let scale = scale.clamp(f32::MIN_POSITIVE, f32::MAX);
        let zero_point = (-128.0 - self.low / f64::from(scale)).round().clamp(-128.0, 127.0);
        (scale, zero_point as i32)
    }

    /// Sum of the squared errors that int8 of this range makes of these values.
    fn squared_error(self, points: &[Point]) -> f64 {
        let (scale, zero_point) = self.steps();
        let (scale, zero_point) = (f64::from(scale), f64::from(zero_point));
        let error = |point: &Point| {
            let step = (point.value / scale + zero_point).round().clamp(-128.0, 127.0);
            let error = point.value - scale * (step - zero_point);
            point.count as f64 * error * error
        };
        points.iter().map(error).sum()
    }
}

/// The values below and above which lie `100 - percent` percent of all.
fn percentiles(points: &[Point], percent: f64) -> (f64, f64) {
    let total: u64 = points.iter().map(|point| point.count).sum();
    let beyond = (total as f64 * (1.0 - percent / 100.0)).floor() as u64;
    let first_after = |points: &mut dyn Iterator<Item = &Point>| {
        let mut skipped = 0;
        let mut after = points.skip_while(|point| {
            skipped += point.count;
            skipped <= beyond
        });
        after.next().map_or(0.0, |point| point.value)
    };
    (first_after(&mut points.iter()), first_after(&mut points.iter().rev()))
}

/// The range within `whole` whose integers have the least squared error: both ends are drawn
/// in together, then each by itself.
fn least_error_range(points: &[Point], whole: Range) -> Range {
    let mut best = (whole.squared_error(points), whole);
    let mut consider = |range: Range| {
        let error = range.squared_error(points);
        if error < best.0 {
            best = (error, range);
        }
        best.1
    };
    for share in shares() {
        consider(Range { low: whole.low * share, high: whole.high * share });
    }
    for _ in 0..if whole.low < 0.0 && whole.high > 0.0 { 2 } else { 0 } {
        let mut found = consider(whole);
        for share in shares() {
            consider(Range { high: whole.high * share, ..found });
        }
        found = consider(whole);
        for share in shares() {
            consider(Range { low: whole.low * share, ..found });
        }
    }
    best.1
}

/// From 1 down to a tenth, in steps of 2 %.
fn shares() -> impl Iterator<Item = f64> {
    (0..SHARES).map(|step| 0.98f64.powi(step))
}

const SHARES: i32 = 115;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVERYTHING: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    fn range(method: RangeMethod, samples: &[&[f32]]) -> Range {
        let mut statistics = ValueStatistics::new();
        samples.iter().for_each(|values| statistics.add(values, method));
        statistics.range(method, EVERYTHING)
    }

    #[test]
    fn a_moving_average_follows_the_samples() {
        let method = RangeMethod::MovingAverage { momentum: 0.5 };
        let range = range(method, &[&[-1.0, 4.0], &[-3.0, 8.0], &[-2.0, 0.0]]);
        assert_eq!(range, Range { low: -2.0, high: 3.0 });
    }

    #[test]
    fn percentiles_leave_out_what_is_rare() {
        let mut values: Vec<f32> = (0..10_000).map(|i| (i as f32 / 10_000.0) * 2.0 - 1.0).collect();
        values.extend([50.0, -80.0]);
        let percentile = range(RangeMethod::Percentile(99.9), &[&values]);
        assert!((percentile.low + 1.0).abs() < 0.05 && (percentile.high - 1.0).abs() < 0.05);
        let all = range(RangeMethod::Percentile(100.0), &[&values]);
        assert!((all.low + 80.0).abs() < 0.05 && (all.high - 50.0).abs() < 0.05, "{all:?}");
        let min_max = range(RangeMethod::MinMax, &[&values]);
        assert_eq!(min_max, Range { low: -80.0, high: 50.0 });
    }

    #[test]
    fn what_the_reader_cannot_tell_apart_needs_no_integers() {
        let mut statistics = ValueStatistics::new();
        let values: Vec<f32> = (-1000..1000).map(|i| i as f32 / 100.0).collect();
        statistics.add(&values, RangeMethod::MeanSquaredError);
        let range = statistics.range(RangeMethod::MeanSquaredError, (-3.0, f64::INFINITY));
        assert!(range.low >= -3.0 && range.high > 9.0, "{range:?}");
    }

    proptest! {
        #[test]
        fn least_error_is_at_most_that_of_the_whole_range(
            values in prop::collection::vec(-1.0f32..1.0, 1..200),
            outlier in -1000.0f32..1000.0,
        ) {
            let values: Vec<f32> = values.into_iter().chain([outlier]).collect();
            let method = RangeMethod::MeanSquaredError;
            let mut statistics = ValueStatistics::new();
            statistics.add(&values, method);
            let points = statistics.histogram.points();
            let whole = range(RangeMethod::MinMax, &[&values]);
            let best = statistics.range(method, EVERYTHING);
            prop_assert!(best.squared_error(&points) <= whole.squared_error(&points));
            prop_assert!(best.low >= whole.low && best.high <= whole.high);
        }

        #[test]
        fn zero_has_an_integer_and_both_ends_are_within_half_a_step(
            low in -1e6f64..1e6, span in 1e-6f64..1e6,
        ) {
            let range = Range::holding_zero(low, low + span);
            let (scale, zero_point) = range.steps();
            prop_assert!((-128..=127).contains(&zero_point));
            let scale = f64::from(scale);
            let ends = [-128, 127].map(|end| scale * f64::from(end - zero_point));
            prop_assert!((ends[0] - range.low).abs() <= 0.501 * scale, "{:?} {:?}", ends, range);
            prop_assert!((ends[1] - range.high).abs() <= 0.501 * scale, "{:?} {:?}", ends, range);
        }
    }

    #[test]
    fn a_range_of_nothing_is_valid() {
        let zero = Range::holding_zero(0.0, 0.0);
        assert!(zero.element().quantization().unwrap().is_valid());
        let tiny = Range::holding_zero(0.0, 1e-45);
        assert!(tiny.element().quantization().unwrap().is_valid());
    }
}
