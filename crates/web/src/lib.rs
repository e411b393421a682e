//! PocketVision in a web page: the GPU backend compiled to WebAssembly, on the browser's WebGPU.
//!
//! ```js
//! import init, { Engine } from "./pocketvision.js";
//!
//! await init();
//! const engine = await Engine.open();
//! const network = await engine.load(bytes, labels);       // a TFLite file, a line a class
//! const answer = await network.run(picture.data, picture.width, picture.height);
//! console.log(answer.labels[0], answer.scores[0], answer.latencyMs);
//! ```
//!
//! Nothing is uploaded: networks and photos stay in the page. Nothing blocks either: what takes
//! long is a promise. The engine is that of the command line, with the same shaders, plans and
//! results, int8 to the bit; what a browser has not got is left out: files, and with them the
//! memory of compiled pipelines, which browsers keep themselves, and detectors, whose last step
//! is the processor's. Which shaders were tested is kept in the page's local storage.
//!
//! `tools/web` builds the page; `docs/web.md` tells how, and what was measured.

mod answer;
mod engine;
mod network;

pub use answer::Answer;
pub use engine::Engine;
pub use network::Network;

use wasm_bindgen::prelude::*;

/// A picture to try a network with when there is no photo: red, green, blue and opacity of each
/// pixel, as a canvas takes them.
#[wasm_bindgen(js_name = samplePicture)]
pub fn sample_picture(width: usize, height: usize) -> Result<Vec<u8>, JsError> {
    if width == 0 || height == 0 || width.saturating_mul(height) > MOST_SAMPLE_PIXELS {
        return Err(JsError::new("a sample picture has 1 to 16 million pixels"));
    }
    let picture = pocketvision_vision::SamplePicture::Macaw.paint(width, height);
    let opaque = |pixel: &[u8]| [pixel[0], pixel[1], pixel[2], 255];
    Ok(picture.pixels().chunks_exact(3).flat_map(opaque).collect())
}

/// Makes a panic an exception with a message; without it, a page sees `unreachable`.
#[cfg(target_family = "wasm")]
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string())));
}

const MOST_SAMPLE_PIXELS: usize = 16_000_000;
