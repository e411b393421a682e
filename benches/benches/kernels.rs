//! Single layers on the CPU, in multiply-accumulates a second on one thread.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pocketvision::{BackendOptions, CompileOptions, Outputs, backend};
use pocketvision_benches::{LAYERS, inputs};

fn kernels(criterion: &mut Criterion) {
    let options = BackendOptions { threads: Some(1), ..BackendOptions::default() };
    let cpu = backend("cpu", &options).expect("the cpu backend is always there");
    for (precision, int8) in [("f32", false), ("int8", true)] {
        let mut group = criterion.benchmark_group(precision);
        for layer in LAYERS {
            let graph = layer.graph(int8).expect("a valid layer");
            let mut plan =
                cpu.compile(&graph, &CompileOptions::default()).expect("a supported layer");
            let inputs = inputs(&graph).expect("f32 or int8 inputs");
            let mut outputs = Outputs::for_signature(plan.signature());
            group.throughput(Throughput::Elements(graph.macs()));
            group.bench_function(layer.name, |bencher| {
                bencher.iter(|| plan.run_into(black_box(&inputs), &mut outputs));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
