//! What a processor can do at most: the yardstick of kernels.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use crate::simd::{Simd, multiply_f32, multiply_i8};
use crate::{CpuError, SimdLevel};

/// Multiply-accumulates a second of one core or several, in loops that touch no memory.
///
/// ```no_run
/// use pocketvision_backend_cpu::{Peak, SimdLevel};
///
/// let peak = Peak::measure(SimdLevel::best())?;
/// println!("{:.1} GMAC/s in f32", peak.f32_macs_per_second / 1e9);
/// # Ok::<(), pocketvision_backend_cpu::CpuError>(())
/// ```
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

    /// Measures the peak of so many threads at once, added up: cores that share a clock limit or
    /// an arithmetic unit have less together than each has alone.
    ///
    /// ```no_run
    /// use pocketvision_backend_cpu::{Peak, SimdLevel};
    ///
    /// let [one, four] = [1, 4].map(|threads| Peak::measure_together(SimdLevel::best(), threads));
    /// println!("{:.2}", four?.int8_macs_per_second / one?.int8_macs_per_second);
    /// # Ok::<(), pocketvision_backend_cpu::CpuError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::measure`].
    pub fn measure_together(level: SimdLevel, threads: usize) -> Result<Self, CpuError> {
        Simd::new(level)?;
        let threads = threads.max(1);
        let started = Barrier::new(threads);
        let each = on_threads(threads, |_| {
            started.wait();
            Self::measure(level)
        });
        each.into_iter().try_fold(
            Self { f32_macs_per_second: 0.0, int8_macs_per_second: 0.0 },
            |sum, one| {
                let one = one?;
                Ok(Self {
                    f32_macs_per_second: sum.f32_macs_per_second + one.f32_macs_per_second,
                    int8_macs_per_second: sum.int8_macs_per_second + one.int8_macs_per_second,
                })
            },
        )
    }
}

/// Bytes a second that so many threads read from memory together, from arrays that no cache
/// holds: the best of some trials, a tenth of a second in all. Takes 128 MiB of memory.
///
/// ```no_run
/// let bytes_per_second = pocketvision_backend_cpu::measure_memory_reading(4);
/// println!("{:.1} GB/s", bytes_per_second / 1e9);
/// ```
pub fn measure_memory_reading(threads: usize) -> f64 {
    let threads = threads.max(1);
    let words = READ_BYTES / threads / size_of::<u64>();
    let started = Barrier::new(threads);
    let each = on_threads(threads, |thread| {
        // Written, not only reserved: pages that were never written share one page of zeros.
        let words: Vec<u64> = (0..words as u64).map(|word| word ^ thread as u64).collect();
        started.wait();
        let trial = |_| {
            let start = Instant::now();
            black_box(black_box(&words[..]).iter().fold(0u64, |sum, word| sum.wrapping_add(*word)));
            size_of_val(&words[..]) as f64 / start.elapsed().as_secs_f64().max(1e-9)
        };
        (0..READ_TRIALS).map(trial).fold(0.0, f64::max)
    });
    each.into_iter().sum()
}

/// What each of some threads makes of its number, in order.
fn on_threads<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads.max(1)).map(|thread| scope.spawn(move || work(thread))).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, T>| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().map(join).collect()
    })
}

/// Several times the largest cache of a common processor.
const READ_BYTES: usize = 128 << 20;
const READ_TRIALS: usize = 4;

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

    #[test]
    fn threads_have_a_peak_together_and_read_memory() {
        let peak = Peak::measure_together(SimdLevel::Scalar, 2).unwrap();
        assert!(peak.f32_macs_per_second > 0.0 && peak.int8_macs_per_second > 0.0, "{peak:?}");
        let rate = measure_memory_reading(2);
        assert!(rate.is_finite() && rate > 0.0, "{rate}");
    }

    #[test]
    fn every_thread_has_its_own_number() {
        assert_eq!(on_threads(3, |thread| thread), [0, 1, 2]);
    }
}
