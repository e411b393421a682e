//! What a run costs the host: memory that it takes is given back.

mod adapter;

use std::slice;

use peak_alloc::PeakAlloc;
use pocketvision_backend_gpu::GpuOptions;
use pocketvision_core::models::{self, BuildOptions, InputSize, Precision};
use pocketvision_core::{CompileOptions, Outputs, Plan as _, Tensor, passes};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The one test of this program: others would allocate meanwhile.
#[test]
fn runs_take_no_memory_that_they_do_not_give_back_and_little_meanwhile() {
    let Some(backend) = adapter::open(GpuOptions::default()) else { return };
    let definition = models::find("mobilenet-v3-small").unwrap();
    let options = BuildOptions {
        precision: Precision::F32,
        input_size: InputSize::square(96),
        ..definition.options()
    };
    let graph = passes::optimize(&definition.build(&options).unwrap()).unwrap();
    let mut plan = backend.compile_plan(&graph, &CompileOptions::default()).unwrap();
    let input = Tensor::zeros(graph.ty(graph.inputs()[0]));
    let mut outputs = Outputs::for_signature(plan.ports());
    let mut run = |count: usize| {
        for _ in 0..count {
            plan.run_into(slice::from_ref(&input), &mut outputs).unwrap();
        }
    };
    run(20);
    let before = MEMORY.current_usage();
    run(20);
    let after = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    run(20);
    let meanwhile = MEMORY.peak_usage().saturating_sub(after);
    // Nothing stays; a buffer or a copy of the input, which is 108 kB, would be seen meanwhile.
    assert!(after <= before, "20 runs kept {} bytes", after - before);
    assert!(meanwhile < 100_000, "a run takes {meanwhile} bytes");
}
