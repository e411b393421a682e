//! Single layers on the CPU on one thread: in multiply-accumulates a second, and at the end as a
//! share of what a loop over registers reaches on the same machine.
#![allow(clippy::print_stdout)]

use std::hint::black_box;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pocketvision::{BackendOptions, CompileOptions, Outputs, Peak, SimdLevel, backend};
use pocketvision_benches::{LAYERS, inputs};

fn kernels(criterion: &mut Criterion) {
    let options = BackendOptions { threads: Some(1), ..BackendOptions::default() };
    let cpu = backend("cpu", &options).expect("the cpu backend is always there");
    let peak = Peak::measure(SimdLevel::best()).expect("the best level is there");
    let mut shares = Vec::new();
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
            let fastest = fastest(|| {
                plan.run_into(black_box(&inputs), &mut outputs).expect("a layer that runs");
            });
            let macs_per_second = graph.macs() as f64 / fastest.as_secs_f64();
            let most = if int8 { peak.int8_macs_per_second } else { peak.f32_macs_per_second };
            shares.push((precision, layer.name, macs_per_second, macs_per_second / most));
        }
        group.finish();
    }
    println!("fastest of some runs, level {}:", SimdLevel::best());
    for (precision, name, macs_per_second, share) in shares {
        let (giga, percent) = (macs_per_second * 1e-9, share * 100.0);
        println!("{precision:5} {name:20} {giga:8.1} GMAC/s {percent:6.1} % of the peak");
    }
}

/// The shortest time of some runs.
fn fastest(mut work: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..100).map(time).min().unwrap_or_default()
}

criterion_group!(benches, kernels);
criterion_main!(benches);
