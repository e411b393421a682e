//! A barrier that spins.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// Makes threads wait for each other between two steps, in well under a microsecond while
/// each has a processor of its own.
///
/// Waiting threads spin; one that has spun for long lets others run. Where that happens again
/// and again, two threads share a processor, and each spin keeps the other from working: so
/// patience halves whenever it did not suffice and doubles whenever it did. A thread that panics must
/// [`Self::poison`] the barrier, or the others would wait for ever.
#[derive(Debug)]
pub(crate) struct Barrier {
    threads: usize,
    arrived: AtomicUsize,
    generation: AtomicUsize,
    poisoned: AtomicBool,
    /// Spins before a thread lets others run.
    patience: AtomicU32,
}

/// Another thread panicked: there is nothing left to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Poisoned;

impl Barrier {
    pub(crate) fn new(threads: usize) -> Self {
        let (arrived, generation) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (poisoned, patience) = (AtomicBool::new(false), AtomicU32::new(MOST_PATIENCE));
        Self { threads, arrived, generation, poisoned, patience }
    }

    /// Ready for another region, whatever happened in the one before.
    pub(crate) fn reset(&mut self) {
        *self.arrived.get_mut() = 0;
        *self.poisoned.get_mut() = false;
    }

    /// Waits until all threads have called this. What they wrote before is visible after.
    pub(crate) fn wait(&self) -> Result<(), Poisoned> {
        if self.threads == 1 {
            return Ok(());
        }
        let generation = self.generation.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            self.generation.store(generation.wrapping_add(1), Ordering::Release);
        } else {
            self.wait_for_others(generation)?;
        }
        if self.poisoned.load(Ordering::Acquire) { Err(Poisoned) } else { Ok(()) }
    }

    /// Spins, then lets others run, until all have arrived.
    fn wait_for_others(&self, generation: usize) -> Result<(), Poisoned> {
        let patience = self.patience.load(Ordering::Relaxed);
        let mut spins = 0;
        while self.generation.load(Ordering::Acquire) == generation {
            if self.poisoned.load(Ordering::Acquire) {
                return Err(Poisoned);
            }
            if spins < patience {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
            spins = spins.saturating_add(1);
        }
        let patience = if spins > patience { patience / 2 } else { patience * 2 };
        self.patience.store(patience.clamp(LEAST_PATIENCE, MOST_PATIENCE), Ordering::Relaxed);
        Ok(())
    }

    /// Releases all waiting threads with an error.
    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
    }

    /// Poisons the barrier if the current thread panics while the guard lives.
    pub(crate) fn poison_on_panic(&self) -> PoisonOnPanic<'_> {
        PoisonOnPanic(self)
    }
}

/// See [`Barrier::poison_on_panic`].
#[derive(Debug)]
pub(crate) struct PoisonOnPanic<'a>(&'a Barrier);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poison();
        }
    }
}

/// Some tens of microseconds: longer than an uneven step, shorter than a time slice.
const MOST_PATIENCE: u32 = 2_000;
/// About a microsecond, as long as it takes to let another thread run.
const LEAST_PATIENCE: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_thread_passes_before_all_have_arrived() {
        const THREADS: usize = 3;
        let barrier = Barrier::new(THREADS);
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for round in 1..200 {
                        sum.fetch_add(1, Ordering::Relaxed);
                        barrier.wait().unwrap();
                        assert_eq!(sum.load(Ordering::Relaxed), round * THREADS);
                        barrier.wait().unwrap();
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_releases_the_others() {
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            let panics = scope.spawn(|| {
                let _guard = barrier.poison_on_panic();
                panic!("on purpose");
            });
            let waits = scope.spawn(|| barrier.wait());
            assert!(panics.join().is_err());
            assert_eq!(waits.join().unwrap(), Err(Poisoned));
        });
    }
}
