//! Runs a network on many pictures, with a progress bar.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow};
use pocketvision::vision::Image;
use pocketvision::{Backend, CompileOptions, Model, Outputs, vision};

use crate::terminal;

/// What `judge` makes of each picture and of what the network yields for it, in the order of
/// the pictures. `judge` is given the picture's place among them.
pub(super) fn judge_each<T: Send>(
    backend: &dyn Backend,
    model: &Model,
    pictures: &[&Path],
    judge: impl Fn(usize, &Image, &Outputs) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let progress = terminal::progress(pictures.len(), "images");
    // The reference computes on one thread; every other backend has the device to itself.
    let workers = match backend.name() {
        "reference" => thread::available_parallelism().map_or(1, |cores| cores.get()),
        _ => 1,
    };
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || -> Result<Vec<(usize, T)>> {
        let mut plan = backend.compile(model.graph(), &CompileOptions::default())?;
        let mut judgements = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = pictures.get(index) else { break };
            let picture = vision::open(path)?;
            let named = || path.display().to_string();
            let outputs = plan.run(&[model.preprocess(&picture)?]).with_context(named)?;
            judgements.push((index, judge(index, &picture, &outputs).with_context(named)?));
            progress.inc(1);
        }
        Ok(judgements)
    };
    let work = || work().inspect_err(|_| failed.store(true, Ordering::Relaxed));
    let found: Result<Vec<_>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|_| Err(anyhow!("a worker stopped unexpectedly")))
        };
        workers.into_iter().map(join).collect()
    });
    progress.finish_and_clear();
    let mut found: Vec<_> = found?.into_iter().flatten().collect();
    found.sort_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, judgement)| judgement).collect())
}
