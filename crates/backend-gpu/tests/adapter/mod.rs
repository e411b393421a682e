//! The adapter that tests run on, if there is one.

use std::io::Write as _;

use pocketvision_backend_gpu::{GpuBackend, GpuOptions};

/// A backend, or `None` where there is no adapter and none is required.
pub(crate) fn open(options: GpuOptions) -> Option<GpuBackend> {
    match GpuBackend::new(options) {
        Ok(backend) => Some(backend),
        Err(error) => {
            let required = std::env::var("POCKETVISION_REQUIRE_GPU").is_ok_and(|v| v == "1");
            assert!(!required, "{error}");
            // Not eprintln: the test harness would keep it to itself.
            let _ = writeln!(std::io::stderr(), "\n*** IGNORED: {error} ***\n");
            None
        }
    }
}
