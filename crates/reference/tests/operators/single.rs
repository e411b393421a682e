//! A graph of one operator, run through the backend.

use pocketvision_core::op::{Padding, Window};
use pocketvision_core::{
    Backend, CompileOptions, Element, Graph, GraphBuilder, NodeId, Op, Shape, Tensor, TensorData,
};
use pocketvision_reference::ReferenceBackend;

/// A graph in which one operator reads inputs of the tensors' types. `op` may add parameters;
/// integer operators that compute state their `element`.
pub(crate) fn graph(
    inputs: &[Tensor],
    element: Option<Element>,
    op: impl FnOnce(&mut GraphBuilder) -> Op,
) -> Graph {
    let mut builder = GraphBuilder::new("single");
    let ids: Vec<NodeId> = inputs
        .iter()
        .enumerate()
        .map(|(index, tensor)| {
            builder.input(format!("input {index}"), tensor.ty().clone()).unwrap()
        })
        .collect();
    let op = op(&mut builder);
    let node = match element {
        None => builder.push("node", op, &ids).unwrap(),
        Some(element) => builder.push_as("node", op, &ids, element).unwrap(),
    };
    builder.finish(&[node]).unwrap()
}

/// What the operator yields for these tensors.
pub(crate) fn run(
    inputs: &[Tensor],
    element: Option<Element>,
    op: impl FnOnce(&mut GraphBuilder) -> Op,
) -> Tensor {
    let graph = graph(inputs, element, op);
    let mut plan = ReferenceBackend::new().compile(&graph, &CompileOptions::default()).unwrap();
    plan.run(inputs).unwrap()[0].clone()
}

/// As [`run`], in f32 and as plain numbers.
pub(crate) fn run_f32(inputs: &[Tensor], op: impl FnOnce(&mut GraphBuilder) -> Op) -> Vec<f32> {
    run(inputs, None, op).as_f32().unwrap().to_vec()
}

/// As [`run`], in int8 and as plain numbers.
pub(crate) fn run_i8(
    inputs: &[Tensor],
    element: Element,
    op: impl FnOnce(&mut GraphBuilder) -> Op,
) -> Vec<i8> {
    run(inputs, Some(element), op).as_i8().unwrap().to_vec()
}

/// A float tensor.
pub(crate) fn floats(shape: [usize; 4], values: &[f32]) -> Tensor {
    Tensor::from_f32(Shape::from(shape), values.to_vec()).unwrap()
}

/// A float tensor of 1, 2, 3 and so on.
pub(crate) fn counting(shape: [usize; 4]) -> Tensor {
    let count = Shape::from(shape).elements();
    floats(shape, &(1..=count).map(|i| i as f32).collect::<Vec<_>>())
}

/// An int8 tensor.
pub(crate) fn int8s(shape: [usize; 4], element: Element, values: &[i8]) -> Tensor {
    Tensor::new(Shape::from(shape), element, TensorData::I8(values.to_vec())).unwrap()
}

/// An int32 bias; its scale is not looked at.
pub(crate) fn bias(values: &[i32]) -> Tensor {
    let quantization = pocketvision_core::Quantization::PerTensor { scale: 1.0, zero_point: 0 };
    let (shape, data) = (Shape::vector(values.len()), TensorData::I32(values.to_vec()));
    Tensor::new(shape, Element::Int32(quantization), data).unwrap()
}

/// A window of one tap.
pub(crate) fn pointwise() -> Window {
    Window::square(1, 1, Padding::Valid)
}
