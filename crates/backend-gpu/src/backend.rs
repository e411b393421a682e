//! The backend.

use std::sync::Arc;

use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, DeviceInfo, Graph, Node, Plan, Unsupported,
};

use crate::adapter::{self, AdapterKind, AdapterSummary};
use crate::device::SharedDevice;
use crate::host_tail::{self, TailedPlan};
use crate::plan::GpuPlan;
use crate::tuning::{self, TuneError, Tuned};
use crate::{BACKEND_NAME, GpuError, support};

/// Choices made when opening a GPU.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct GpuOptions {
    /// A part of the adapter's name, in any case. Without one, `WGPU_ADAPTER_NAME` is asked,
    /// and then the best adapter is taken.
    pub adapter: Option<String>,
    /// Float tensors and weights are stored in half precision, and summed in f32: half the
    /// bytes, and about three decimal digits. Adapters with the feature `f16` can.
    pub half: bool,
}

/// Runs networks on a graphics processor.
///
/// Cloning shares the device and its compiled shaders, and so do plans, which may outlive the
/// backend and run on threads of their own.
#[derive(Clone, Debug)]
pub struct GpuBackend {
    shared: Arc<SharedDevice>,
    summary: AdapterSummary,
}

impl GpuBackend {
    /// Opens an adapter. Costs a tenth of a second or so: drivers are loaded.
    ///
    /// # Errors
    /// If there is no adapter, none of the name asked for, or it cannot be opened.
    pub fn new(options: GpuOptions) -> Result<Self, GpuError> {
        let adapter = options.adapter.or_else(|| std::env::var("WGPU_ADAPTER_NAME").ok());
        let shared = Arc::new(SharedDevice::open(GpuOptions { adapter, ..options })?);
        let summary = shared.current().summary.clone();
        Ok(Self { shared, summary })
    }

    /// The adapters that [`Self::new`] can open, best first. `WGPU_BACKEND` narrows the list.
    pub fn adapters() -> Vec<AdapterSummary> {
        adapter::all().into_iter().map(|(_, summary)| summary).collect()
    }

    /// The adapter that is open.
    pub fn adapter(&self) -> &AdapterSummary {
        &self.summary
    }

    /// Shaders compiled so far, by all plans together. A kernel that two plans use is
    /// compiled once.
    pub fn pipeline_count(&self) -> usize {
        self.shared.current().pipeline_count()
    }

    /// Compiles a network that runs on the device alone to the concrete type of plan.
    ///
    /// # Errors
    /// As [`Backend::compile`], and if the host has to compute detections.
    pub fn compile_plan(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<GpuPlan, CompileError> {
        for node in graph.nodes() {
            support::supports(graph, node)?;
        }
        GpuPlan::new(Arc::clone(&self.shared), graph, options)
    }

    /// Measures how a network is best cut into the work of invocations and workgroups on this
    /// adapter, and remembers it for later compilations, in this process and others. Compiles
    /// and runs the network in a handful of ways, which takes seconds.
    ///
    /// Each way is also a test of its kernels: its results are compared with those of layers
    /// that are computed one by one, and a way that differs is not taken.
    ///
    /// # Errors
    /// As [`Backend::compile`] and [`Plan::run`], and if all results are wrong.
    pub fn tune(&self, graph: &Graph) -> Result<Tuned, TuneError> {
        for node in graph.nodes() {
            support::supports(graph, node).map_err(CompileError::from)?;
        }
        tuning::tune(&self.shared, graph)
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
        if let Some(problem) = device.cache_problem() {
            details.push(("warning:", problem.into()));
        }
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
        for node in graph.nodes() {
            support::supports(graph, node)?;
        }
        let compile = |device_graph: &Graph| -> Result<Box<dyn Plan>, CompileError> {
            Ok(Box::new(self.compile_plan(device_graph, options)?))
        };
        Ok(Box::new(TailedPlan::new(graph, options, compile)?))
    }
}
