//! Timing a plan.

use std::time::{Duration, Instant};

use anyhow::Result;
use pocketvision::{Outputs, Plan, Tensor};
use serde::Serialize;

/// Latency over several runs, or one simulated latency.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Latency {
    /// The middle run, in milliseconds.
    pub median_ms: f64,
    /// The fastest run, in milliseconds.
    pub min_ms: f64,
    /// The run that 95 in 100 are no slower than, in milliseconds.
    pub p95_ms: f64,
    /// (p95 - min) / median: how much the runs differ.
    pub spread: f64,
    /// Number of runs; 1 where the latency is simulated, since every run would be the same.
    pub runs: usize,
}

impl Latency {
    /// Statistics of at least one measured time.
    pub(crate) fn of_runs(mut times_ms: Vec<f64>) -> Self {
        assert!(!times_ms.is_empty(), "at least one run is timed");
        times_ms.sort_by(f64::total_cmp);
        let runs = times_ms.len();
        let median_ms = median_of_sorted(&times_ms);
        let min_ms = times_ms[0];
        let p95_ms = times_ms[(runs * 95).div_ceil(100) - 1];
        let spread = if median_ms > 0.0 { (p95_ms - min_ms) / median_ms } else { 0.0 };
        Self { median_ms, min_ms, p95_ms, spread, runs }
    }

    /// A latency that was computed, not timed.
    pub(crate) const fn simulated(latency_ms: f64) -> Self {
        let ms = latency_ms;
        Self { median_ms: ms, min_ms: ms, p95_ms: ms, spread: 0.0, runs: 1 }
    }
}

/// The middle of numbers in ascending order, of which there is at least one.
pub(crate) fn median_of_sorted(numbers: &[f64]) -> f64 {
    let count = numbers.len();
    (numbers[(count - 1) / 2] + numbers[count / 2]) / 2.0
}

/// What some runs yielded, and how long each took.
pub(crate) struct Timed {
    /// Of the last run.
    pub outputs: Outputs,
    /// In the order of the runs.
    pub times_ms: Vec<f64>,
}

impl Timed {
    pub(crate) fn latency(&self) -> Latency {
        Latency::of_runs(self.times_ms.clone())
    }
}

/// Runs a plan `warm_up` times unobserved, then `runs` times by the clock, from inputs handed
/// in to outputs handed back.
pub(crate) fn measure(
    plan: &mut dyn Plan,
    inputs: &[Tensor],
    warm_up: usize,
    runs: usize,
) -> Result<Timed> {
    measure_watched(plan, inputs, warm_up, runs, |_, _| ())
}

/// As [`measure`]. After each timed run, `watch` hears how many there were, and how long this one
/// took; no run is timed with it.
pub(crate) fn measure_watched(
    plan: &mut dyn Plan,
    inputs: &[Tensor],
    warm_up: usize,
    runs: usize,
    mut watch: impl FnMut(usize, Duration),
) -> Result<Timed> {
    let mut outputs = Outputs::for_signature(plan.signature());
    for _ in 0..warm_up {
        plan.run_into(inputs, &mut outputs)?;
    }
    let mut times_ms = Vec::with_capacity(runs);
    for run in 1..=runs {
        let start = Instant::now();
        plan.run_into(inputs, &mut outputs)?;
        let elapsed = start.elapsed();
        times_ms.push(elapsed.as_secs_f64() * 1e3);
        watch(run, elapsed);
    }
    Ok(Timed { outputs, times_ms })
}

/// As [`measure`], of several plans that take turns.
pub(crate) fn measure_in_turn(
    plans: &mut [(Box<dyn Plan>, Vec<Tensor>)],
    warm_up: usize,
    runs: usize,
) -> Result<Vec<Latency>> {
    let mut times_ms = vec![Vec::with_capacity(runs); plans.len()];
    let mut outputs: Vec<Outputs> =
        plans.iter().map(|(plan, _)| Outputs::for_signature(plan.signature())).collect();
    for turn in 0..warm_up + runs {
        for (index, (plan, inputs)) in plans.iter_mut().enumerate() {
            let start = Instant::now();
            plan.run_into(inputs, &mut outputs[index])?;
            if turn >= warm_up {
                times_ms[index].push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    Ok(times_ms.into_iter().map(Latency::of_runs).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_known_runs() {
        let hundred = Latency::of_runs((1..=100).rev().map(f64::from).collect());
        assert_eq!((hundred.median_ms, hundred.min_ms, hundred.p95_ms), (50.5, 1.0, 95.0));
        assert_eq!(hundred.spread, 94.0 / 50.5);
        let one = Latency::of_runs(vec![3.0]);
        assert_eq!(one, Latency::simulated(3.0));
        let three = Latency::of_runs(vec![5.0, 1.0, 2.0]);
        assert_eq!((three.median_ms, three.p95_ms, three.runs), (2.0, 5.0, 3));
    }
}
