//! Why a backend for the processor could not be made.

use thiserror::Error;

use crate::SimdLevel;

/// A [`crate::CpuBackend`] could not be made.
///
/// ```
/// use pocketvision_backend_cpu::{CpuBackend, CpuError, CpuOptions};
///
/// let none = CpuOptions { threads: Some(0), ..CpuOptions::default() };
/// assert!(matches!(CpuBackend::new(none), Err(CpuError::Threads { .. })));
/// ```
#[derive(Debug, Error)]
pub enum CpuError {
    /// A SIMD level was asked for that this machine does not have.
    #[error("this machine has no {level}: its best SIMD level is {best}")]
    SimdUnavailable {
        /// The level asked for.
        level: SimdLevel,
        /// The best level that there is.
        best: SimdLevel,
    },
    /// A SIMD level of a name that does not exist.
    #[error(
        "there is no SIMD level '{name}': choose scalar, avx2, avxvnni, avx512, neon, \
             neon-dotprod or neon-i8mm"
    )]
    SimdUnknown {
        /// The name asked for.
        name: String,
    },
    /// bf16 products were asked for that the machine, or the SIMD level in use, does not have.
    #[error("no bf16 products at SIMD level {level} on this machine: leave bf16 out")]
    Bf16Unavailable {
        /// The level in use.
        level: SimdLevel,
    },
    /// No threads, or more than [`crate::CpuOptions::MAX_THREADS`].
    #[error("{threads} threads: choose 1 to {}", crate::CpuOptions::MAX_THREADS)]
    Threads {
        /// The number asked for.
        threads: usize,
    },
    /// The operating system refused to start threads.
    #[error("starting threads failed: {0}")]
    StartThreads(#[from] std::io::Error),
}
