//! What a loop over a camera's frames looks like: everything is made once, before the first.
//!
//!     cargo run --release --example camera_loop -- [MODEL]

#![allow(clippy::print_stdout, reason = "an example has something to say")]

use std::env;
use std::error::Error;
use std::time::Instant;

use pocketvision::vision::{Image, SamplePicture};
use pocketvision::{BackendOptions, CompileOptions, Model, Outputs, backend};

/// A camera would fill these.
fn frames() -> impl Iterator<Item = Image> {
    SamplePicture::ALL.into_iter().cycle().map(|picture| picture.paint(320, 240)).take(30)
}

fn main() -> Result<(), Box<dyn Error>> {
    let name = env::args().nth(1).unwrap_or_else(|| "mobilenet-edgetpu-cifar10".into());
    let model = Model::load(&name)?;
    let cpu = backend("cpu", &BackendOptions::default())?;
    let mut plan = cpu.compile(model.graph(), &CompileOptions::default())?;
    // The plan owns its weights and memory, and fills the same outputs frame after frame.
    let mut outputs = Outputs::for_signature(plan.signature());

    let mut shown = None;
    for (number, frame) in frames().enumerate() {
        let start = Instant::now();
        let input = model.preprocess(&frame)?;
        plan.run_into(&[input], &mut outputs)?;
        let latency_ms = start.elapsed().as_secs_f64() * 1e3;
        // A frame is worth a line only if it shows something else.
        if let Some(best) = model.top_k(&outputs, 1).first()
            && best.label != shown
        {
            println!("frame {number}: {best} ({latency_ms:.2} ms)");
            shown.clone_from(&best.label);
        }
    }
    Ok(())
}
