//! What a core can do at most: the yardstick of kernels.

use std::time::Instant;

use crate::simd::{Simd, multiply_f32, multiply_i8};
use crate::{CpuError, SimdLevel};

/// Multiply-accumulates a second of one core, in loops that touch no memory.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Peak {
    /// In f32.
    pub f32_macs_per_second: f64,
    /// In int8.
    pub int8_macs_per_second: f64,
}

impl Peak {
    /// Measures the peak of a SIMD level on the calling thread: the best of some twenty
    /// milliseconds for each type.
    ///
    /// Winograd's convolutions may pass it, since their multiply-accumulates are counted as if
    /// they were computed directly.
    ///
    /// # Errors
    /// If the machine does not have the level.
    pub fn measure(level: SimdLevel) -> Result<Self, CpuError> {
        let simd = Simd::new(level)?;
        Ok(Self {
            f32_macs_per_second: best_of_trials(|times| multiply_f32(simd, times)),
            int8_macs_per_second: best_of_trials(|times| multiply_i8(simd, times)),
        })
    }
}

/// The most work a second of some trials; `work` does as much as it is told, and says how much
/// that was.
fn best_of_trials(work: impl Fn(usize) -> usize) -> f64 {
    const TRIALS: usize = 40;
    const TIMES: usize = 50_000;
    let trial = |_| {
        let start = Instant::now();
        let done = work(TIMES);
        done as f64 / start.elapsed().as_secs_f64().max(1e-9)
    };
    (0..TRIALS).map(trial).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_a_peak() {
        for level in SimdLevel::available() {
            let peak = Peak::measure(level).unwrap();
            let macs = [peak.f32_macs_per_second, peak.int8_macs_per_second];
            assert!(macs.iter().all(|macs| macs.is_finite() && *macs > 0.0), "{level}: {peak:?}");
        }
    }
}
