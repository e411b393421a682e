//! What simulating the cost of a network costs: for one after another, and for a search that
//! uses every core.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pocketvision::chip;
use pocketvision::edgetpu_sim::{Estimate, Partition, Workload};
use pocketvision::models::{self, BuildOptions};
use rayon::prelude::*;

fn networks(criterion: &mut Criterion) {
    let coral = chip("coral-usb").expect("a preset");
    let mut group = criterion.benchmark_group("estimate");
    group.throughput(Throughput::Elements(1));
    for name in ["mobilenet-v2-1.0", "mobilenet-edgetpu-1.0", "efficientnet-edgetpu-l"] {
        let definition = models::find(name).expect("a built-in network");
        let graph = definition.build(&BuildOptions::default()).expect("it builds");
        group.bench_function(name, |bencher| {
            bencher.iter(|| Estimate::new(black_box(&graph), &coral));
        });
    }
    group.finish();
}

/// A thousand chips for one network.
fn search(criterion: &mut Criterion) {
    let coral = chip("coral-usb").expect("a preset");
    let definition = models::find("mobilenet-v2-1.0").expect("a built-in network");
    let graph = definition.build(&BuildOptions::default()).expect("it builds");
    let (workload, partition) = (Workload::new(&graph), Partition::new(&graph));
    let chips: Vec<_> = (0..1000)
        .map(|index| {
            let mut chip = coral.clone();
            chip.array.clock_mhz = 100.0 + f64::from(index);
            chip
        })
        .collect();
    let latency = |chip| {
        let estimate = Estimate::of_workload(&workload, &partition.places, chip);
        estimate.expect("it fits").latency_ms
    };
    let mut group = criterion.benchmark_group("search");
    group.throughput(Throughput::Elements(chips.len() as u64));
    group.bench_function("one core", |bencher| {
        bencher.iter(|| chips.iter().map(latency).sum::<f64>());
    });
    group.bench_function("all cores", |bencher| {
        bencher.iter(|| chips.par_iter().map(latency).sum::<f64>());
    });
    group.finish();
}

criterion_group!(benches, networks, search);
criterion_main!(benches);
