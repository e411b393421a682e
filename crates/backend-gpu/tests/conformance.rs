//! Every conformance case on the GPU, without subgroups and, where the adapter has them, with. Without
//! an adapter all are ignored, loudly; with `POCKETVISION_REQUIRE_GPU=1` that is a failure.

use std::process::ExitCode;
use std::sync::Arc;

use pocketvision_backend_gpu::{GpuBackend, GpuError, GpuOptions};
use pocketvision_conformance::Subject;

fn main() -> ExitCode {
    let required = std::env::var("POCKETVISION_REQUIRE_GPU").is_ok_and(|value| value == "1");
    let open = |subgroups| GpuBackend::new(GpuOptions { subgroups, ..GpuOptions::default() });
    let subject = |name, backend: Result<GpuBackend, GpuError>| match backend {
        Ok(backend) => {
            eprintln!("{name}: {}", backend.adapter());
            Subject::new(name, Arc::new(backend))
        }
        Err(error) => Subject::absent(name, error.to_string(), required),
    };
    let backend = open(false);
    let has_subgroups =
        backend.as_ref().is_ok_and(|backend| backend.adapter().features.contains(&"subgroups"));
    let mut subjects = vec![subject("gpu", backend)];
    if has_subgroups {
        subjects.push(subject("gpu with subgroups", open(true)));
    }
    pocketvision_conformance::main(subjects)
}
