//! A barrier that spins.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Makes threads wait for each other between two steps, in well under a microsecond while
/// each has a processor of its own.
///
/// Waiting threads spin; one that has spun for long, because there are more threads than
/// processors or the work is uneven, lets others run. A thread that panics must
/// [`Self::poison`] the barrier, or the others would wait for ever.
#[derive(Debug)]
pub(crate) struct Barrier {
    threads: usize,
    arrived: AtomicUsize,
    generation: AtomicUsize,
    poisoned: AtomicBool,
}

/// Another thread panicked: there is nothing left to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Poisoned;

impl Barrier {
    pub(crate) fn new(threads: usize) -> Self {
        let (arrived, generation) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { threads, arrived, generation, poisoned: AtomicBool::new(false) }
    }

    /// Ready for another region, whatever happened in the one before.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.threads);
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
            let mut spins = 0;
            while self.generation.load(Ordering::Acquire) == generation {
                if self.poisoned.load(Ordering::Acquire) {
                    return Err(Poisoned);
                }
                if spins < SPINS_BEFORE_YIELD {
                    spins += 1;
                    std::hint::spin_loop();
                } else {
                    std::thread::yield_now();
                }
            }
        }
        if self.poisoned.load(Ordering::Acquire) { Err(Poisoned) } else { Ok(()) }
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
const SPINS_BEFORE_YIELD: u32 = 2_000;

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
