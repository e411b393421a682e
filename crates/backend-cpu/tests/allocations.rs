//! A run allocates nothing, whatever the network and the number of threads.
//!
//! Counts the allocations of the whole process, so this file has one test alone.

use std::alloc::System;

use pocketvision_backend_cpu::{CpuBackend, CpuOptions};
use pocketvision_core::models::{self, BuildOptions, InputSize, Precision};
use pocketvision_core::{Backend, CompileOptions, Outputs, Plan, Tensor};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_second_run_allocates_nothing() {
    for precision in [Precision::F32, Precision::Int8] {
        for threads in [1, 2] {
            let stats = second_run(precision, threads);
            let message = format!("{precision:?}, {threads} threads");
            assert_eq!((stats.allocations, stats.reallocations), (0, 0), "{message}");
        }
    }
}

fn second_run(precision: Precision, threads: usize) -> Stats {
    let options =
        BuildOptions { input_size: InputSize::square(96), precision, ..BuildOptions::default() };
    let graph = models::find("mobilenet-edgetpu-0.5").unwrap().build(&options).unwrap();
    let backend =
        CpuBackend::new(CpuOptions { threads: Some(threads), ..CpuOptions::default() }).unwrap();
    let mut plan: Box<dyn Plan> = backend.compile(&graph, &CompileOptions::default()).unwrap();
    let inputs: Vec<Tensor> =
        plan.signature().inputs.iter().map(|port| Tensor::zeros(&port.ty)).collect();
    let mut outputs = Outputs::for_signature(plan.signature());
    plan.run_into(&inputs, &mut outputs).unwrap();

    let region = Region::new(ALLOCATOR);
    plan.run_into(&inputs, &mut outputs).unwrap();
    region.change()
}
