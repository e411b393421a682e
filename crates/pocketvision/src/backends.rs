//! The one visible list of backends.

use std::path::Path;

use pocketvision_backend_cpu::{CpuBackend, CpuError, CpuOptions, Peak, measure_memory_reading};
use pocketvision_backend_edgetpu_sim::{Chip, ChipError, EdgeTpuSim};
#[cfg(feature = "gpu")]
use pocketvision_backend_gpu::{
    AdapterSummary, GpuBackend, GpuError, GpuOptions, TuneError, Tuned,
};
use pocketvision_reference::ReferenceBackend;
use thiserror::Error;

#[cfg(feature = "gpu")]
use crate::Graph;
use crate::{Backend, nearest};

/// Names of all backends: those that networks are compared on, and last the reference, which
/// is the yardstick.
pub const BACKEND_NAMES: [&str; 4] = ["cpu", "gpu", "edgetpu-sim", "reference"];

/// Every backend that works on this machine with default options: `cpu`, `gpu` if there is
/// an adapter, `edgetpu-sim`. The reference is only opened by name: see [`backend`].
///
/// ```no_run
/// for backend in pocketvision::backends() {
///     println!("{}: {}", backend.name(), backend.device());
/// }
/// assert_eq!(pocketvision::backends()[0].name(), "cpu");
/// ```
pub fn backends() -> Vec<Box<dyn Backend>> {
    let compared = BACKEND_NAMES.iter().filter(|name| **name != "reference");
    compared.filter_map(|name| backend(name, &BackendOptions::default()).ok()).collect()
}

/// The backend of a name.
///
/// ```
/// use pocketvision::{BackendOptions, backend};
///
/// let one_thread = BackendOptions { threads: Some(1), ..BackendOptions::default() };
/// assert_eq!(backend("cpu", &one_thread)?.name(), "cpu");
/// let message = backend("cpx", &one_thread).err().unwrap().to_string();
/// assert!(message.contains("did you mean 'cpu'"));
/// # Ok::<(), pocketvision::BackendError>(())
/// ```
///
/// # Errors
/// If the name is unknown (the error names the nearest), the device is missing, or an option
/// does not fit it.
pub fn backend(name: &str, options: &BackendOptions) -> Result<Box<dyn Backend>, BackendError> {
    Ok(match name {
        "cpu" => Box::new(cpu(options)?),
        #[cfg(feature = "gpu")]
        "gpu" => Box::new(gpu(options)?),
        #[cfg(not(feature = "gpu"))]
        "gpu" => return Err(BackendError::NotBuilt { name: "gpu" }),
        "edgetpu-sim" => {
            Box::new(EdgeTpuSim::new(chip(options.chip.as_deref().unwrap_or(DEFAULT_CHIP))?))
        }
        "reference" => Box::new(ReferenceBackend::new()),
        _ => {
            let hint = nearest::hint(name, BACKEND_NAMES);
            return Err(BackendError::Unknown { name: name.to_owned(), hint });
        }
    })
}

/// The GPU adapters of this machine, best first, and what each has. A part of a line's beginning
/// will do for [`BackendOptions::adapter`].
///
/// ```no_run
/// for adapter in pocketvision::gpu_adapters() {
///     println!("{adapter}");
/// }
/// ```
#[cfg(feature = "gpu")]
pub fn gpu_adapters() -> Vec<String> {
    let line = |adapter: &AdapterSummary| match adapter.features[..] {
        [] => adapter.to_string(),
        _ => format!("{adapter}: {}", adapter.features.join(", ")),
    };
    GpuBackend::adapters().iter().map(line).collect()
}

/// Measures how a network is best cut on a GPU, and remembers it for later compilations: see
/// [`GpuBackend::tune`].
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision::{BackendOptions, Model, tune_gpu};
///
/// let model = Model::load("mobilenet-v3-large")?;
/// let tuned = tune_gpu(model.graph(), &BackendOptions::default())?;
/// println!("{tuned:?}");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the GPU cannot be opened, or cannot run the network.
#[cfg(feature = "gpu")]
pub fn tune_gpu(graph: &Graph, options: &BackendOptions) -> Result<Tuned, BackendError> {
    Ok(gpu(options)?.tune(graph)?)
}

/// What the threads of the `cpu` backend can do at most: the roof over its layers.
///
/// ```
/// # fn show(peak: pocketvision::ProcessorPeak) {
/// // Work that needs fewer products for each byte than this waits for memory.
/// let ridge = peak.arithmetic.f32_macs_per_second / peak.memory_bytes_per_second;
/// println!("{ridge:.1} multiply-accumulates a byte");
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ProcessorPeak {
    /// Multiply-accumulates of all threads together.
    pub arithmetic: Peak,
    /// Bytes a second that all threads together read from memory.
    pub memory_bytes_per_second: f64,
}

/// Measures what the `cpu` backend with these options can do at most, in some tenths of a
/// second and 128 MiB of memory.
///
/// ```no_run
/// let peak = pocketvision::processor_peak(&pocketvision::BackendOptions::default())?;
/// println!("{:.1} GMAC/s in int8", peak.arithmetic.int8_macs_per_second / 1e9);
/// # Ok::<(), pocketvision::BackendError>(())
/// ```
///
/// # Errors
/// As [`backend`] of the name `cpu`.
pub fn processor_peak(options: &BackendOptions) -> Result<ProcessorPeak, BackendError> {
    let cpu = cpu(options)?;
    Ok(ProcessorPeak {
        arithmetic: Peak::measure_together(cpu.simd_level(), cpu.threads())?,
        memory_bytes_per_second: measure_memory_reading(cpu.threads()),
    })
}

fn cpu(options: &BackendOptions) -> Result<CpuBackend, CpuError> {
    let BackendOptions { threads, bf16, few_runs, .. } = *options;
    CpuBackend::new(CpuOptions { threads, bf16, few_runs, ..CpuOptions::default() })
}

#[cfg(feature = "gpu")]
fn gpu(options: &BackendOptions) -> Result<GpuBackend, GpuError> {
    let (adapter, half) = (options.adapter.clone(), options.half);
    GpuBackend::new(GpuOptions { adapter, half, ..GpuOptions::default() })
}

/// Choices made when opening a backend. Each concerns one backend; the others ignore it.
///
/// ```
/// use pocketvision::{BackendOptions, backend};
///
/// let options = BackendOptions { chip: Some("pixel4".into()), ..BackendOptions::default() };
/// let simulator = backend("edgetpu-sim", &options)?;
/// println!("{}", simulator.device());
/// # Ok::<(), pocketvision::BackendError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct BackendOptions {
    /// Threads of `cpu`, from 1 to [`Self::MAX_THREADS`]; `None` for one a core.
    pub threads: Option<usize>,
    /// Float products of `cpu` in bf16, if the processor has them: faster and less exact.
    pub bf16: bool,
    /// Plans of `cpu` will run some ten times at most: they are compiled sooner and take less
    /// memory, and each run takes longer by a few hundredths in f32.
    pub few_runs: bool,
    /// Float tensors of `gpu` in half precision, if the adapter has it.
    pub half: bool,
    /// Chip of `edgetpu-sim`: a preset's name or the path of a TOML file; `None` for `coral-usb`.
    pub chip: Option<String>,
    /// A part of the name of the adapter that `gpu` shall use; `None` for the best.
    pub adapter: Option<String>,
}

impl BackendOptions {
    /// Most threads of `cpu`.
    ///
    /// ```
    /// use pocketvision::{BackendOptions, backend};
    ///
    /// let threads = Some(BackendOptions::MAX_THREADS + 1);
    /// assert!(backend("cpu", &BackendOptions { threads, ..BackendOptions::default() }).is_err());
    /// ```
    pub const MAX_THREADS: usize = CpuOptions::MAX_THREADS;
}

/// A backend could not be opened.
///
/// ```
/// use pocketvision::{BackendError, BackendOptions, backend};
///
/// match backend("gppu", &BackendOptions::default()) {
///     Err(BackendError::Unknown { hint, .. }) => assert_eq!(hint, "did you mean 'gpu'?"),
///     _ => unreachable!("there is no such backend"),
/// }
/// ```
#[derive(Debug, Error)]
pub enum BackendError {
    /// No backend of this name.
    #[error("unknown backend '{name}'; {hint}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The nearest names, or all of them.
        hint: String,
    },
    /// The processor cannot do what is asked.
    #[error(transparent)]
    Cpu(#[from] CpuError),
    /// The backend was left out when this program was built.
    #[error(
        "this program was built without the '{name}' backend: enable the feature '{name}' of pocketvision"
    )]
    NotBuilt {
        /// The backend, and the feature.
        name: &'static str,
    },
    /// There is no GPU, or none as asked.
    #[cfg(feature = "gpu")]
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The GPU could not be tuned for a network.
    #[cfg(feature = "gpu")]
    #[error(transparent)]
    Tune(#[from] TuneError),
    /// The chip to simulate is unknown or badly described.
    #[error(transparent)]
    Chip(#[from] ChipError),
}

/// The chip of a preset's name, or of a TOML file.
///
/// ```
/// let chip = pocketvision::chip("pixel4")?;
/// assert!(pocketvision::chip("pixel5000").is_err());
/// # Ok::<(), pocketvision::edgetpu_sim::ChipError>(())
/// ```
///
/// # Errors
/// If no preset has this name (the error names the nearest), or the file is no chip.
pub fn chip(preset_or_path: &str) -> Result<Chip, ChipError> {
    let path = Path::new(preset_or_path);
    let is_path = path.components().count() > 1 || path.extension().is_some() || path.is_file();
    let is_preset = Chip::presets().any(|preset| preset == preset_or_path);
    if is_path && !is_preset { Chip::open(path) } else { Chip::preset(preset_or_path) }
}

/// The chip that is simulated where none is named.
const DEFAULT_CHIP: &str = "coral-usb";

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(name: &str, options: &BackendOptions) -> String {
        backend(name, options).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_unknown_backend_gets_the_nearest_name() {
        let message = failure("gppu", &BackendOptions::default());
        assert!(message.starts_with("unknown backend 'gppu'; did you mean 'gpu'"), "{message}");
    }

    #[test]
    fn a_backend_is_called_what_it_was_opened_by() {
        for name in BACKEND_NAMES {
            match backend(name, &BackendOptions::default()) {
                Ok(backend) => assert_eq!(backend.name(), name),
                Err(error) => assert_eq!(name, "gpu", "{error}"),
            }
        }
    }

    #[test]
    fn a_chip_is_a_preset_or_a_file() {
        let with_chip = |chip: &str| {
            let options = BackendOptions { chip: Some(chip.into()), ..Default::default() };
            failure("edgetpu-sim", &options)
        };
        assert_eq!(with_chip("coral"), "");
        assert!(with_chip("corl-usb").contains("did you mean 'coral-usb'?"));
        assert!(with_chip("no/such/chip.toml").starts_with("no/such/chip.toml: "));
    }
}
