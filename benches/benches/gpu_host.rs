//! What a run on a graphics adapter costs the host: filling staging memory, submitting, recording
//! the next run, reading back. wgpu's `noop` backend computes nothing, so that is all there is:
//!
//! ```sh
//! WGPU_BACKEND=noop WGPU_NOOP_BACKEND=1 cargo bench -p pocketvision-benches --bench gpu_host
//! ```

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pocketvision::models::{self, BuildOptions, Precision};
use pocketvision::op::Normalize;
use pocketvision::{CompileOptions, Outputs, Plan as _, passes};
use pocketvision_backend_gpu::{GpuBackend, GpuOptions, SelfTest};
use pocketvision_benches::inputs;

/// A float network that is fed a picture's bytes.
const PIXELS: &str = "f32-pixels";

fn networks(criterion: &mut Criterion) {
    // Nothing is computed there, so no kernel would pass its test.
    let options = GpuOptions { self_test: SelfTest::Never, ..GpuOptions::default() };
    let backend = match GpuBackend::new(options) {
        Ok(backend) if backend.adapter().api == "noop" => backend,
        Ok(_) => {
            return eprintln!("gpu_host: not run: set WGPU_BACKEND=noop and WGPU_NOOP_BACKEND=1");
        }
        Err(error) => return eprintln!("gpu_host: not run: {error}"),
    };
    let mut group = criterion.benchmark_group("gpu_host");
    for (name, kind, precision) in [
        ("mobilenet-v3-large", "f32", Precision::F32),
        ("mobilenet-v3-large", PIXELS, Precision::F32),
        ("mobilenet-edgetpu-1.0", "f32", Precision::F32),
        ("mobilenet-edgetpu-1.0", PIXELS, Precision::F32),
        ("mobilenet-edgetpu-1.0", "int8", Precision::Int8),
    ] {
        let definition = models::find(name).expect("a built-in network");
        let options = BuildOptions { precision, ..definition.options() };
        let graph = definition.build(&options).expect("it builds");
        let mut graph = passes::optimize(&graph).expect("it is valid");
        if kind == PIXELS {
            let normalize = Normalize { mean: [127.5; 3], std: [127.5; 3] };
            graph = passes::take_pixels(&graph, normalize).expect("it takes a picture");
        }
        let inputs = inputs(&graph).expect("f32 or uint8 inputs");
        let plan = backend.compile_plan(&graph, &CompileOptions::default());
        let mut plan = plan.expect("a supported network");
        let mut outputs = Outputs::for_signature(plan.ports());
        group.throughput(Throughput::Elements(plan.dispatch_count() as u64));
        group.bench_function(format!("{name}/{kind}"), |bencher| {
            bencher.iter(|| plan.run_into(black_box(&inputs), &mut outputs).expect("it runs"));
        });
    }
    group.finish();
}

criterion_group!(benches, networks);
criterion_main!(benches);
