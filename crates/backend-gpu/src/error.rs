//! Why there is no GPU backend.

use thiserror::Error;

/// A [`crate::GpuBackend`] could not be made.
///
/// ```no_run
/// use pocketvision_backend_gpu::{GpuBackend, GpuError, GpuOptions};
///
/// match GpuBackend::new(GpuOptions::default()) {
///     Ok(gpu) => println!("{}", gpu.adapter()),
///     Err(GpuError::NoAdapter { .. }) => println!("the processor will do"),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum GpuError {
    /// The machine has no driver that computes.
    #[error(
        "no graphics adapter was found{} that computes with {} storage buffers, workgroups of 256 and \
         16 KiB of their memory; install the driver of your graphics card, or a software one \
         (Debian, Ubuntu: apt install mesa-vulkan-drivers)",
        backends.as_ref().map_or_else(String::new, |b| format!(" for WGPU_BACKEND={b}")),
        crate::adapter::storage_buffers()
    )]
    NoAdapter {
        /// The value of `WGPU_BACKEND`, if it narrowed the search.
        backends: Option<String>,
    },
    /// There are adapters, but none of the name asked for.
    #[error("no adapter is called '{name}'; there are: {}", available.join(", "))]
    NoSuchAdapter {
        /// The name asked for.
        name: String,
        /// The names of those that there are.
        available: Vec<String>,
    },
    /// Half precision was asked for.
    #[error(
        "adapter '{adapter}' has no half precision (shader-f16); leave it out, or choose another adapter"
    )]
    NoHalf {
        /// The adapter's name.
        adapter: String,
    },
    /// The driver refused to open the adapter.
    #[error("adapter '{adapter}' could not be opened: {message}")]
    Open {
        /// The adapter's name.
        adapter: String,
        /// What the driver said.
        message: String,
    },
}
