//! One open device: what all plans on it share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::adapter::AdapterSummary;
use crate::pipeline::Pipeline;
use crate::schedule::{Kernel, Limits};
use crate::{GpuError, adapter};

/// An adapter opened for computing.
pub(crate) struct Device {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) summary: AdapterSummary,
    limits: wgpu::Limits,
    pipelines: Mutex<HashMap<Kernel, Arc<Pipeline>>>,
    failure: Arc<Mutex<Option<String>>>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("summary", &self.summary).finish_non_exhaustive()
    }
}

impl Device {
    /// Opens the best adapter, of those whose name contains `name` if one is given, with all
    /// the memory limits that it has.
    pub(crate) fn open(name: Option<&str>) -> Result<Self, GpuError> {
        let (adapter, summary) = adapter::choose(name)?;
        let limits = adapter.limits();
        let request = wgpu::DeviceDescriptor {
            label: Some("pocketvision"),
            required_features: adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::Performance,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&request)).map_err(|error| {
                GpuError::Open { adapter: summary.name.clone(), message: error.to_string() }
            })?;
        let failure = Arc::new(Mutex::new(None));
        let record = |failure: &Mutex<Option<String>>, message: String| {
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
        };
        let slot = Arc::clone(&failure);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            record(&slot, error.to_string());
        }));
        let slot = Arc::clone(&failure);
        device.set_device_lost_callback(move |reason, message| {
            record(&slot, format!("the device was lost ({reason:?}): {message}"));
        });
        let pipelines = Mutex::default();
        Ok(Self { device, queue, summary, limits, pipelines, failure })
    }

    /// What schedules must respect.
    pub(crate) fn schedule_limits(&self) -> Limits {
        let binding = self.limits.max_storage_buffer_binding_size;
        Limits {
            max_binding_bytes: binding.min(self.limits.max_buffer_size),
            max_workgroups_per_dimension: self.limits.max_compute_workgroups_per_dimension,
        }
    }

    /// Largest buffer in bytes.
    pub(crate) fn max_buffer_bytes(&self) -> u64 {
        self.limits.max_buffer_size
    }

    /// Bytes that a shader's view of a part of a buffer must start at a multiple of.
    pub(crate) fn binding_alignment(&self) -> u64 {
        let storage = self.limits.min_storage_buffer_offset_alignment;
        u64::from(storage.max(self.limits.min_uniform_buffer_offset_alignment))
    }

    /// True if the device can say when each dispatch began and ended.
    pub(crate) fn has_timestamps(&self) -> bool {
        self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// What went wrong outside of any call, if something did: nothing works after that.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does device work and hands back its first error.
    pub(crate) fn checked<T>(&self, work: impl FnOnce() -> T) -> Result<T, String> {
        let out_of_memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let result = work();
        let errors = [internal.pop(), validation.pop()].map(pollster::block_on);
        if pollster::block_on(out_of_memory.pop()).is_some() {
            return Err("the device is out of memory".into());
        }
        match errors.into_iter().flatten().next() {
            Some(error) => Err(error.to_string()),
            None => self.failure().map_or(Ok(result), Err),
        }
    }

    /// The pipeline of a kernel, compiled on first use.
    pub(crate) fn pipeline(&self, kernel: Kernel) -> Result<Arc<Pipeline>, String> {
        // Held while compiling, so that two plans do not compile one kernel twice.
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = pipelines.get(&kernel) {
            return Ok(Arc::clone(pipeline));
        }
        let pipeline = self.checked(|| Arc::new(Pipeline::new(&self.device, kernel)))?;
        pipelines.insert(kernel, Arc::clone(&pipeline));
        Ok(pipeline)
    }

    /// Pipelines compiled so far.
    pub(crate) fn pipeline_count(&self) -> usize {
        self.pipelines.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
