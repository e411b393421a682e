//! One open device: what all plans on it share.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pocketvision_core::{Graph, Keep};

use crate::adapter::{AdapterKind, AdapterSummary};
#[cfg(target_family = "wasm")]
use crate::answers::Answers;
use crate::backend::GpuOptions;
use crate::cache_file::CacheFile;
use crate::pipeline::Pipeline;
use crate::pipelines::Pipelines;
use crate::schedule::{Kernel, Limits};
use crate::self_test::SelfTest;
#[cfg(not(target_family = "wasm"))]
use crate::stand_ins::StandIns;
use crate::tuning::{self, Choices, Tuning};
use crate::verdicts::Verdicts;
use crate::{GpuError, adapter, trusted};

/// An adapter opened for computing.
pub(crate) struct Device {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) summary: AdapterSummary,
    limits: wgpu::Limits,
    pub(crate) is_half: bool,
    pub(crate) self_test: SelfTest,
    /// The size of subgroups as the adapter states it, if there are any: a power of two, at most
    /// that of a workgroup.
    pub(crate) subgroup_size: Option<u32>,
    /// Whether four neighbours of a subgroup can look at each other's numbers.
    pub(crate) has_fours: bool,
    prefers_subgroups: bool,
    cut_for: AdapterKind,
    pipelines: Pipelines,
    #[cfg(not(target_family = "wasm"))]
    stand_ins: StandIns,
    cache: Option<Cache>,
    tuning_file: Option<CacheFile>,
    pub(crate) verdicts: Verdicts,
    /// Names of shaders that computed wrong and are not used.
    wrong: Mutex<BTreeSet<String>>,
    sabotaged: Option<&'static str>,
    failure: Arc<Failure>,
}

/// Pipelines that the driver compiled in this process and before.
struct Cache {
    pipelines: wgpu::PipelineCache,
    file: CacheFile,
    /// Why the file was not used, if it was not.
    problem: Option<String>,
    has_grown: AtomicBool,
}

/// What went wrong outside of any call.
#[derive(Default)]
struct Failure {
    message: Mutex<Option<String>>,
    is_lost: AtomicBool,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("summary", &self.summary).finish_non_exhaustive()
    }
}

impl Device {
    /// Opens the adapter that the options choose, with all the memory limits that it has.
    pub(crate) async fn open(options: &GpuOptions) -> Result<Self, GpuError> {
        let (adapter, summary) = adapter::choose(options.adapter.as_deref()).await?;
        let offered = adapter.features();
        if options.half && !offered.contains(wgpu::Features::SHADER_F16) {
            return Err(GpuError::NoHalf { adapter: summary.name });
        }
        let mut wanted = wgpu::Features::TIMESTAMP_QUERY
            | wgpu::Features::PIPELINE_CACHE
            | wgpu::Features::SUBGROUP;
        if options.half {
            wanted |= wgpu::Features::SHADER_F16;
        }
        if summary.kind == AdapterKind::Software {
            // On a card, what the processor can write may be slow to read.
            wanted |= wgpu::Features::MAPPABLE_PRIMARY_BUFFERS;
        }
        let mut limits = adapter.limits();
        if let Some((binding_bytes, workgroups)) = options.low_limits {
            limits.max_storage_buffer_binding_size = binding_bytes;
            limits.max_compute_workgroups_per_dimension = workgroups;
        }
        let request = wgpu::DeviceDescriptor {
            label: Some("pocketvision"),
            required_features: offered & wanted,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::Performance,
            ..wgpu::DeviceDescriptor::default()
        };
        #[cfg(target_family = "wasm")]
        crate::browser::ask_for_subgroups();
        // Asks the browser at once, before it is waited for.
        let opening = adapter.request_device(&request);
        #[cfg(target_family = "wasm")]
        let has_fours = crate::browser::ask_no_more();
        let (device, queue) = opening.await.map_err(|error| GpuError::Open {
            adapter: summary.name.clone(),
            message: error.to_string(),
        })?;
        let failure = Arc::new(Failure::default());
        let seen = Arc::clone(&failure);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            seen.record(error.to_string());
        }));
        let seen = Arc::clone(&failure);
        device.set_device_lost_callback(move |reason, message| {
            seen.is_lost.store(true, Ordering::Release);
            seen.record(format!("the device was lost ({reason:?}): {message}"));
        });
        let has_cache = device.features().contains(wgpu::Features::PIPELINE_CACHE);
        let has_subgroups = device.features().contains(wgpu::Features::SUBGROUP);
        #[cfg(not(target_family = "wasm"))]
        let has_fours = has_subgroups;
        let info = wgpu::AdapterInfo { name: summary.name.clone(), ..adapter.get_info() };
        let tuning_file = CacheFile::of_adapter(&info, "tuning");
        let file = CacheFile::of_adapter(&info, "pipelines").filter(|_| has_cache);
        let cache = file.map(|file| {
            let (data, problem) = match file.read() {
                Ok(data) => (data, None),
                Err(problem) => (None, Some(problem)),
            };
            let pipelines = trusted::pipeline_cache(&device, data.as_deref());
            Cache { pipelines, file, problem, has_grown: AtomicBool::new(false) }
        });
        // What a test breaks on purpose is not remembered.
        let tested = CacheFile::of_adapter(&info, "tested").filter(|_| options.sabotaged.is_none());
        Ok(Self {
            #[cfg(not(target_family = "wasm"))]
            stand_ins: StandIns::new(&device),
            device,
            queue,
            cut_for: options.cut_for.unwrap_or(summary.kind),
            summary,
            limits,
            is_half: options.half,
            self_test: options.self_test,
            subgroup_size: has_subgroups.then(|| subgroup_size(info.subgroup_max_size)),
            has_fours: has_fours && info.subgroup_min_size >= 4,
            prefers_subgroups: options.subgroups,
            pipelines: Pipelines::default(),
            cache,
            tuning_file,
            verdicts: Verdicts::of_file(tested),
            wrong: Mutex::default(),
            sabotaged: options.sabotaged,
            failure,
        })
    }

    /// What schedules must respect.
    pub(crate) fn schedule_limits(&self, tuning: Tuning) -> Limits {
        let binding = self.limits.max_storage_buffer_binding_size;
        Limits {
            max_binding_bytes: binding.min(self.limits.max_buffer_size),
            max_workgroups_per_dimension: self.limits.max_compute_workgroups_per_dimension,
            memory_vectors: memory_vectors(
                self.limits.max_compute_workgroup_storage_size,
                self.summary.kind,
            ),
            tuning,
            is_half: self.is_half,
            subgroup_size: self.subgroup_size.filter(|_| tuning.has_subgroups),
        }
    }

    /// How a network is cut: as measured before, or as suits the adapter's kind.
    pub(crate) fn tuning(&self, graph: &Graph, keep: Keep) -> Tuning {
        let choices = self.tuning_file.as_ref().map(Choices::read).unwrap_or_default();
        let choice = choices.get(tuning::fingerprint(graph, keep, self.is_half));
        let default = Tuning::for_kind(self.cut_for, self.has_fours);
        choice.unwrap_or(Tuning { has_subgroups: self.prefers_subgroups, ..default })
    }

    /// Remembers how a network is best cut.
    pub(crate) fn remember_tuning(&self, graph: &Graph, keep: Keep, tuning: Tuning) {
        let position = Tuning::ALL.iter().position(|way| *way == tuning);
        let (Some(file), Some(position)) = (&self.tuning_file, position) else { return };
        let mut choices = Choices::read(file);
        choices.set(tuning::fingerprint(graph, keep, self.is_half), position);
        // What cannot be written is measured again, or not used.
        let _ = choices.write(file);
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

    /// True if the device is this processor.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn is_processor(&self) -> bool {
        self.summary.kind == AdapterKind::Software
    }

    /// True if all of the device's memory is the processor's, which may write what shaders read.
    pub(crate) fn has_processor_memory(&self) -> bool {
        self.device.features().contains(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)
    }

    /// What went wrong outside of any call, if something did: nothing works after that.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    /// Whether the device is gone: unplugged, reset, or taken by its driver.
    pub(crate) fn is_lost(&self) -> bool {
        self.failure.is_lost.load(Ordering::Acquire)
    }

    /// Why cached pipelines were not used, if there were any and they were not.
    pub(crate) fn cache_problem(&self) -> Option<&str> {
        self.cache.as_ref()?.problem.as_deref()
    }

    /// Looks after what the device has finished. A browser does so by itself.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn poll(&self, how: wgpu::PollType) -> Result<(), String> {
        match self.device.poll(how) {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(self.failure().unwrap_or_else(|| format!("waiting for the device: {error}")))
            }
        }
    }

    /// Waits until the device has done what was submitted.
    #[cfg(not(target_family = "wasm"))]
    #[expect(clippy::unused_async, reason = "a browser cannot block")]
    pub(crate) async fn wait_for(&self, submission: wgpu::SubmissionIndex) -> Result<(), String> {
        let timeout = Some(LONGEST_WAIT);
        self.poll(wgpu::PollType::Wait { submission_index: Some(submission), timeout })
    }

    /// Waits until the device has done what was submitted.
    #[cfg(target_family = "wasm")]
    pub(crate) async fn wait_for(&self, _: wgpu::SubmissionIndex) -> Result<(), String> {
        let answers = Arc::new(Answers::default());
        Answers::expect_work_done(&answers, &self.queue);
        answers.come(1).await
    }

    /// Does device work and hands back its first error.
    pub(crate) async fn checked<T>(&self, work: impl FnOnce() -> T) -> Result<T, String> {
        let out_of_memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let result = work();
        // All are popped before the first is awaited: other work may begin meanwhile.
        let (internal, validation) = (internal.pop(), validation.pop());
        let out_of_memory = out_of_memory.pop();
        let errors = [internal.await, validation.await];
        if out_of_memory.await.is_some() {
            return Err("the device is out of memory".into());
        }
        match errors.into_iter().flatten().next() {
            Some(error) => Err(error.to_string()),
            None => self.failure().map_or(Ok(result), Err),
        }
    }

    /// The pipelines of kernels, each compiled on first use.
    pub(crate) async fn pipelines(&self, kernels: &[Kernel]) -> Result<Vec<Arc<Pipeline>>, String> {
        self.pipelines.find_or_compile(self, kernels).await
    }

    /// Compiles a kernel, up to the machine code. Errors go to the device's error scope.
    pub(crate) fn compile(&self, kernel: Kernel) -> Arc<Pipeline> {
        if let Some(cache) = &self.cache {
            cache.has_grown.store(true, Ordering::Relaxed);
        }
        let cache = self.cache.as_ref().map(|cache| &cache.pipelines);
        let pipeline = Pipeline::new(&self.device, kernel.shader, self.source(kernel), cache);
        // Browsers compile when a pipeline is made, in another process.
        #[cfg(not(target_family = "wasm"))]
        self.stand_ins.dispatch(&self.device, &self.queue, kernel.shader, &pipeline);
        Arc::new(pipeline)
    }

    /// A kernel's text.
    pub(crate) fn source(&self, kernel: Kernel) -> String {
        let source = kernel.source();
        match self.sabotaged {
            Some(name) if name == kernel.shader.name() || name == kernel.name() => {
                let wrong = [
                    ("+ bias[", "- bias["),
                    ("+ bias_of(", "- bias_of("),
                    ("+ channels[", "- channels["),
                    ("+ own.bias", "- own.bias"),
                    ("p % LOADERS)", "0u)"),
                ];
                wrong.iter().fold(source, |text, (right, wrong)| text.replace(right, wrong))
            }
            _ => source,
        }
    }

    /// Notes that kernels are wrong and not used.
    pub(crate) fn report_wrong(&self, kernels: &[Kernel]) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.extend(kernels.iter().map(Kernel::name));
    }

    /// Names of shaders that computed wrong and are not used.
    pub(crate) fn wrong_shaders(&self) -> Vec<String> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Writes the driver's compiled pipelines to the cache, if there are new ones. A cache that
    /// cannot be written is a loss of time only.
    pub(crate) fn save_pipelines(&self) {
        let Some(cache) = &self.cache else { return };
        if !cache.has_grown.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Some(data) = cache.pipelines.get_data()
            && !matches!(cache.file.read(), Ok(Some(known)) if known == data)
        {
            let _ = cache.file.write(&data);
        }
    }

    /// Pipelines compiled so far.
    pub(crate) fn pipeline_count(&self) -> usize {
        self.pipelines.count()
    }
}

impl Failure {
    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.message.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first reason stays: later errors follow from it.
    fn record(&self, message: String) {
        self.lock().get_or_insert(message);
    }
}

/// Compiling all shaders takes seconds where a driver is slow and has cached none; a network that
/// takes longer is given up, as a hang must end.
#[cfg(not(target_family = "wasm"))]
const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(600);

/// What is told of the largest subgroups, as a share of a workgroup.
fn subgroup_size(largest: u32) -> u32 {
    let most = largest.clamp(1, pocketvision_shaders::WORKGROUP_SIZE);
    1 << most.ilog2()
}

/// Room for what fused layers hand over, in 16 bytes: all but a kibibyte, and not more than leaves
/// a processor of the device room for several workgroups.
fn memory_vectors(workgroup_bytes: u32, kind: AdapterKind) -> u32 {
    // Browsers zero workgroup memory. Their software adapter compiles a store for each number, 2 ms
    // for 16 bytes of each shader, and dispatches do all of them.
    let is_zeroed_slowly = cfg!(target_family = "wasm") && kind == AdapterKind::Software;
    let most = if is_zeroed_slowly { 128 } else { 1984 };
    ((workgroup_bytes - 1024) / 16).min(most)
}
