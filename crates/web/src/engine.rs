//! The adapter, and what is compiled for it.

use pocketvision_backend_gpu::{GpuBackend, GpuOptions, SelfTest};
use pocketvision_core::models::{self, BuildOptions, Precision};
use pocketvision_core::op::Normalize;
use pocketvision_core::{CompileOptions, Graph, NodeId, passes};
use pocketvision_import_tflite as tflite;
use pocketvision_vision::Labels;
use wasm_bindgen::prelude::*;

use crate::Network;

/// The graphics adapter that the browser offers, opened.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    backend: GpuBackend,
}

#[wasm_bindgen]
impl Engine {
    /// Opens the adapter. With `half`, tensors and weights of float networks are stored in half
    /// precision, which not all adapters can. `self_test` says when shaders are tested that are
    /// new to the adapter: `first`, before a network is compiled with them; `later`, when
    /// [`Network::test`] is called; or `never`. The browser keeps what was found.
    ///
    /// # Errors
    /// If the browser has no WebGPU or no adapter, the adapter no half precision, or `self_test`
    /// is none of these.
    pub async fn open(half: Option<bool>, self_test: Option<String>) -> Result<Self, JsError> {
        let self_test = match self_test.as_deref().unwrap_or("first") {
            "first" => SelfTest::First,
            "later" => SelfTest::Later,
            "never" => SelfTest::Never,
            other => {
                let message = format!("self-test '{other}' is not first, later or never");
                return Err(JsError::new(&message));
            }
        };
        let half = half.unwrap_or(false);
        let options = GpuOptions { half, self_test, ..GpuOptions::default() };
        Ok(Self { backend: GpuBackend::open(options).await? })
    }

    /// What the browser tells about the adapter.
    #[wasm_bindgen(getter)]
    pub fn adapter(&self) -> String {
        self.backend.adapter().to_string()
    }

    /// What is amiss: shaders that the driver computes wrong, which are not used.
    #[wasm_bindgen(getter)]
    pub fn warnings(&self) -> Vec<String> {
        self.backend.warnings()
    }

    /// Compiles the network in a TFLite file. `labels` is a text with a line for each class;
    /// without one, classes are called by number. With `pixels` a float network takes a picture's
    /// bytes, from 0 to 255, and makes -1 to 1 of them itself: a quarter of the upload. Integer
    /// networks take bytes anyway.
    ///
    /// # Errors
    /// If the bytes are no such file, the network has operators that the device cannot run, the
    /// labels are not as many as its classes, or `pixels` are asked for where a float network's
    /// one input is no picture.
    pub async fn load(
        &self,
        bytes: Vec<u8>,
        labels: Option<String>,
        pixels: Option<bool>,
    ) -> Result<Network, JsError> {
        let graph = tflite::import(&bytes, "network")?;
        drop(bytes);
        self.compile(graph, labels, pixels).await
    }

    /// Compiles a built-in network: `mobilenet-v3-large` and its like, in `f32` or `int8`. Its
    /// weights are numbers drawn at random, the same each time: it costs what the trained network
    /// costs, and what it says means nothing. `pixels` is that of [`Self::load`].
    ///
    /// # Errors
    /// If there is no such network or precision, or its input is no picture for `pixels`.
    #[wasm_bindgen(js_name = builtIn)]
    pub async fn built_in(
        &self,
        name: &str,
        precision: &str,
        pixels: Option<bool>,
    ) -> Result<Network, JsError> {
        let definition = models::find(name)
            .ok_or_else(|| JsError::new(&format!("no built-in network is called '{name}'")))?;
        let precision = match precision {
            "f32" => Precision::F32,
            "int8" => Precision::Int8,
            other => return Err(JsError::new(&format!("precision '{other}' is not f32 or int8"))),
        };
        let graph = definition.build(&BuildOptions { precision, ..definition.options() })?;
        self.compile(graph, None, pixels).await
    }
}

impl Engine {
    async fn compile(
        &self,
        mut graph: Graph,
        labels: Option<String>,
        pixels: Option<bool>,
    ) -> Result<Network, JsError> {
        let is_float = |id: &NodeId| graph.ty(*id).element.is_float();
        if pixels.unwrap_or(false) && graph.inputs().iter().any(is_float) {
            graph = passes::take_pixels(&graph, SYMMETRIC)?;
        }
        let graph = passes::optimize(&graph)?;
        let plan = self.backend.compile_async(&graph, &CompileOptions::default()).await?;
        let classes = plan.ports().outputs.first().map_or(0, |port| port.ty.shape.c);
        let labels = labels.map(|text| fitting(&text, classes)).transpose()?;
        Ok(Network::new(plan, labels))
    }
}

/// What pixels are to a MobileNet of TensorFlow's: -1 to 1.
const SYMMETRIC: Normalize = Normalize { mean: [127.5; 3], std: [127.5; 3] };

/// The labels of a text, if they are those of so many classes.
fn fitting(text: &str, classes: usize) -> Result<Labels, JsError> {
    let labels = Labels::parse(text).ok_or_else(|| JsError::new("there are no labels"))?;
    let lines = labels.len();
    labels
        .for_classes(classes)
        .ok_or_else(|| JsError::new(&format!("{lines} labels for a network of {classes} classes")))
}
