//! Picks the backend that runs a network fastest on this machine, and says why.
//!
//!     cargo run --release --example fastest_backend -- [MODEL]

#![allow(clippy::print_stdout, reason = "an example has something to say")]

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use pocketvision::vision::SamplePicture;
use pocketvision::{Clock, CompileOptions, Model, Outputs, Plan, Tensor, backends};

fn main() -> Result<(), Box<dyn Error>> {
    let name = env::args().nth(1).unwrap_or_else(|| "mobilenet-edgetpu-cifar10".into());
    let model = Model::load(&name)?;
    let picture = SamplePicture::Ship.paint(640, 480);
    let inputs = [model.preprocess(&picture)?];

    let mut fastest: Option<(Duration, &str, Box<dyn Plan>)> = None;
    for backend in backends() {
        // What is simulated answers a question about other hardware.
        if backend.device().clock == Clock::Simulated {
            continue;
        }
        let mut plan = match backend.compile(model.graph(), &CompileOptions::default()) {
            Ok(plan) => plan,
            Err(error) => {
                println!("{}: {error}", backend.name());
                continue;
            }
        };
        let median = median_latency(&mut *plan, &inputs)?;
        println!("{}: {median:.2?} on {}", backend.name(), backend.device());
        if fastest.as_ref().is_none_or(|(best, ..)| median < *best) {
            fastest = Some((median, backend.name(), plan));
        }
    }

    let (_, backend, mut plan) = fastest.ok_or("no backend runs this network")?;
    let outputs = plan.run(&inputs)?;
    match model.top_k(&outputs, 1).first() {
        Some(best) => println!("{backend} it is: a painted ship is {best}"),
        None => println!("{backend} it is"),
    }
    Ok(())
}

/// After two runs that warm caches and clocks up.
fn median_latency(plan: &mut dyn Plan, inputs: &[Tensor]) -> Result<Duration, Box<dyn Error>> {
    let mut outputs = Outputs::for_signature(plan.signature());
    let mut latencies = Vec::new();
    for run in 0..22 {
        let start = Instant::now();
        plan.run_into(inputs, &mut outputs)?;
        if run >= 2 {
            latencies.push(start.elapsed());
        }
    }
    latencies.sort();
    Ok(latencies[latencies.len() / 2])
}
