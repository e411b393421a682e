//! A compiled network, and its runs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use pocketvision_core::{
    CompileError, CompileOptions, Graph, MemoryUse, Outputs, Plan, Profile, RunError, Signature,
    Tensor,
};

use crate::BACKEND_NAME;
use crate::assembly::{Assembly, FRAMES};
use crate::device::{Device, SharedDevice};
use crate::profile::Timestamps;
use crate::schedule::Schedule;
use crate::tuning::Tuning;

/// A network compiled by [`crate::GpuBackend`].
///
/// [`Plan::run`] is for latency: it hands in inputs and waits. For throughput, and for cameras,
/// [`Self::submit`] hands in inputs and returns, and [`Self::poll`] or [`Self::collect`] hands
/// out results in order: the processor then fills one frame while the device works on another.
#[derive(Debug)]
pub struct GpuPlan {
    shared: Arc<SharedDevice>,
    graph: Graph,
    options: CompileOptions,
    signature: Signature,
    tuning: Tuning,
    assembly: Assembly,
    /// Frames that are submitted, oldest first.
    in_flight: VecDeque<usize>,
    next_frame: usize,
    /// What broke this plan.
    broken: Option<String>,
}

impl GpuPlan {
    pub(crate) fn new(
        shared: Arc<SharedDevice>,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<Self, CompileError> {
        let device = shared.current();
        let tuning = device.tuning(graph, options.keep);
        Self::with_tuning(shared, device, graph, options, tuning)
    }

    pub(crate) fn with_tuning(
        shared: Arc<SharedDevice>,
        device: Arc<Device>,
        graph: &Graph,
        options: &CompileOptions,
        tuning: Tuning,
    ) -> Result<Self, CompileError> {
        let assembly = assemble(device, graph, options, tuning)?;
        Ok(Self {
            shared,
            tuning,
            graph: graph.clone(),
            options: *options,
            signature: Signature::new(graph, options),
            assembly,
            in_flight: VecDeque::with_capacity(FRAMES),
            next_frame: 0,
            broken: None,
        })
    }

    /// Dispatches of one run.
    pub fn dispatch_count(&self) -> usize {
        self.assembly.dispatch_count()
    }

    /// Different pipelines among them.
    pub fn pipeline_count(&self) -> usize {
        let kernels = self.assembly.layers.iter().map(|layer| layer.dispatch.kernel);
        kernels.collect::<std::collections::HashSet<_>>().len()
    }

    /// Bytes that the dispatches of one run read and write, weights included, if each reads
    /// every byte of its buffers once.
    pub fn bytes_moved(&self) -> u64 {
        self.assembly.layers.iter().map(|layer| layer.bytes).sum()
    }

    /// Inferences that may be submitted before one is collected.
    pub const fn frames_in_flight(&self) -> usize {
        FRAMES
    }

    /// Hands in the inputs of one inference and returns while the device works on it.
    ///
    /// # Errors
    /// If the inputs do not fit, if [`Self::frames_in_flight`] inferences wait to be collected,
    /// or if the device fails.
    pub fn submit(&mut self, inputs: &[Tensor]) -> Result<(), RunError> {
        self.check(inputs)?;
        if self.in_flight.len() == FRAMES {
            let message = format!("{FRAMES} results wait to be collected before the next submit");
            return Err(error(message));
        }
        let frame = self.next_frame;
        self.start(frame, inputs).map_err(|message| self.break_with(message))?;
        self.in_flight.push_back(frame);
        self.next_frame = (frame + 1) % FRAMES;
        Ok(())
    }

    /// Hands out the oldest result if there is one, without waiting; says whether it did.
    ///
    /// # Errors
    /// If `outputs` were made for another plan, or the device failed.
    pub fn poll(&mut self, outputs: &mut Outputs) -> Result<bool, RunError> {
        let Some(&frame) = self.in_flight.front() else { return Ok(false) };
        let is_done = self.assembly.frames[frame].is_done(&self.assembly.device);
        if !is_done.map_err(|message| self.break_with(message))? {
            return Ok(false);
        }
        self.collect(outputs)
    }

    /// Waits for the oldest result and hands it out; says whether there was one to wait for.
    ///
    /// # Errors
    /// As [`Self::poll`].
    pub fn collect(&mut self, outputs: &mut Outputs) -> Result<bool, RunError> {
        self.signature.check_outputs(outputs)?;
        let Some(frame) = self.in_flight.pop_front() else { return Ok(false) };
        self.finish(frame, outputs).map_err(|message| self.break_with(message))?;
        Ok(true)
    }

    fn start(&mut self, frame: usize, inputs: &[Tensor]) -> Result<(), String> {
        let Assembly { device, frames, .. } = &mut self.assembly;
        let commands = frames[frame].recorded.take().ok_or("no commands are recorded")?;
        frames[frame].submit(device, inputs, commands, None)?;
        // While the device works: what comes next.
        self.assembly.record_ahead(frame)
    }

    fn finish(&mut self, frame: usize, outputs: &mut Outputs) -> Result<(), String> {
        let Assembly { device, frames, .. } = &mut self.assembly;
        frames[frame].wait(device, 0)?;
        frames[frame].collect(&self.signature, outputs)
    }

    fn run_once(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), String> {
        let frame = self.next_frame;
        self.start(frame, inputs)?;
        self.finish(frame, outputs)
    }

    /// Checks the inputs, and that nothing is broken.
    fn check(&self, inputs: &[Tensor]) -> Result<(), RunError> {
        self.signature.check_inputs(inputs)?;
        match &self.broken {
            None => Ok(()),
            Some(message) => Err(error(message.clone())),
        }
    }

    fn check_idle(&self) -> Result<(), RunError> {
        match self.in_flight.len() {
            0 => Ok(()),
            count => Err(error(format!("{count} submitted results wait to be collected"))),
        }
    }

    /// After a failed run staging buffers may be in any state: later runs fail at once.
    fn break_with(&mut self, message: String) -> RunError {
        self.broken = Some(format!("an earlier run failed ({message}); compile the network again"));
        error(message)
    }

    /// Compiles once more, on a new device, if the old one is lost.
    fn recover(&mut self) -> Result<(), RunError> {
        self.shared.replace(&self.assembly.device).map_err(|gpu| error(gpu.to_string()))?;
        let device = self.shared.current();
        let assembly = assemble(device, &self.graph, &self.options, self.tuning)
            .map_err(|compile| error(compile.to_string()))?;
        self.assembly = assembly;
        self.in_flight.clear();
        Ok(())
    }
}

impl Plan for GpuPlan {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
        self.check(inputs)?;
        self.signature.check_outputs(outputs)?;
        self.check_idle()?;
        let Err(message) = self.run_once(inputs, outputs) else { return Ok(()) };
        // A device that is lost is replaced once; what fails after that has another reason.
        if self.assembly.device.is_lost() {
            self.recover()?;
            return self.run_once(inputs, outputs).map_err(|message| self.break_with(message));
        }
        Err(self.break_with(message))
    }

    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        self.check(inputs)?;
        self.check_idle()?;
        if self.assembly.dispatch_count() == 0 || !self.assembly.device.has_timestamps() {
            let mut outputs = Outputs::for_signature(&self.signature);
            let start = Instant::now();
            self.run_into(inputs, &mut outputs)?;
            let latency_ms = 1e3 * start.elapsed().as_secs_f64();
            return Ok(crate::profile::untimed(&self.assembly.layers, latency_ms));
        }
        self.profile_timed(inputs).map_err(|message| self.break_with(message))
    }

    fn memory(&self) -> MemoryUse {
        self.assembly.memory
    }
}

impl GpuPlan {
    fn profile_timed(&mut self, inputs: &[Tensor]) -> Result<Profile, String> {
        let device = Arc::clone(&self.assembly.device);
        let timestamps = match self.assembly.timestamps.take() {
            Some(timestamps) => timestamps,
            None => device.checked(|| Timestamps::new(&device, self.assembly.dispatch_count()))?,
        };
        let commands = device.checked(|| self.assembly.record_timed(&timestamps))?;
        let start = Instant::now();
        let frame = &mut self.assembly.frames[0];
        frame.submit(&device, inputs, commands, Some(timestamps.staging()))?;
        frame.wait(&device, 1)?;
        let mut outputs = Outputs::for_signature(&self.signature);
        frame.collect(&self.signature, &mut outputs)?;
        let latency_ms = 1e3 * start.elapsed().as_secs_f64();
        let times = timestamps.read(&device)?;
        self.assembly.timestamps = Some(timestamps);
        crate::profile::timed(&self.assembly.layers, &times, latency_ms)
    }
}

fn assemble(
    device: Arc<Device>,
    graph: &Graph,
    options: &CompileOptions,
    tuning: Tuning,
) -> Result<Assembly, CompileError> {
    let schedule = Schedule::new(graph, options.keep, device.schedule_limits(tuning))?;
    Assembly::new(device, graph, &schedule)
        .map_err(|message| CompileError::Device { backend: BACKEND_NAME, message })
}

fn error(message: String) -> RunError {
    RunError::Device { backend: BACKEND_NAME, message }
}
