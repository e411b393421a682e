//! Kernels that are compiled, each once for all plans of a device.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::Device;
use crate::pipeline::Pipeline;
use crate::schedule::Kernel;

/// Compiled kernels.
#[derive(Debug, Default)]
pub(crate) struct Pipelines {
    compiled: Mutex<HashMap<Kernel, Arc<Pipeline>>>,
}

impl Pipelines {
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kernel, Arc<Pipeline>>> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pipelines of kernels, compiled on first use by as many threads as there are
    /// processors.
    #[cfg(not(target_family = "wasm"))]
    #[expect(clippy::unused_async, reason = "a browser cannot block")]
    pub(crate) async fn find_or_compile(
        &self,
        device: &Device,
        kernels: &[Kernel],
    ) -> Result<Vec<Arc<Pipeline>>, String> {
        // Held while compiling, so that two plans do not compile one kernel twice.
        let mut compiled = self.lock();
        let missing = missing(&compiled, kernels);
        compiled.extend(compile_on_threads(device, &missing)?);
        Ok(found(&compiled, kernels))
    }

    /// The pipelines of kernels, compiled on first use. The browser does that in another process.
    #[cfg(target_family = "wasm")]
    pub(crate) async fn find_or_compile(
        &self,
        device: &Device,
        kernels: &[Kernel],
    ) -> Result<Vec<Arc<Pipeline>>, String> {
        let missing = missing(&self.lock(), kernels);
        let compile = || -> Vec<(Kernel, Arc<Pipeline>)> {
            missing.iter().map(|&kernel| (kernel, device.compile(kernel))).collect()
        };
        let new = device.checked(compile).await?;
        let mut compiled = self.lock();
        compiled.extend(new);
        Ok(found(&compiled, kernels))
    }
}

/// Those that are not compiled, once each.
fn missing(compiled: &HashMap<Kernel, Arc<Pipeline>>, kernels: &[Kernel]) -> Vec<Kernel> {
    let mut missing: Vec<Kernel> = Vec::new();
    for &kernel in kernels {
        if !compiled.contains_key(&kernel) && !missing.contains(&kernel) {
            missing.push(kernel);
        }
    }
    missing
}

fn found(compiled: &HashMap<Kernel, Arc<Pipeline>>, kernels: &[Kernel]) -> Vec<Arc<Pipeline>> {
    kernels.iter().map(|kernel| Arc::clone(&compiled[kernel])).collect()
}

/// Drivers take most of the time, on the thread that asks.
#[cfg(not(target_family = "wasm"))]
fn compile_on_threads(
    device: &Device,
    kernels: &[Kernel],
) -> Result<Vec<(Kernel, Arc<Pipeline>)>, String> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(&kernel) = kernels.get(next.fetch_add(1, Ordering::Relaxed)) {
            // Error scopes belong to a thread.
            let compiled = pollster::block_on(device.checked(|| device.compile(kernel)))?;
            done.push((kernel, compiled));
        }
        Ok(done)
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<Result<Vec<_>, String>> = thread::scope(|scope| {
        let others: Vec<_> =
            (1..processors.min(kernels.len())).map(|_| scope.spawn(work)).collect();
        let own = work();
        let join = |thread: thread::ScopedJoinHandle<'_, Result<Vec<_>, String>>| {
            thread.join().unwrap_or_else(|_| Err("a thread that compiled shaders panicked".into()))
        };
        std::iter::once(own).chain(others.into_iter().map(join)).collect()
    });
    let all: Result<Vec<Vec<_>>, String> = results.into_iter().collect();
    Ok(all?.into_iter().flatten().collect())
}
