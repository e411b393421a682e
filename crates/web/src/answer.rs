//! What a network says about a picture.

use wasm_bindgen::prelude::*;

/// The best classes of a picture, and what they cost.
#[wasm_bindgen]
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) labels: Vec<String>,
    pub(crate) scores: Vec<f32>,
    pub(crate) preprocessing_ms: f64,
    pub(crate) latency_ms: f64,
}

#[wasm_bindgen]
impl Answer {
    /// Names of the best classes, best first.
    #[wasm_bindgen(getter)]
    pub fn labels(&self) -> Vec<String> {
        self.labels.clone()
    }

    /// Their scores.
    #[wasm_bindgen(getter)]
    pub fn scores(&self) -> Vec<f32> {
        self.scores.clone()
    }

    /// Milliseconds of cutting and resizing the picture, on the processor.
    #[wasm_bindgen(getter, js_name = preprocessingMs)]
    pub fn preprocessing_ms(&self) -> f64 {
        self.preprocessing_ms
    }

    /// Milliseconds from the network's input to its scores: upload, run and readback.
    #[wasm_bindgen(getter, js_name = latencyMs)]
    pub fn latency_ms(&self) -> f64 {
        self.latency_ms
    }
}
