//! The backend.

use std::sync::Arc;

use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, DeviceInfo, Graph, Node, Plan, Unsupported,
};

use crate::adapter::{self, AdapterKind, AdapterSummary};
use crate::device::Device;
use crate::host_tail::{self, TailedPlan};
use crate::plan::GpuPlan;
use crate::schedule::Schedule;
use crate::{BACKEND_NAME, GpuError, support};

/// Choices made when opening a GPU.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct GpuOptions {
    /// A part of the adapter's name, in any case. Without one, `WGPU_ADAPTER_NAME` is asked,
    /// and then the best adapter is taken.
    pub adapter: Option<String>,
}

/// Runs networks on a graphics processor.
///
/// Cloning shares the device and its compiled shaders, and so do plans, which may outlive the
/// backend and run on threads of their own.
#[derive(Clone, Debug)]
pub struct GpuBackend {
    device: Arc<Device>,
}

impl GpuBackend {
    /// Opens an adapter. Costs a tenth of a second or so: drivers are loaded.
    ///
    /// # Errors
    /// If there is no adapter, none of the name asked for, or it cannot be opened.
    pub fn new(options: GpuOptions) -> Result<Self, GpuError> {
        let name = options.adapter.or_else(|| std::env::var("WGPU_ADAPTER_NAME").ok());
        Ok(Self { device: Arc::new(Device::open(name.as_deref())?) })
    }

    /// The adapters that [`Self::new`] can open, best first. `WGPU_BACKEND` narrows the list.
    pub fn adapters() -> Vec<AdapterSummary> {
        adapter::all().into_iter().map(|(_, summary)| summary).collect()
    }

    /// The adapter that is open.
    pub fn adapter(&self) -> &AdapterSummary {
        &self.device.summary
    }

    /// Shaders compiled so far, by all plans together. A kernel that two plans use is
    /// compiled once.
    pub fn pipeline_count(&self) -> usize {
        self.device.pipeline_count()
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
        let schedule = Schedule::new(graph, options.keep, self.device.schedule_limits())?;
        GpuPlan::new(Arc::clone(&self.device), graph, options, schedule)
    }
}

impl Backend for GpuBackend {
    fn name(&self) -> &'static str {
        BACKEND_NAME
    }

    fn device(&self) -> DeviceInfo {
        let AdapterSummary { name, kind, api, driver, .. } = self.device.summary.clone();
        let kind = match kind {
            AdapterKind::Software => "software (runs on the processor)".into(),
            kind => kind.to_string(),
        };
        let clock =
            if self.device.has_timestamps() { Clock::DeviceTimestamp } else { Clock::HostWall };
        DeviceInfo {
            backend: BACKEND_NAME,
            name,
            details: vec![("type", kind), ("api", api.into()), ("driver", driver)],
            clock,
        }
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
