//! Whole networks on the CPU, in float and int8, on one thread and on all.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pocketvision::models::{self, BuildOptions, Precision};
use pocketvision::{BackendOptions, CompileOptions, Outputs, backend};
use pocketvision_benches::inputs;

fn networks(criterion: &mut Criterion) {
    for definition in models::ALL {
        let mut group = criterion.benchmark_group(definition.name);
        for (precision_name, precision) in [("f32", Precision::F32), ("int8", Precision::Int8)] {
            let options = BuildOptions { precision, ..BuildOptions::default() };
            let graph = definition.build(&options).expect("a built-in network");
            let inputs = inputs(&graph).expect("f32 or uint8 inputs");
            group.throughput(Throughput::Elements(graph.macs()));
            for (threads_name, threads) in [("1_thread", Some(1)), ("all_threads", None)] {
                let options = BackendOptions { threads, ..BackendOptions::default() };
                let cpu = backend("cpu", &options).expect("the cpu backend is always there");
                let mut plan =
                    cpu.compile(&graph, &CompileOptions::default()).expect("a supported network");
                let mut outputs = Outputs::for_signature(plan.signature());
                group.bench_function(format!("{precision_name}/{threads_name}"), |bencher| {
                    bencher.iter(|| plan.run_into(black_box(&inputs), &mut outputs));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, networks);
criterion_main!(benches);
