//! The backend. What it does is asynchronous; `blocking.rs` has the forms that wait.

use std::sync::Arc;

use pocketvision_core::{CompileError, CompileOptions, Graph};

use crate::adapter::{self, AdapterKind, AdapterSummary};
use crate::plan::GpuPlan;
use crate::self_test::SelfTest;
use crate::shared_device::SharedDevice;
use crate::tuning::{self, TuneError, Tuned};
use crate::{GpuError, support};

/// Choices made when opening a GPU.
///
/// ```no_run
/// use pocketvision_backend_gpu::{GpuBackend, GpuOptions};
///
/// let options = GpuOptions { adapter: Some("radeon".into()), half: true, ..Default::default() };
/// let gpu = GpuBackend::new(options)?;
/// println!("{}", gpu.adapter());
/// # Ok::<(), pocketvision_backend_gpu::GpuError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct GpuOptions {
    /// A part of the adapter's name, in any case. Without one, `WGPU_ADAPTER_NAME` is asked,
    /// and then the best adapter is taken.
    pub adapter: Option<String>,
    /// Float tensors and weights are stored in half precision, and summed in f32: half the
    /// bytes, and about three decimal digits. Adapters with the feature `f16` can.
    pub half: bool,
    /// When kernels are tested that are new to the adapter.
    pub self_test: SelfTest,
    /// Whether subgroups share sums in networks that were not tuned, where the adapter has them: for
    /// tests. [`GpuBackend::tune_async`] measures whether they should.
    #[doc(hidden)]
    pub subgroups: bool,
    /// Whether networks that were not tuned are cut as for an adapter of another kind: for tests.
    #[doc(hidden)]
    pub cut_for: Option<AdapterKind>,
    /// The name of a shader that computes wrong: for tests of what happens then.
    #[doc(hidden)]
    pub sabotaged: Option<&'static str>,
    /// The largest binding in bytes and the most workgroups in one dimension, if the device shall
    /// have less than it could: for tests of what happens on small ones.
    #[doc(hidden)]
    pub low_limits: Option<(u64, u32)>,
}

/// Runs networks on a graphics processor.
///
/// Cloning shares the device and its compiled shaders, and so do plans, which may outlive the
/// backend and run on threads of their own.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_gpu::{GpuBackend, GpuOptions};
/// use pocketvision_core::{Backend, CompileOptions, Tensor, models};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let gpu = GpuBackend::new(GpuOptions::default())?;
/// let mut plan = gpu.compile(&graph, &CompileOptions::default())?;
/// let outputs = plan.run(&[Tensor::zeros(graph.ty(graph.inputs()[0]))])?;
/// assert_eq!(outputs[0].shape().c, 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct GpuBackend {
    pub(crate) shared: Arc<SharedDevice>,
    pub(crate) summary: AdapterSummary,
}

impl GpuBackend {
    /// Opens an adapter. Costs a tenth of a second or so: drivers are loaded.
    ///
    /// ```
    /// use pocketvision_backend_gpu::{GpuBackend, GpuError, GpuOptions};
    ///
    /// async fn describe() -> Result<String, GpuError> {
    ///     let gpu = GpuBackend::open(GpuOptions::default()).await?;
    ///     Ok(gpu.adapter().to_string())
    /// }
    /// ```
    ///
    /// # Errors
    /// If there is no adapter, none of the name asked for, or it cannot be opened.
    pub async fn open(options: GpuOptions) -> Result<Self, GpuError> {
        let adapter = options.adapter.or_else(|| std::env::var("WGPU_ADAPTER_NAME").ok());
        let shared = Arc::new(SharedDevice::open(GpuOptions { adapter, ..options }).await?);
        let summary = shared.current().summary.clone();
        Ok(Self { shared, summary })
    }

    /// The adapters that [`Self::open`] can open, best first. `WGPU_BACKEND` narrows the list; a
    /// browser shows one.
    ///
    /// ```
    /// use pocketvision_backend_gpu::GpuBackend;
    ///
    /// async fn names() -> Vec<String> {
    ///     GpuBackend::list_adapters().await.into_iter().map(|adapter| adapter.name).collect()
    /// }
    /// ```
    pub async fn list_adapters() -> Vec<AdapterSummary> {
        adapter::all().await.into_iter().map(|(_, summary)| summary).collect()
    }

    /// The adapter that is open.
    pub fn adapter(&self) -> &AdapterSummary {
        &self.summary
    }

    /// What is amiss: a cache that cannot be used, shaders that the driver computes wrong.
    ///
    /// ```no_run
    /// use pocketvision_backend_gpu::{GpuBackend, GpuOptions};
    ///
    /// for warning in GpuBackend::new(GpuOptions::default())?.warnings() {
    ///     eprintln!("{warning}");
    /// }
    /// # Ok::<(), pocketvision_backend_gpu::GpuError>(())
    /// ```
    pub fn warnings(&self) -> Vec<String> {
        let device = self.shared.current();
        let wrong = device
            .wrong_shaders()
            .into_iter()
            .map(|shader| format!("shader {shader} computes wrong by this driver and is not used"));
        device.cache_problem().map(str::to_owned).into_iter().chain(wrong).collect()
    }

    /// Shaders compiled so far, by all plans together. A kernel that two plans use is
    /// compiled once.
    pub fn pipeline_count(&self) -> usize {
        self.shared.current().pipeline_count()
    }

    /// Compiles a network that runs on the device alone.
    ///
    /// ```
    /// use pocketvision_backend_gpu::GpuBackend;
    /// use pocketvision_core::{CompileError, CompileOptions, Graph};
    ///
    /// async fn dispatches(gpu: &GpuBackend, graph: &Graph) -> Result<usize, CompileError> {
    ///     let plan = gpu.compile_async(graph, &CompileOptions::default()).await?;
    ///     Ok(plan.dispatch_count())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Backend::compile`], and if the host has to compute detections.
    ///
    /// [`Backend::compile`]: pocketvision_core::Backend::compile
    pub async fn compile_async(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<GpuPlan, CompileError> {
        support::check(graph)?;
        GpuPlan::new(Arc::clone(&self.shared), graph, options).await
    }

    /// Measures how a network is best cut into the work of invocations and workgroups on this
    /// adapter, and remembers it for later compilations, in this process and others. Compiles
    /// and runs the network in a handful of ways, which takes seconds.
    ///
    /// Each way is also a test of its kernels: its results are compared with those of layers
    /// that are computed one by one, and a way that differs is not taken.
    ///
    /// ```
    /// use pocketvision_backend_gpu::{GpuBackend, TuneError};
    /// use pocketvision_core::Graph;
    ///
    /// async fn tune(gpu: &GpuBackend, graph: &Graph) -> Result<(), TuneError> {
    ///     let tuned = gpu.tune_async(graph).await?;
    ///     println!("{:?} ms, the fastest is {:?}", tuned.times_ms, tuned.chosen);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Self::compile_async`] and [`GpuPlan::run_async`], and if all results are wrong.
    pub async fn tune_async(&self, graph: &Graph) -> Result<Tuned, TuneError> {
        support::check(graph).map_err(CompileError::from)?;
        tuning::tune(&self.shared, graph).await
    }
}
