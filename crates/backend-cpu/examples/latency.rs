//! Latency of a network on the processor: `latency NETWORK [THREADS] [--profile]`, where the
//! network is a TFLite file or the name of a built-in one, which is then built in f32.
//!
//! Feeds a picture of noise, runs for about two seconds, and prints the median and the
//! smallest time; with `--profile`, also the steps that take longest.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use pocketvision_backend_cpu::{CpuBackend, CpuOptions};
use pocketvision_core::models::{self, BuildOptions, Precision};
use pocketvision_core::{
    Backend, CompileOptions, LayerCost, Outputs, Tensor, TensorSliceMut, TensorType,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let profile = arguments.iter().any(|argument| argument == "--profile");
    arguments.retain(|argument| argument != "--profile");
    let file = arguments.first().ok_or("usage: latency NETWORK [THREADS] [--profile]")?;
    let threads = arguments.get(1).map(|threads| threads.parse()).transpose()?;

    let options = BuildOptions { precision: Precision::F32, ..BuildOptions::default() };
    let graph = match models::find(file) {
        Some(definition) => definition.build(&options)?,
        None => pocketvision_import_tflite::open(file)?,
    };
    let backend = CpuBackend::new(CpuOptions { threads, ..CpuOptions::default() })?;
    let mut plan = backend.compile(&graph, &CompileOptions::default())?;
    let inputs: Vec<Tensor> = plan.signature().inputs.iter().map(|port| noise(&port.ty)).collect();
    let mut outputs = Outputs::for_signature(plan.signature());
    println!("{} on {}", graph.name(), backend.device());
    println!("{:?}", plan.memory());

    for _ in 0..20 {
        plan.run_into(&inputs, &mut outputs)?;
    }
    let mut times = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        let before = Instant::now();
        plan.run_into(&inputs, &mut outputs)?;
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{} runs, median {:.3} ms, min {:.3} ms",
        times.len(),
        times[times.len() / 2],
        times[0]
    );
    if profile {
        let mut profiles = Vec::new();
        for _ in 0..50 {
            profiles.push(plan.profile(&inputs)?);
        }
        // Of each step, the smallest of all times.
        let mut layers = profiles[0].layers.clone();
        for other in &profiles[1..] {
            for (layer, other) in layers.iter_mut().zip(&other.layers) {
                layer.latency_ms = layer.latency_ms.min(other.latency_ms);
            }
        }
        print_slowest(layers);
    }
    Ok(())
}

fn print_slowest(mut layers: Vec<LayerCost>) {
    layers.sort_by(|a, b| b.latency_ms.total_cmp(&a.latency_ms));
    for layer in layers.iter().take(40) {
        let (seconds, macs) = (layer.latency_ms * 1e-3, layer.macs as f64);
        println!(
            "{:9.4} ms {:8.1} MMAC {:7.1} GMAC/s {:9} bytes  {:28} {}",
            layer.latency_ms,
            macs * 1e-6,
            macs / seconds * 1e-9,
            layer.bytes,
            layer.kernel,
            layer.name.chars().take(40).collect::<String>()
        );
    }
}

/// A tensor of bytes that look random, each the same in every run.
fn noise(ty: &TensorType) -> Tensor {
    let mut tensor = Tensor::zeros(ty);
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    match tensor.slice_mut() {
        TensorSliceMut::F32(numbers) => {
            numbers.iter_mut().for_each(|x| *x = f32::from(next()) / 128.0 - 1.0);
        }
        _ => tensor.bytes_mut().iter_mut().for_each(|byte| *byte = next()),
    }
    tensor
}
