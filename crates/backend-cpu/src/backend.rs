//! The backend: threads, SIMD level, and what can run.

use std::sync::Arc;

use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, DeviceInfo, Graph, Node, Plan, Unsupported,
};

use crate::lower::{KernelChoice, check_supported};
use crate::plan::CpuPlan;

use crate::simd::{Simd, Team};
use crate::{CpuError, SimdLevel, processor};

/// Runs f32 and int8 networks on the processor.
///
/// Owns its threads; all plans compiled by it share them, one inference at a time. Plans
/// stay valid when the backend is gone.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_backend_cpu::{CpuBackend, CpuOptions};
/// use pocketvision_core::models;
/// use pocketvision_core::{Backend, CompileOptions, Tensor};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let cpu = CpuBackend::new(CpuOptions { threads: Some(2), ..CpuOptions::default() })?;
/// let mut plan = cpu.compile(&graph, &CompileOptions::default())?;
/// let outputs = plan.run(&[Tensor::zeros(graph.ty(graph.inputs()[0]))])?;
/// assert_eq!(outputs[0].shape().c, 10);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CpuBackend {
    choice: KernelChoice,
    team: Arc<Team>,
}

/// Choices about the processor.
///
/// ```
/// use pocketvision_backend_cpu::{CpuBackend, CpuOptions, SimdLevel};
///
/// let plain =
///     CpuOptions { threads: Some(1), simd: Some(SimdLevel::Scalar), ..CpuOptions::default() };
/// let cpu = CpuBackend::new(plain)?;
/// assert_eq!((cpu.threads(), cpu.simd_level()), (1, SimdLevel::Scalar));
/// # Ok::<(), pocketvision_backend_cpu::CpuError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct CpuOptions {
    /// Number of threads, the calling one included; as many as there are processors if not
    /// stated.
    pub threads: Option<usize>,
    /// The SIMD level; if not stated, the one that the environment variable
    /// [`SimdLevel::VARIABLE`] names, or else the best that the machine has.
    pub simd: Option<SimdLevel>,
    /// Rounds the factors of float 1x1 convolutions and linear layers to bf16: half the memory
    /// for their weights, and faster. Each factor is off by at most one part in 512. int8 is
    /// not touched.
    pub bf16: bool,
    /// Plans will run a few times: nothing is prepared that takes longer than it saves in some
    /// ten runs. Float layers of one position (the classifier, squeeze-and-excitation) then read
    /// the graph's weights, where on AVX2 and AVX-512 they otherwise have a copy of 24-bit
    /// integers, three quarters as large: as exact within f32's rounding, and faster, as
    /// memory's bandwidth is what bounds them.
    pub few_runs: bool,
}

impl CpuOptions {
    /// Most threads of a backend.
    pub const MAX_THREADS: usize = 256;
}

impl CpuBackend {
    /// The backend's name.
    pub const NAME: &'static str = "cpu";

    /// A backend with chosen threads and SIMD level.
    ///
    /// # Errors
    /// If the machine does not have the level or bf16 products, the level's name is unknown,
    /// the number of threads is zero or too large, or threads cannot be started.
    pub fn new(options: CpuOptions) -> Result<Self, CpuError> {
        let level = match options.simd {
            Some(level) => level,
            None => match std::env::var(SimdLevel::VARIABLE) {
                Ok(name) if !name.is_empty() => name.parse()?,
                _ => SimdLevel::best(),
            },
        };
        let threads = options.threads.unwrap_or_else(|| {
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            processors.min(CpuOptions::MAX_THREADS)
        });
        if !(1..=CpuOptions::MAX_THREADS).contains(&threads) {
            return Err(CpuError::Threads { threads });
        }
        let simd = Simd::new(level)?;
        let bf16 = match options.bf16 {
            true => Some(simd.bf16().ok_or(CpuError::Bf16Unavailable { level })?),
            false => None,
        };
        let choice = KernelChoice { simd, bf16, few_runs: options.few_runs };
        Ok(Self { choice, team: Arc::new(Team::new(threads)?) })
    }

    /// A backend with all processors and the best SIMD level.
    ///
    /// ```
    /// use pocketvision_backend_cpu::CpuBackend;
    /// use pocketvision_core::Backend;
    ///
    /// println!("{}", CpuBackend::with_defaults()?.device());
    /// # Ok::<(), pocketvision_backend_cpu::CpuError>(())
    /// ```
    ///
    /// # Errors
    /// If [`SimdLevel::VARIABLE`] names a level that this machine does not have, or threads
    /// cannot be started.
    pub fn with_defaults() -> Result<Self, CpuError> {
        Self::new(CpuOptions::default())
    }

    /// The SIMD level in use.
    pub fn simd_level(&self) -> SimdLevel {
        self.choice.simd.level()
    }

    /// Number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        self.team.threads()
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn device(&self) -> DeviceInfo {
        let mut details =
            vec![("simd", self.simd_level().to_string()), ("threads", self.threads().to_string())];
        if self.choice.bf16.is_some() {
            details.push(("float products", "bf16".to_owned()));
        }
        DeviceInfo { backend: Self::NAME, name: processor::name(), details, clock: Clock::HostWall }
    }

    fn supports(&self, graph: &Graph, node: &Node) -> Result<(), Unsupported> {
        check_supported(graph, node).map_err(|reason| Unsupported {
            backend: Self::NAME,
            node: node.name.clone(),
            op: node.op.name(),
            reason,
        })
    }

    fn compile(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<Box<dyn Plan>, CompileError> {
        graph.nodes().iter().try_for_each(|node| self.supports(graph, node))?;
        Ok(Box::new(CpuPlan::new(graph, options, self.choice, Arc::clone(&self.team))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_options_are_refused_with_a_reason() {
        let with = |threads, simd| {
            CpuBackend::new(CpuOptions { threads, simd, ..CpuOptions::default() }).unwrap_err()
        };
        assert_eq!(with(Some(0), None).to_string(), "0 threads: choose 1 to 256");
        assert!(matches!(with(Some(257), None), CpuError::Threads { threads: 257 }));
        for level in SimdLevel::ALL.into_iter().filter(|level| !level.is_available()) {
            let error = with(Some(1), Some(level)).to_string();
            assert!(error.contains(level.name()), "{error}");
        }
    }

    #[test]
    fn the_device_says_what_decides_its_speed() {
        let options =
            CpuOptions { threads: Some(2), simd: Some(SimdLevel::Scalar), ..CpuOptions::default() };
        let device = CpuBackend::new(options).unwrap().device();
        assert!(!device.name.is_empty());
        assert_eq!(device.details, [("simd", "scalar".into()), ("threads", "2".into())]);
    }
}
