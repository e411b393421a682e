//! One network on one backend, picture by picture.

use std::panic::resume_unwind;
use std::thread;
use std::time::Instant;

use anyhow::{Result, bail};
use pocketvision::vision::Image;
use pocketvision::{Backend, Clock, CompileOptions, DeviceInfo, Model, Outputs, Plan, Task};

use crate::options::{DeviceOptions, ModelOptions};

/// A network compiled for a backend.
pub(crate) struct Inference {
    pub(crate) model: Model,
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) device: DeviceInfo,
    plan: Box<dyn Plan>,
}

impl Inference {
    /// Opens a network for a task, and a backend to run it on, for so many pictures.
    pub(crate) fn open(
        task: Task,
        model: &ModelOptions,
        backend: &str,
        device: &DeviceOptions,
        pictures: usize,
    ) -> Result<Self> {
        // Drivers are loaded while the network is read.
        let (backend, model) = thread::scope(|scope| {
            let backend = scope.spawn(|| device.backend_for_runs(backend, pictures));
            let model = model.open_for(task);
            (backend.join(), model)
        });
        let backend = backend.unwrap_or_else(|panic| resume_unwind(panic))?;
        let model = model?;
        check_task(&model, task)?;
        let plan = backend.compile(model.graph(), &CompileOptions::default())?;
        Ok(Self { device: backend.device(), model, backend, plan })
    }

    /// Runs the network on a picture: its outputs, and how long it took in milliseconds, on the
    /// device's own clock.
    pub(crate) fn run(&mut self, picture: &Image) -> Result<(Outputs, f64)> {
        let inputs = [self.model.preprocess(picture)?];
        let start = Instant::now();
        let outputs = self.plan.run(&inputs)?;
        let latency_ms = match self.device.clock {
            Clock::Simulated => self.plan.profile(&inputs)?.latency_ms,
            Clock::HostWall | Clock::DeviceTimestamp => start.elapsed().as_secs_f64() * 1e3,
        };
        Ok((outputs, latency_ms))
    }
}

/// Refuses a network of another task, and says which command is for it.
pub(crate) fn check_task(model: &Model, wanted: Task) -> Result<()> {
    let wants = match wanted {
        Task::Classify => "a score for each class",
        Task::Detect => "boxes",
        Task::Segment => "a map of classes",
    };
    let name = model.name();
    match model.task() {
        Some(task) if task == wanted => Ok(()),
        Some(task) => bail!(
            "{name} does not yield {wants}: it is a network to {task} with; \
             see `pocketvision {task} --help`"
        ),
        None => bail!("{name} does not yield {wants}, nor anything else that can be read"),
    }
}
