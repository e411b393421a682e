//! `bench --against`: whether a run became slower or faster, and how sure that is.

use std::io::{self, Write};

use serde::Serialize;

use super::table::{milliseconds, percent};
use crate::baseline::Baseline;
use crate::latency::median_of_sorted;

/// A benchmark compared with one that was kept.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Regression {
    pub baseline: String,
    pub saved_at: String,
    /// Of the program that timed the baseline.
    pub version: String,
    pub baseline_median_ms: f64,
    pub baseline_runs: usize,
    /// The median now, divided by the baseline's: above 1 it became slower.
    pub ratio: f64,
    /// The interval that holds the ratio with a confidence of 95 %.
    pub ratio_low: f64,
    pub ratio_high: f64,
    /// `slower` or `faster` if the whole interval is, else `no difference found`.
    pub verdict: &'static str,
}

impl Regression {
    /// Compares the times of runs with a baseline's.
    pub(crate) fn new(baseline: &Baseline, times_ms: &[f64]) -> Self {
        let [then, now] = [&baseline.times_ms[..], times_ms].map(|times| {
            let mut sorted = times.to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted
        });
        let baseline_median_ms = median_of_sorted(&then);
        let (ratio_low, ratio_high) = ratio_interval(&then, &now);
        Self {
            baseline: baseline.name.clone(),
            saved_at: baseline.saved_at.clone(),
            version: baseline.version.clone(),
            baseline_median_ms,
            baseline_runs: then.len(),
            ratio: median_of_sorted(&now) / baseline_median_ms,
            ratio_low,
            ratio_high,
            verdict: match (ratio_low > 1.0, ratio_high < 1.0) {
                (true, _) => "slower",
                (_, true) => "faster",
                _ => "no difference found",
            },
        }
    }

    /// True if it became slower by more than so many percent, at the very least.
    pub(crate) fn is_over(&self, percent: f64) -> bool {
        self.ratio_low > 1.0 + percent / 100.0
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { baseline, saved_at, version, baseline_median_ms, baseline_runs, .. } = self;
        writeln!(
            out,
            "  baseline    {baseline}: {} ms over {baseline_runs} runs, {saved_at}, version {version}",
            milliseconds(*baseline_median_ms)
        )?;
        let change = |ratio: f64| format!("{:+.1} %", (ratio - 1.0) * 100.0);
        writeln!(
            out,
            "  change      {} ({} to {}, 95 % confidence): {}",
            change(self.ratio),
            change(self.ratio_low),
            change(self.ratio_high),
            self.verdict
        )
    }

    /// One line for the command that fails over it.
    pub(crate) fn failure(&self, limit_percent: f64) -> String {
        format!(
            "slower than baseline '{}' by {} at the least (95 % confidence), which is over \
             --fail-over {limit_percent}",
            self.baseline,
            percent(self.ratio_low - 1.0)
        )
    }
}

/// The middle 95 % of the ratio of medians over many pairs of samples, drawn with replacement
/// from the times (a percentile bootstrap; Efron and Tibshirani 1993, chapter 13). The draws
/// are the same in every call. Times are in ascending order.
fn ratio_interval(then: &[f64], now: &[f64]) -> (f64, f64) {
    let (then, now) = (thinned(then), thinned(now));
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut ratios: Vec<f64> = (0..SAMPLES)
        .map(|_| sampled_median(&now, &mut random) / sampled_median(&then, &mut random))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[(share * (SAMPLES - 1) as f64).round() as usize];
    (at(0.025), at(0.975))
}

/// The median of as many numbers, drawn with replacement.
fn sampled_median(sorted: &[f64], random: &mut fastrand::Rng) -> f64 {
    // How often each number is drawn says where the middle is: no sorting.
    let mut drawn = vec![0u32; sorted.len()];
    for _ in sorted {
        drawn[random.usize(..sorted.len())] += 1;
    }
    let number_at = |rank: usize| {
        let mut passed = 0;
        let place = drawn.iter().position(|&times| {
            passed += times as usize;
            passed > rank
        });
        sorted[place.unwrap_or(sorted.len() - 1)]
    };
    let count = sorted.len();
    (number_at((count - 1) / 2) + number_at(count / 2)) / 2.0
}

/// At most so many numbers that are spread as all are. Fewer make the interval wider, never
/// narrower than it is.
fn thinned(sorted: &[f64]) -> Vec<f64> {
    if sorted.len() <= MOST_TIMES {
        return sorted.to_vec();
    }
    let step = sorted.len() as f64 / MOST_TIMES as f64;
    (0..MOST_TIMES).map(|index| sorted[((index as f64 + 0.5) * step) as usize]).collect()
}

const SAMPLES: usize = 4000;
const MOST_TIMES: usize = 1000;
const SEED: u64 = 20_191_114;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::tests::baseline;

    /// Times around a middle that scatter by a tenth, without any chance.
    fn times(middle: f64, count: usize) -> Vec<f64> {
        let share = |index: usize| ((index * 7919) % count) as f64 / count as f64 - 0.5;
        (0..count).map(|index| middle * (1.0 + 0.1 * share(index))).collect()
    }

    #[test]
    fn a_clear_change_is_found_and_none_is_not() {
        let then = baseline("main", times(10.0, 50));
        let same = Regression::new(&then, &times(10.0, 50));
        assert_eq!((same.verdict, same.ratio), ("no difference found", 1.0));
        assert!(same.ratio_low < 1.0 && same.ratio_high > 1.0);
        let slower = Regression::new(&then, &times(12.0, 50));
        assert_eq!(slower.verdict, "slower");
        assert!((slower.ratio - 1.2).abs() < 0.01, "{slower:?}");
        assert!(slower.is_over(10.0) && !slower.is_over(20.0), "{slower:?}");
        assert_eq!(Regression::new(&then, &times(8.0, 50)).verdict, "faster");
    }

    #[test]
    fn the_same_runs_give_the_same_interval_and_more_runs_a_narrower_one() {
        let then = baseline("main", times(10.0, 50));
        let few = Regression::new(&then, &times(10.5, 10));
        assert_eq!(few, Regression::new(&then, &times(10.5, 10)));
        let many = Regression::new(&then, &times(10.5, 2000));
        let width = |found: &Regression| found.ratio_high - found.ratio_low;
        assert!(width(&many) < width(&few), "{many:?} {few:?}");
    }

    /// The interval of the median of uniform numbers is known: its ends are order statistics
    /// whose ranks a binomial distribution gives.
    #[test]
    fn the_interval_is_that_of_order_statistics() {
        let uniform: Vec<f64> = (0..400).map(|index| 1.0 + index as f64 / 400.0).collect();
        let (low, high) = ratio_interval(&[1.0], &uniform);
        // 200 - 1.96 * sqrt(400 / 4) = 180.4 and 219.6: the ranks of the ends.
        assert!((low - 1.451).abs() < 0.01 && (high - 1.549).abs() < 0.01, "{low} {high}");
    }

    #[test]
    fn simulated_times_leave_nothing_open() {
        let then = baseline("main", vec![2.0]);
        let now = Regression::new(&then, &[2.5]);
        assert_eq!((now.ratio_low, now.ratio, now.ratio_high), (1.25, 1.25, 1.25));
        assert_eq!(Regression::new(&then, &[2.0]).verdict, "no difference found");
    }
}
