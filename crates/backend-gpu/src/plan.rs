//! A compiled network, and its runs.

use std::collections::VecDeque;
use std::sync::Arc;

use pocketvision_core::{
    CompileError, CompileOptions, Graph, MemoryUse, Outputs, Profile, RunError, Signature, Tensor,
};
use web_time::Instant;

use crate::BACKEND_NAME;
use crate::assembly::{Assembly, FRAMES};
use crate::batch::Part;
use crate::cut::Cut;
use crate::device::Device;
use crate::profile::Timestamps;
use crate::self_test::SelfTest;
use crate::shared_device::SharedDevice;
use crate::tuning::Tuning;

/// A network compiled by [`crate::GpuBackend`].
///
/// [`Plan::run`] is for latency: it hands in inputs and waits; [`Self::run_async`] is its form for
/// programs that must not block, pages in a browser above all. For throughput, and for cameras,
/// `submit` hands in inputs and returns, and `poll` or `collect` hands out results in order: the
/// processor then fills one frame while the device works on another.
///
/// [`Plan::run`]: pocketvision_core::Plan::run
///
/// ```
/// use pocketvision_backend_gpu::GpuPlan;
/// use pocketvision_core::{Outputs, RunError, Tensor};
///
/// async fn scores(plan: &mut GpuPlan, photo: Tensor) -> Result<Vec<f32>, RunError> {
///     let mut outputs = Outputs::for_signature(plan.ports());
///     plan.run_async(&[photo], &mut outputs).await?;
///     Ok(outputs[0].to_f32())
/// }
/// ```
#[derive(Debug)]
pub struct GpuPlan {
    shared: Arc<SharedDevice>,
    graph: Graph,
    options: CompileOptions,
    pub(crate) signature: Signature,
    tuning: Tuning,
    pub(crate) assembly: Assembly,
    /// Frames that are submitted, oldest first.
    pub(crate) in_flight: VecDeque<usize>,
    pub(crate) next_frame: usize,
    /// What broke this plan.
    broken: Option<String>,
}

impl GpuPlan {
    pub(crate) async fn new(
        shared: Arc<SharedDevice>,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<Self, CompileError> {
        let device = shared.current();
        let tuning = device.tuning(graph, options.keep);
        Self::with_tuning(shared, device, graph, options, tuning).await
    }

    pub(crate) async fn with_tuning(
        shared: Arc<SharedDevice>,
        device: Arc<Device>,
        graph: &Graph,
        options: &CompileOptions,
        tuning: Tuning,
    ) -> Result<Self, CompileError> {
        let cut = Cut::choose(&device, graph, options, tuning, device.self_test).await?;
        let tuning = cut.tuning;
        let assembly = cut.assemble(device).await?;
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

    /// Runs that one batch takes: more than 1 where the whole batch is too large for the device.
    pub const fn parts(&self) -> usize {
        self.assembly.parts
    }

    /// Memory that the plan holds, on the device and for staging.
    pub const fn memory_use(&self) -> MemoryUse {
        self.assembly.memory
    }

    /// What it takes and yields.
    pub const fn ports(&self) -> &Signature {
        &self.signature
    }

    /// Runs the network into outputs that the caller owns, and lets others go on meanwhile.
    /// [`Plan::run_into`] is the same for those who would rather block.
    ///
    /// [`Plan::run_into`]: pocketvision_core::Plan::run_into
    ///
    /// # Errors
    /// If the inputs or outputs do not fit, submitted results wait to be collected, or the
    /// device fails.
    pub async fn run_async(
        &mut self,
        inputs: &[Tensor],
        outputs: &mut Outputs,
    ) -> Result<(), RunError> {
        self.check(inputs)?;
        self.signature.check_outputs(outputs)?;
        self.check_idle()?;
        let Err(message) = self.run_once(inputs, outputs).await else { return Ok(()) };
        // A device that is lost is replaced once; what fails after that has another reason.
        if self.assembly.device.is_lost() {
            self.recover().await?;
            let again = self.run_once(inputs, outputs).await;
            return again.map_err(|message| self.break_with(message));
        }
        Err(self.break_with(message))
    }

    /// Runs the network once more slowly and says what each dispatch cost.
    ///
    /// ```
    /// use pocketvision_backend_gpu::GpuPlan;
    /// use pocketvision_core::{RunError, Tensor};
    ///
    /// async fn show(plan: &mut GpuPlan, photo: Tensor) -> Result<(), RunError> {
    ///     for layer in plan.profile_async(&[photo]).await?.layers {
    ///         println!("{}: {:.3} ms", layer.name, layer.latency_ms);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Self::run_async`].
    pub async fn profile_async(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        self.check(inputs)?;
        self.check_idle()?;
        let is_timed = self.assembly.device.has_timestamps() && self.assembly.parts == 1;
        if self.assembly.dispatch_count() == 0 || !is_timed {
            let mut outputs = Outputs::for_signature(&self.signature);
            let start = Instant::now();
            self.run_async(inputs, &mut outputs).await?;
            let latency_ms = 1e3 * start.elapsed().as_secs_f64();
            return Ok(crate::profile::untimed(&self.assembly.layers, latency_ms));
        }
        self.profile_timed(inputs).await.map_err(|message| self.break_with(message))
    }

    /// Tests those of its kernels that are new to the adapter, for backends that were opened with
    /// [`SelfTest::Later`], and says whether all are right. If not, the network is compiled anew
    /// without them, and later runs are right.
    ///
    /// ```
    /// use pocketvision_backend_gpu::GpuPlan;
    /// use pocketvision_core::RunError;
    ///
    /// async fn warn_if_wrong(plan: &mut GpuPlan) -> Result<(), RunError> {
    ///     if !plan.test_async().await? {
    ///         eprintln!("earlier results were wrong; later ones are right");
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If submitted results wait to be collected, there is no other way to compute the network, or
    /// the device fails.
    pub async fn test_async(&mut self) -> Result<bool, RunError> {
        self.check_whole()?;
        self.check_idle()?;
        let before = self.tuning;
        if self.assembly.device.is_lost() {
            self.recover().await?;
        }
        let device = Arc::clone(&self.assembly.device);
        match self.cut_anew(device, SelfTest::First).await {
            Ok(()) => Ok(self.tuning == before),
            // The next run replaces the device.
            Err(compile) if self.assembly.device.is_lost() => Err(error(compile.to_string())),
            Err(compile) => Err(self.break_with(compile.to_string())),
        }
    }

    pub(crate) async fn start(
        &mut self,
        frame: usize,
        inputs: &[Tensor],
        part: Part,
    ) -> Result<(), String> {
        let Assembly { device, frames, .. } = &mut self.assembly;
        let commands = frames[frame].recorded.take().ok_or("no commands are recorded")?;
        frames[frame].submit(device, inputs, part, commands, None).await?;
        // While the device works: what comes next.
        self.assembly.record_ahead(frame).await
    }

    pub(crate) async fn finish(
        &mut self,
        frame: usize,
        outputs: &mut Outputs,
        part: Part,
    ) -> Result<(), String> {
        let Assembly { device, frames, .. } = &mut self.assembly;
        frames[frame].wait(device, 0).await?;
        frames[frame].collect(&self.signature, outputs, part)
    }

    async fn run_once(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), String> {
        let count = self.assembly.parts;
        let mut running = None;
        for index in 0..count {
            let (frame, part) = ((self.next_frame + index) % FRAMES, Part { index, count });
            self.start(frame, inputs, part).await?;
            if let Some((frame, part)) = running.replace((frame, part)) {
                self.finish(frame, outputs, part).await?;
            }
        }
        match running {
            Some((frame, part)) => self.finish(frame, outputs, part).await,
            None => Ok(()),
        }
    }

    /// Checks the inputs, and that nothing is broken.
    pub(crate) fn check(&self, inputs: &[Tensor]) -> Result<(), RunError> {
        self.signature.check_inputs(inputs)?;
        self.check_whole()
    }

    fn check_whole(&self) -> Result<(), RunError> {
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

    /// How the network is cut.
    pub(crate) const fn tuning(&self) -> Tuning {
        self.tuning
    }

    /// After a failed run staging buffers may be in any state: later runs fail at once.
    pub(crate) fn break_with(&mut self, message: String) -> RunError {
        self.broken = Some(format!("an earlier run failed ({message}); compile the network again"));
        error(message)
    }

    /// Compiles once more, on a new device, if the old one is lost.
    async fn recover(&mut self) -> Result<(), RunError> {
        let replaced = self.shared.replace(&self.assembly.device).await;
        replaced.map_err(|gpu| error(gpu.to_string()))?;
        let device = self.shared.current();
        let self_test = device.self_test;
        self.cut_anew(device, self_test).await.map_err(|compile| error(compile.to_string()))?;
        self.in_flight.clear();
        Ok(())
    }

    /// Makes the plan's objects again, if the device or the way to cut the network is another.
    async fn cut_anew(
        &mut self,
        device: Arc<Device>,
        self_test: SelfTest,
    ) -> Result<(), CompileError> {
        let Self { graph, options, tuning, assembly, .. } = self;
        let cut = Cut::choose(&device, graph, options, *tuning, self_test).await?;
        if cut.tuning != *tuning || !Arc::ptr_eq(&device, &assembly.device) {
            let chosen = cut.tuning;
            *assembly = cut.assemble(device).await?;
            // Not before: a device that is lost on the way leaves the plan as it was.
            *tuning = chosen;
        }
        Ok(())
    }
}

impl GpuPlan {
    async fn profile_timed(&mut self, inputs: &[Tensor]) -> Result<Profile, String> {
        let device = Arc::clone(&self.assembly.device);
        let timestamps = match self.assembly.timestamps.take() {
            Some(timestamps) => timestamps,
            None => {
                let make = || Timestamps::new(&device, self.assembly.dispatch_count());
                device.checked(make).await?
            }
        };
        let commands = device.checked(|| self.assembly.record_timed(&timestamps)).await?;
        let start = Instant::now();
        let frame = &mut self.assembly.frames[0];
        let staging = Some(timestamps.staging());
        frame.submit(&device, inputs, Part::WHOLE, commands, staging).await?;
        frame.wait(&device, 1).await?;
        let mut outputs = Outputs::for_signature(&self.signature);
        frame.collect(&self.signature, &mut outputs, Part::WHOLE)?;
        let latency_ms = 1e3 * start.elapsed().as_secs_f64();
        let times = timestamps.read(&device)?;
        self.assembly.timestamps = Some(timestamps);
        crate::profile::timed(&self.assembly.layers, &times, latency_ms)
    }
}

pub(crate) fn error(message: String) -> RunError {
    RunError::Device { backend: BACKEND_NAME, message }
}
