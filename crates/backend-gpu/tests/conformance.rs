//! Every conformance case on the GPU. Without an adapter all are ignored, loudly; with
//! `POCKETVISION_REQUIRE_GPU=1` that is a failure.

use std::process::ExitCode;
use std::sync::Arc;

use pocketvision_backend_gpu::{GpuBackend, GpuOptions};
use pocketvision_conformance::Subject;

fn main() -> ExitCode {
    let required = std::env::var("POCKETVISION_REQUIRE_GPU").is_ok_and(|value| value == "1");
    let subject = match GpuBackend::new(GpuOptions::default()) {
        Ok(backend) => {
            eprintln!("gpu: {}", backend.adapter());
            Subject::new("gpu", Arc::new(backend))
        }
        Err(error) => Subject::absent("gpu", error.to_string(), required),
    };
    pocketvision_conformance::main(vec![subject])
}
