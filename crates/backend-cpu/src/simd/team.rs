//! The threads of a backend.

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::CpuError;

/// The calling thread and its helpers, which all plans of a backend share, one region at a
/// time.
///
/// Nobody waits for a helper to wake up: the caller starts at once, helpers join while the
/// region is open, and one that comes when it is over finds it closed. After a region helpers
/// look out for the next one for [`PATIENCE`], then sleep.
pub(crate) struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    region: Mutex<()>,
}

/// What callers and helpers share.
struct Shared {
    /// Number of the region above [`REGION_SHIFT`] bits, then [`OPEN`], then the number of
    /// helpers at work.
    gate: AtomicU64,
    /// What the region's threads do.
    work: UnsafeCell<Work>,
    /// Helpers that have come to life.
    started: AtomicUsize,
    stop: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// A borrowed closure, called with the number of the thread.
type Borrowed<'a> = *const (dyn Fn(usize) + Sync + 'a);

/// One whose lifetime is only known to [`Team::run`].
type Work = Borrowed<'static>;

// SAFETY: `work` is written by `Team::run` alone, while the gate is closed and no helper is
// counted in it, and read by helpers that are counted. `run` returns only when the gate is
// closed and all helpers have left, so that the closure, which is `Sync`, outlives its calls.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Team {
    /// A team of so many threads, the calling one included.
    pub(crate) fn new(threads: usize) -> Result<Self, CpuError> {
        let nothing: Work = &|_| {};
        let shared = Arc::new(Shared {
            gate: AtomicU64::new(0),
            work: UnsafeCell::new(nothing),
            started: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        let mut team = Self { shared, helpers: Vec::new(), region: Mutex::new(()) };
        for thread in 1..threads {
            let shared = Arc::clone(&team.shared);
            let builder = std::thread::Builder::new().name(format!("pocketvision-cpu-{thread}"));
            team.helpers.push(builder.spawn(move || shared.help(thread))?);
        }
        Ok(team)
    }

    /// Waits until all helpers have come to life, since a thread allocates when it does: a run
    /// must not see that.
    pub(crate) fn wait_until_started(&self) {
        while self.shared.started.load(Ordering::Relaxed) < self.helpers.len() {
            std::thread::yield_now();
        }
    }

    /// Number of threads, the calling one included.
    pub(crate) const fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Calls `work` with 0 on the calling thread, and with its number from 1 on each helper
    /// that wakes up before that call returns; returns when all calls have. A panic of one is
    /// passed on then.
    pub(crate) fn run(&self, work: impl Fn(usize) + Sync) {
        if self.helpers.is_empty() {
            return work(0);
        }
        let region = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        let borrowed: Borrowed<'_> = &raw const work;
        *self.shared.panic.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // SAFETY: the type differs in its lifetime alone; see `Shared` for why nobody calls
        // the closure, or writes here, when they should not.
        unsafe { *self.shared.work.get() = std::mem::transmute::<Borrowed<'_>, Work>(borrowed) };
        let open = Open::new(&self.shared, region);
        self.helpers.iter().for_each(|helper| helper.thread().unpark());
        work(0);
        drop(open);
        let panic = self.shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

/// An open region; dropped, it is closed and left by all helpers, even if the caller panics.
struct Open<'a> {
    shared: &'a Shared,
    _region: MutexGuard<'a, ()>,
}

impl<'a> Open<'a> {
    fn new(shared: &'a Shared, region: MutexGuard<'a, ()>) -> Self {
        let number = (shared.gate.load(Ordering::Relaxed) >> REGION_SHIFT).wrapping_add(1);
        shared.gate.store(number << REGION_SHIFT | OPEN, Ordering::Release);
        Self { shared, _region: region }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.gate.fetch_and(!OPEN, Ordering::AcqRel);
        let mut spins = 0;
        while state & HELPERS != 0 {
            if spins < SPINS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
            spins += 1;
            state = self.shared.gate.load(Ordering::Acquire);
        }
    }
}

impl Shared {
    /// A helper's life.
    fn help(&self, thread: usize) {
        self.started.fetch_add(1, Ordering::Relaxed);
        let mut last_region = 0;
        while let Some(state) = self.wait_for_region(last_region) {
            let entered =
                self.gate.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed);
            if entered.is_err() {
                continue;
            }
            last_region = state >> REGION_SHIFT;
            // SAFETY: this helper is counted in the gate; see `Shared`.
            let work = unsafe { &**self.work.get() };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(thread))) {
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            }
            self.gate.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Spins, then sleeps, until a new region is open; `None` if the team is dissolved.
    fn wait_for_region(&self, last_region: u64) -> Option<u64> {
        let start = Instant::now();
        let mut spins: u32 = 0;
        loop {
            let state = self.gate.load(Ordering::Acquire);
            if state & OPEN != 0 && state >> REGION_SHIFT != last_region {
                return Some(state);
            }
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            spins = spins.wrapping_add(1);
            if spins.is_multiple_of(SPINS) && start.elapsed() > PATIENCE {
                // A call of `unpark` since the last sleep makes this return at once.
                std::thread::park();
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // Its panics were passed on when they happened.
            let _ = helper.join();
        }
    }
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

const REGION_SHIFT: u32 = 32;
const OPEN: u64 = 1 << 31;
const HELPERS: u64 = OPEN - 1;

/// How long a helper spins after a region: the next inference often follows at once.
const PATIENCE: Duration = Duration::from_micros(100);

/// Spins between two looks at the clock, or before a processor is offered to others.
const SPINS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_thread_is_in_a_region_twice_or_after_its_end() {
        for threads in 1..5 {
            let team = Team::new(threads).unwrap();
            for _ in 0..200 {
                let calls: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
                team.run(|thread| {
                    calls[thread].fetch_add(1, Ordering::Relaxed);
                });
                let calls: Vec<usize> = calls.into_iter().map(AtomicUsize::into_inner).collect();
                assert_eq!(calls[0], 1);
                assert!(calls.iter().all(|&count| count <= 1), "{calls:?}");
            }
        }
    }

    #[test]
    fn helpers_join_while_the_region_is_open() {
        let team = Team::new(3).unwrap();
        for pause_ms in [0, 5] {
            std::thread::sleep(Duration::from_millis(pause_ms));
            let present = AtomicUsize::new(0);
            team.run(|_| {
                present.fetch_add(1, Ordering::Relaxed);
                while present.load(Ordering::Relaxed) < 3 {
                    std::thread::yield_now();
                }
            });
        }
    }

    #[test]
    fn a_panic_is_passed_on_and_the_next_region_works() {
        let team = Team::new(2).unwrap();
        for culprit in [0, 1] {
            let others = AtomicBool::new(false);
            let region = AssertUnwindSafe(|| {
                team.run(|thread| {
                    // The caller stays until the helper is there.
                    if thread == 1 {
                        others.store(true, Ordering::Relaxed);
                    }
                    while !others.load(Ordering::Relaxed) {
                        std::thread::yield_now();
                    }
                    assert_ne!(thread, culprit, "on purpose");
                });
            });
            assert!(catch_unwind(region).is_err());
            team.run(|_| {});
        }
    }

    #[test]
    fn several_callers_take_turns() {
        let team = Team::new(2).unwrap();
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        team.run(|thread| {
                            if thread == 0 {
                                assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                                inside.fetch_sub(1, Ordering::Relaxed);
                            }
                        });
                    }
                });
            }
        });
    }
}
