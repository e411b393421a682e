//! A compiled network, and its runs.

use std::cell::{Cell, RefCell};

use pocketvision_backend_gpu::GpuPlan;
use pocketvision_core::{Outputs, Tensor};
use pocketvision_vision::{Image, Labels, Preprocess, top_k};
use wasm_bindgen::prelude::*;
use web_time::Instant;

use crate::Answer;

/// A network compiled by an [`crate::Engine`].
#[wasm_bindgen]
#[derive(Debug)]
pub struct Network {
    /// Away while it runs.
    state: RefCell<Option<State>>,
    labels: Option<Labels>,
    dispatches: Cell<usize>,
    pipelines: Cell<usize>,
}

#[derive(Debug)]
struct State {
    plan: GpuPlan,
    outputs: Outputs,
}

#[wasm_bindgen]
impl Network {
    /// Classifies a picture: the bytes of a canvas, red, green, blue and opacity of each pixel.
    /// The middle of the picture is resized to what the network takes. One run at a time.
    ///
    /// # Errors
    /// If the bytes are not `4 * width * height`, the network takes no picture, an earlier run is
    /// not over, or the device fails.
    pub async fn run(&self, rgba: Vec<u8>, width: usize, height: usize) -> Result<Answer, JsError> {
        let begin = Instant::now();
        let input = self.with_state(|state| picture(state, &rgba, width, height))??;
        let prepared = Instant::now();
        let rank = |outputs: &Outputs| {
            let latency_ms = 1e3 * prepared.elapsed().as_secs_f64();
            (top_k(&outputs[0], RANKED, self.labels.as_ref()), latency_ms)
        };
        let (ranked, latency_ms) = self.run_tensor(input, rank).await?;
        Ok(Answer {
            labels: ranked.iter().map(name).collect(),
            scores: ranked.iter().map(|class| class.score).collect(),
            preprocessing_ms: 1e3 * (prepared - begin).as_secs_f64(),
            latency_ms,
        })
    }

    /// Runs the network on the bytes of its input tensor, and gives back those of its first
    /// output: for programs that prepare their inputs themselves. Numbers are little-endian.
    ///
    /// # Errors
    /// If the bytes do not fill the input, an earlier run is not over, or the device fails.
    #[wasm_bindgen(js_name = runBytes)]
    pub async fn run_bytes(&self, bytes: Vec<u8>) -> Result<Vec<u8>, JsError> {
        let input = self.with_state(|state| tensor(state, &bytes))??;
        self.run_tensor(input, |outputs| outputs[0].bytes().to_vec()).await
    }

    /// Tests the network's shaders that are new to the adapter, for engines that were opened with
    /// the self-test `later`, and says whether all are right. If not, the network is compiled anew
    /// without them, and [`Engine::warnings`](crate::Engine::warnings) names them. The browser
    /// keeps what was found, so that the next page need not test them.
    ///
    /// # Errors
    /// If an earlier run is not over, there is no other way to compute the network, or the device
    /// fails.
    pub async fn test(&self) -> Result<bool, JsError> {
        let mut state = self.state.take().ok_or_else(is_running)?;
        let are_right = state.plan.test_async().await;
        self.dispatches.set(state.plan.dispatch_count());
        self.pipelines.set(state.plan.pipeline_count());
        self.state.replace(Some(state));
        Ok(are_right?)
    }

    /// Height and width of the pictures that the network takes.
    #[wasm_bindgen(getter, js_name = inputSize)]
    pub fn input_size(&self) -> Result<Vec<u32>, JsError> {
        self.with_state(|state| {
            let shape = state.plan.ports().inputs[0].ty.shape;
            vec![shape.h as u32, shape.w as u32]
        })
    }

    /// Dispatches of one run.
    #[wasm_bindgen(getter)]
    pub fn dispatches(&self) -> usize {
        self.dispatches.get()
    }

    /// Different pipelines among them.
    #[wasm_bindgen(getter)]
    pub fn pipelines(&self) -> usize {
        self.pipelines.get()
    }
}

impl Network {
    pub(crate) fn new(plan: GpuPlan, labels: Option<Labels>) -> Self {
        let (dispatches, pipelines) =
            (Cell::new(plan.dispatch_count()), Cell::new(plan.pipeline_count()));
        let outputs = Outputs::for_signature(plan.ports());
        let state = RefCell::new(Some(State { plan, outputs }));
        Self { state, labels, dispatches, pipelines }
    }

    fn with_state<T>(&self, work: impl FnOnce(&State) -> T) -> Result<T, JsError> {
        self.state.borrow().as_ref().map(work).ok_or_else(is_running)
    }

    /// Runs the network and reads its outputs.
    async fn run_tensor<T>(
        &self,
        input: Tensor,
        read: impl FnOnce(&Outputs) -> T,
    ) -> Result<T, JsError> {
        let mut state = self.state.take().ok_or_else(is_running)?;
        let result = state.plan.run_async(&[input], &mut state.outputs).await;
        let read = result.map(|()| read(&state.outputs));
        self.state.replace(Some(state));
        Ok(read?)
    }
}

fn is_running() -> JsError {
    JsError::new("an earlier run is not over: await it first")
}

fn picture(state: &State, rgba: &[u8], width: usize, height: usize) -> Result<Tensor, JsError> {
    let expected = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(4));
    if expected != Some(rgba.len()) {
        let bytes = rgba.len();
        let message = format!("{bytes} bytes for a picture of {width} by {height} pixels of four");
        return Err(JsError::new(&message));
    }
    let rgb = rgba.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let image = Image::new(width, height, rgb)?;
    let input = &state.plan.ports().inputs[0].ty;
    Ok(Preprocess::for_input(input)?.apply(&image, input)?)
}

fn tensor(state: &State, bytes: &[u8]) -> Result<Tensor, JsError> {
    let ty = &state.plan.ports().inputs[0].ty;
    let mut tensor = Tensor::zeros(ty);
    if tensor.bytes().len() != bytes.len() {
        let message = format!("{} bytes for an input of {}", bytes.len(), tensor.bytes().len());
        return Err(JsError::new(&message));
    }
    tensor.bytes_mut().copy_from_slice(bytes);
    Ok(tensor)
}

fn name(class: &pocketvision_vision::Ranked) -> String {
    class.label.clone().unwrap_or_else(|| format!("class {}", class.index))
}

/// Classes in an answer.
const RANKED: usize = 5;
