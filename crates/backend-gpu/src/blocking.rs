//! The forms that wait until they are done: the seam of `pocketvision_core`, and all that the
//! command line uses. A browser cannot block, so none of this is there.

use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, DeviceInfo, Graph, MemoryUse, Node, Outputs,
    Plan, Profile, RunError, Signature, Tensor, Unsupported,
};
use pollster::block_on;

use crate::adapter::{AdapterKind, AdapterSummary};
use crate::assembly::FRAMES;
use crate::batch::Part;
use crate::host_tail::{self, TailedPlan};
use crate::plan::{GpuPlan, error};
use crate::tuning::{TuneError, Tuned};
use crate::{BACKEND_NAME, GpuBackend, GpuError, GpuOptions, support};

impl GpuBackend {
    /// As [`Self::open`].
    ///
    /// ```no_run
    /// use pocketvision_backend_gpu::{GpuBackend, GpuOptions};
    ///
    /// let gpu = GpuBackend::new(GpuOptions::default())?;
    /// println!("{}", gpu.adapter());
    /// # Ok::<(), pocketvision_backend_gpu::GpuError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn new(options: GpuOptions) -> Result<Self, GpuError> {
        block_on(Self::open(options))
    }

    /// As [`Self::list_adapters`].
    pub fn adapters() -> Vec<AdapterSummary> {
        block_on(Self::list_adapters())
    }

    /// As [`Self::compile_async`].
    ///
    /// # Errors
    /// As [`Self::compile_async`].
    pub fn compile_plan(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<GpuPlan, CompileError> {
        block_on(self.compile_async(graph, options))
    }

    /// As [`Self::tune_async`].
    ///
    /// # Errors
    /// As [`Self::tune_async`].
    pub fn tune(&self, graph: &Graph) -> Result<Tuned, TuneError> {
        block_on(self.tune_async(graph))
    }

    /// Takes the device away as an unplugged card would be: for tests of what happens then.
    #[doc(hidden)]
    pub fn lose_device(&self) {
        let device = self.shared.current();
        device.device.destroy();
        let _ = device.poll(wgpu::PollType::Poll);
    }
}

impl Backend for GpuBackend {
    fn name(&self) -> &'static str {
        BACKEND_NAME
    }

    fn device(&self) -> DeviceInfo {
        let AdapterSummary { name, kind, api, driver, .. } = self.summary.clone();
        let device = self.shared.current();
        let kind = match kind {
            AdapterKind::Software => "software (runs on the processor)".into(),
            kind => kind.to_string(),
        };
        let clock = if device.has_timestamps() { Clock::DeviceTimestamp } else { Clock::HostWall };
        let mut details = vec![("type", kind), ("api", api.into()), ("driver", driver)];
        if device.is_half {
            details.push(("float tensors", "f16".into()));
        }
        details.extend(self.warnings().into_iter().map(|warning| ("warning:", warning)));
        DeviceInfo { backend: BACKEND_NAME, name, details, clock }
    }

    fn supports(&self, graph: &Graph, node: &Node) -> Result<(), Unsupported> {
        support::supports(graph, node)
    }

    fn compile(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<Box<dyn Plan>, CompileError> {
        if !host_tail::is_needed(graph) {
            return Ok(Box::new(self.compile_plan(graph, options)?));
        }
        support::check(graph)?;
        let compile = |device_graph: &Graph| -> Result<Box<dyn Plan>, CompileError> {
            Ok(Box::new(self.compile_plan(device_graph, options)?))
        };
        Ok(Box::new(TailedPlan::new(graph, options, compile)?))
    }
}

impl GpuPlan {
    /// As [`Self::test_async`].
    ///
    /// # Errors
    /// As [`Self::test_async`].
    pub fn test(&mut self) -> Result<bool, RunError> {
        block_on(self.test_async())
    }
}

/// For throughput: inputs are handed in before earlier results are out.
impl GpuPlan {
    /// Inferences that may be submitted before one is collected.
    pub const fn frames_in_flight(&self) -> usize {
        FRAMES
    }

    /// Hands in the inputs of one inference and returns while the device works on it.
    ///
    /// ```
    /// use pocketvision_backend_gpu::GpuPlan;
    /// use pocketvision_core::{Outputs, RunError, Tensor};
    ///
    /// /// One frame goes in before the one before it is out.
    /// fn run_all(
    ///     plan: &mut GpuPlan,
    ///     frames: &[Tensor],
    ///     mut show: impl FnMut(&Outputs),
    /// ) -> Result<(), RunError> {
    ///     let mut outputs = Outputs::for_signature(plan.ports());
    ///     for (index, frame) in frames.iter().enumerate() {
    ///         plan.submit(std::slice::from_ref(frame))?;
    ///         if index > 0 && plan.collect(&mut outputs)? {
    ///             show(&outputs);
    ///         }
    ///     }
    ///     while plan.collect(&mut outputs)? {
    ///         show(&outputs);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the inputs do not fit, if the batch is so large that it runs in parts, if
    /// [`Self::frames_in_flight`] inferences wait to be collected, or if the device fails.
    pub fn submit(&mut self, inputs: &[Tensor]) -> Result<(), RunError> {
        self.check(inputs)?;
        if self.assembly.parts > 1 {
            let parts = self.assembly.parts;
            return Err(error(format!("a batch in {parts} parts cannot be fed ahead; run it")));
        }
        if self.in_flight.len() == FRAMES {
            let message = format!("{FRAMES} results wait to be collected before the next submit");
            return Err(error(message));
        }
        let frame = self.next_frame;
        block_on(self.start(frame, inputs, Part::WHOLE))
            .map_err(|message| self.break_with(message))?;
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
        block_on(self.finish(frame, outputs, Part::WHOLE))
            .map_err(|message| self.break_with(message))?;
        Ok(true)
    }
}

impl Plan for GpuPlan {
    fn signature(&self) -> &Signature {
        self.ports()
    }

    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
        block_on(self.run_async(inputs, outputs))
    }

    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        block_on(self.profile_async(inputs))
    }

    fn memory(&self) -> MemoryUse {
        self.memory_use()
    }
}
