//! The threads of a backend.

use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::CpuError;

/// The calling thread and its helpers, which all plans of a backend share.
///
/// Only one region runs at a time: threads that spin at a barrier need all the others of
/// their region to be running.
#[derive(Debug)]
pub(crate) struct Team {
    /// All threads but the calling one; `None` if there are no others.
    helpers: Option<ThreadPool>,
    threads: usize,
    region: Mutex<()>,
}

impl Team {
    /// A team of so many threads, the calling one included.
    pub(crate) fn new(threads: usize) -> Result<Self, CpuError> {
        let build = |helpers| {
            let named = |index| format!("pocketvision-cpu-{}", index + 1);
            ThreadPoolBuilder::new().num_threads(helpers).thread_name(named).build()
        };
        let helpers = if threads > 1 { Some(build(threads - 1)?) } else { None };
        Ok(Self { helpers, threads, region: Mutex::new(()) })
    }

    /// Number of threads, the calling one included.
    pub(crate) const fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work` once on every thread at the same time, with 0 on the calling thread and
    /// a number from 1 on each helper, and returns when all have finished. A panic of one
    /// is passed on then.
    pub(crate) fn run(&self, work: impl Fn(usize) + Sync) {
        let Some(helpers) = &self.helpers else {
            return work(0);
        };
        let _one_region_at_a_time = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        let work = &work;
        helpers.in_place_scope(|scope| {
            scope.spawn_broadcast(move |_, helper| work(helper.index() + 1));
            work(0);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_thread_works_once() {
        for threads in 1..5 {
            let team = Team::new(threads).unwrap();
            let calls: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
            team.run(|index| {
                calls[index].fetch_add(1, Ordering::Relaxed);
            });
            assert!(calls.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }
}
