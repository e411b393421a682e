//! Every conformance case at every SIMD level of this machine, with one thread and two.

use std::process::ExitCode;
use std::sync::Arc;

use pocketvision_backend_cpu::{CpuBackend, CpuOptions, SimdLevel};
use pocketvision_conformance::Subject;

fn main() -> ExitCode {
    let mut subjects = Vec::new();
    for level in SimdLevel::ALL.into_iter().filter(|level| level.is_of_this_architecture()) {
        for threads in [1, 2] {
            let label = format!("cpu-{level}-{threads}");
            let options =
                CpuOptions { threads: Some(threads), simd: Some(level), ..CpuOptions::default() };
            subjects.push(match CpuBackend::new(options) {
                Ok(backend) => Subject::new(label, Arc::new(backend)),
                Err(error) => Subject::absent(label, error.to_string(), false),
            });
        }
    }
    pocketvision_conformance::main(subjects)
}
