//! What simulating the cost of a network costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pocketvision::models::{self, BuildOptions};
use pocketvision::{BackendOptions, CompileOptions, backend};
use pocketvision_benches::inputs;

fn simulator(criterion: &mut Criterion) {
    let chip = backend("edgetpu-sim", &BackendOptions::default()).expect("the coral chip");
    for definition in models::ALL {
        let graph = definition.build(&BuildOptions::default()).expect("a built-in network");
        let inputs = inputs(&graph).expect("uint8 inputs");
        let mut plan = chip.compile(&graph, &CompileOptions::default()).expect("int8 network");
        criterion.bench_function(&format!("profile/{}", definition.name), |bencher| {
            bencher.iter(|| plan.profile(black_box(&inputs)));
        });
    }
}

criterion_group!(benches, simulator);
criterion_main!(benches);
