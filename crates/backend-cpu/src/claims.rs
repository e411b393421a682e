//! Who computes which part of which step.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Hands out the parts of a list of steps to threads, each part once, and those of a step only
/// when all parts of the step before are finished.
///
/// Every thread has a share of each step that it takes first, so that it finds in its own
/// cache what it wrote a step before. A thread that has finished its share takes parts of the
/// others': one that comes late, or whose processor was taken away, delays nobody but for the
/// part that it has begun.
///
/// A thread that finds nothing waits. It spins, and after a while lets others run. Where that
/// happens again and again, two threads share a processor, and each spin keeps the other from
/// working: so patience halves whenever it did not suffice and doubles whenever it did.
#[derive(Debug)]
pub(crate) struct Claims {
    queues: Box<[Queue]>,
    /// Number of parts of each step.
    parts: Vec<usize>,
    /// Finished parts of the current step.
    finished: AtomicUsize,
    poisoned: AtomicBool,
    /// Spins before a thread lets others run.
    patience: AtomicU32,
}

/// A part of a step, to be computed by the thread that was given it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a step ends when all its parts are finished"]
pub(crate) struct Claim {
    /// Number of the step.
    pub(crate) step: usize,
    /// Number of the part.
    pub(crate) part: usize,
}

/// One thread's share of the current step: the step's number above [`TAKEN_BITS`] bits, how
/// many parts were taken below. It has a cache line (or two that are fetched together) alone.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Queue(AtomicU64);

impl Claims {
    /// For steps of so many parts each.
    pub(crate) fn new(threads: usize, parts: Vec<usize>) -> Self {
        assert!(parts.iter().all(|&count| count >= 1), "a step without parts never ends");
        Self {
            queues: (0..threads).map(|_| Queue::default()).collect(),
            parts,
            finished: AtomicUsize::new(0),
            poisoned: AtomicBool::new(false),
            patience: AtomicU32::new(MOST_PATIENCE),
        }
    }

    /// Ready for another run, whatever happened in the one before.
    pub(crate) fn reset(&mut self) {
        *self.poisoned.get_mut() = false;
        *self.finished.get_mut() = 0;
        self.queues.iter_mut().for_each(|queue| *queue.0.get_mut() = 0);
    }

    /// The next part for a thread, waited for if there is none yet; `None` when all steps are
    /// done, or a thread has panicked. What was written by parts of earlier steps is visible.
    pub(crate) fn next(&self, thread: usize) -> Option<Claim> {
        loop {
            let current = self.queues[thread].step();
            if current == self.parts.len() {
                return None;
            }
            for owner in (thread..self.queues.len()).chain(0..thread) {
                if let Some(claim) = self.take(owner) {
                    return Some(claim);
                }
            }
            self.wait_until_after(current, thread)?;
        }
    }

    /// Takes a part of a thread's share.
    fn take(&self, owner: usize) -> Option<Claim> {
        let queue = &self.queues[owner].0;
        let next = |state: u64| {
            let (step, taken) = ((state >> TAKEN_BITS) as usize, state & TAKEN_MASK);
            let share = self.share(*self.parts.get(step)?, owner);
            let part = share.start + taken as usize;
            (part < share.end).then_some(Claim { step, part })
        };
        // Looked at first, so that threads with nothing to do leave the line where it is.
        let _there_is_one = next(queue.load(Ordering::Relaxed))?;
        next(queue.fetch_add(1, Ordering::AcqRel))
    }

    /// The parts of a step that a thread takes first.
    fn share(&self, parts: usize, thread: usize) -> Range<usize> {
        let threads = self.queues.len();
        parts * thread / threads..parts * (thread + 1) / threads
    }

    /// Says that a claimed part is computed. `after_step` is called if it was the last one of
    /// its step, before anyone can take a part of the next.
    pub(crate) fn finish(&self, claim: Claim, after_step: impl FnOnce()) {
        if self.finished.fetch_add(1, Ordering::AcqRel) + 1 < self.parts[claim.step] {
            return;
        }
        after_step();
        self.finished.store(0, Ordering::Relaxed);
        let next = (claim.step as u64 + 1) << TAKEN_BITS;
        self.queues.iter().for_each(|queue| queue.0.store(next, Ordering::Release));
    }

    fn wait_until_after(&self, step: usize, thread: usize) -> Option<()> {
        let patience = self.patience.load(Ordering::Relaxed);
        let mut spins: u32 = 0;
        while self.queues[thread].step() == step {
            if self.poisoned.load(Ordering::Relaxed) {
                return None;
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
        Some(())
    }

    /// Ends the run on all threads if the current thread panics while the guard lives: nobody
    /// else would finish its part.
    pub(crate) fn poison_on_panic(&self) -> PoisonOnPanic<'_> {
        PoisonOnPanic(self)
    }
}

impl Queue {
    /// The step whose parts are handed out.
    fn step(&self) -> usize {
        (self.0.load(Ordering::Acquire) >> TAKEN_BITS) as usize
    }
}

/// See [`Claims::poison_on_panic`].
#[derive(Debug)]
pub(crate) struct PoisonOnPanic<'a>(&'a Claims);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poisoned.store(true, Ordering::Relaxed);
        }
    }
}

/// Room for all parts of a step and a vain attempt of every thread.
const TAKEN_BITS: u32 = 32;
const TAKEN_MASK: u64 = (1 << TAKEN_BITS) - 1;

/// Some tens of microseconds: longer than an uneven step, shorter than a time slice.
const MOST_PATIENCE: u32 = 2_000;
/// About a microsecond, as long as it takes to let another thread run.
const LEAST_PATIENCE: u32 = 50;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        /// The executor's safety rests on this.
        #[test]
        fn every_part_is_given_once_and_steps_follow_each_other(
            parts in prop::collection::vec(1usize..9, 1..60), threads in 1usize..5,
        ) {
            let mut claims = Claims::new(threads, parts.clone());
            for _ in 0..2 {
                claims.reset();
                let given: Vec<Vec<AtomicUsize>> = parts
                    .iter()
                    .map(|&count| (0..count).map(|_| AtomicUsize::new(0)).collect())
                    .collect();
                let ended = AtomicUsize::new(0);
                std::thread::scope(|scope| {
                    for thread in 0..threads {
                        let (claims, given, ended) = (&claims, &given, &ended);
                        scope.spawn(move || {
                            while let Some(claim) = claims.next(thread) {
                                assert_eq!(ended.load(Ordering::Relaxed), claim.step);
                                given[claim.step][claim.part].fetch_add(1, Ordering::Relaxed);
                                claims.finish(claim, || {
                                    let all = given[claim.step].iter();
                                    assert!(all.into_iter().all(|n| n.load(Ordering::Relaxed) == 1));
                                    ended.fetch_add(1, Ordering::Relaxed);
                                });
                            }
                        });
                    }
                });
                prop_assert_eq!(ended.load(Ordering::Relaxed), parts.len());
            }
        }
    }

    #[test]
    fn one_thread_finishes_without_the_others() {
        let claims = Claims::new(4, vec![4, 1, 9]);
        let mut count = 0;
        while let Some(claim) = claims.next(2) {
            count += 1;
            claims.finish(claim, || {});
        }
        assert_eq!(count, 14);
    }

    #[test]
    fn a_panic_releases_the_others() {
        let claims = Claims::new(2, vec![2, 2]);
        std::thread::scope(|scope| {
            let claim = claims.next(0).unwrap();
            let claims = &claims;
            let panics = scope.spawn(move || {
                let _guard = claims.poison_on_panic();
                panic!("on purpose, with {claim:?} unfinished");
            });
            let waits = scope.spawn(|| {
                while let Some(claim) = claims.next(1) {
                    claims.finish(claim, || {});
                }
            });
            assert!(panics.join().is_err());
            waits.join().unwrap();
        });
    }
}
