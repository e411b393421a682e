//! A graph through a file and back, and what both compute.

use pocketvision_core::models::SplitMix64;
use pocketvision_core::{Backend, CompileOptions, Graph, Tensor, TensorSliceMut, TensorType};
use pocketvision_export::{Format, to_bytes};
use pocketvision_import_tflite::import;
use pocketvision_reference::ReferenceBackend;

/// The graph as TFLite's importer reads what was written.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn reimport(graph: &Graph) -> Graph {
    import(&to_bytes(graph, Format::Tflite).unwrap(), graph.name()).unwrap()
}

/// What a graph yields for random inputs, the same for graphs of the same inputs.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn run(graph: &Graph) -> Vec<Tensor> {
    let mut random = SplitMix64::new(7);
    let inputs: Vec<Tensor> =
        graph.inputs().iter().map(|&id| random_tensor(graph.ty(id), &mut random)).collect();
    run_on(graph, &inputs)
}

/// What a graph yields for inputs.
pub(crate) fn run_on(graph: &Graph, inputs: &[Tensor]) -> Vec<Tensor> {
    let mut plan = ReferenceBackend::new().compile(graph, &CompileOptions::default()).unwrap();
    plan.run(inputs).unwrap().iter().map(|(_, tensor)| tensor.clone()).collect()
}

fn random_tensor(ty: &TensorType, random: &mut SplitMix64) -> Tensor {
    let mut tensor = Tensor::zeros(ty);
    match tensor.slice_mut() {
        TensorSliceMut::F32(values) => values.fill_with(|| random.signed_unit()),
        TensorSliceMut::I8(values) => values.fill_with(|| (random.signed_unit() * 128.0) as i8),
        TensorSliceMut::U8(values) => {
            values.fill_with(|| (random.signed_unit() * 128.0 + 128.0) as u8);
        }
        other => panic!("{other:?} is no input"),
    }
    tensor
}
