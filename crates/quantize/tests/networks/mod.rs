//! Networks to quantize, and samples for them.

use pocketvision_backend_cpu::{CpuBackend, CpuOptions};
use pocketvision_core::models::{self, BuildOptions, InputSize, Precision, SplitMix64};
use pocketvision_core::op::{ActivationKind, Axis, Concat, Constant, Linear, Mul};
use pocketvision_core::{Element, Graph, GraphBuilder, Op, Shape, Tensor, TensorType};
use pocketvision_quantize::{QuantizeError, QuantizeOptions, Quantized, quantize};

/// A built-in network in float, for images of 64 pixels and 10 classes.
pub(crate) fn network(name: &str) -> Graph {
    let options = BuildOptions {
        input_size: InputSize::square(64),
        classes: 10,
        precision: Precision::F32,
        ..Default::default()
    };
    models::find(name).unwrap().build(&options).unwrap()
}

/// So many random inputs from -1 to 1.
pub(crate) fn samples(graph: &Graph, count: usize, seed: u64) -> Vec<Vec<Tensor>> {
    let mut random = SplitMix64::new(seed);
    let mut tensor = |shape: Shape| {
        let values = (0..shape.elements()).map(|_| random.signed_unit()).collect();
        Tensor::from_f32(shape, values).unwrap()
    };
    let mut sample = || graph.inputs().iter().map(|&id| tensor(graph.ty(id).shape)).collect();
    (0..count).map(|_| sample()).collect()
}

pub(crate) fn cpu() -> CpuBackend {
    CpuBackend::new(CpuOptions::default()).unwrap()
}

pub(crate) fn quantized(
    graph: &Graph,
    samples: &[Vec<Tensor>],
    options: &QuantizeOptions,
) -> Quantized {
    try_quantized(graph, samples, options).unwrap()
}

pub(crate) fn try_quantized(
    graph: &Graph,
    samples: &[Vec<Tensor>],
    options: &QuantizeOptions,
) -> Result<Quantized, QuantizeError> {
    quantize(graph, &cpu(), samples, options, &mut |_, _, _| ())
}

/// A network of what classification networks seldom have: a constant operand, a concatenation
/// of parts of unlike range, a linear layer whose second channel is dead but for its bias.
pub(crate) fn odd_network() -> Graph {
    let mut builder = GraphBuilder::new("odd");
    let ty = TensorType::new(Shape::vector(4), Element::F32);
    let x = builder.input("x", ty).unwrap();
    let factors = Tensor::from_f32(Shape::vector(4), vec![0.5, -2.0, 8.0, 0.0]).unwrap();
    let value = builder.param("factors", factors);
    let constant = builder.push("constant", Op::Constant(Constant { value }), &[]).unwrap();
    let product = Op::Mul(Mul { activation: Some(ActivationKind::HardSwish) });
    let product = builder.push("product", product, &[x, constant]).unwrap();
    let axis = Axis::Channels;
    let both = builder.push("both", Op::Concat(Concat::along(axis)), &[x, product]).unwrap();
    let mut weights = numbers(16, 3);
    weights[8..].fill(0.0);
    let weight = Tensor::from_f32(Shape::new(2, 1, 1, 8), weights).unwrap();
    let weight = builder.param("weight", weight);
    let bias = builder.param("bias", Tensor::from_f32(Shape::vector(2), vec![0.1, 3.5]).unwrap());
    let linear = Linear { weight, bias: Some(bias), activation: None };
    let scores = builder.push("scores", Op::Linear(linear), &[both]).unwrap();
    builder.finish(&[scores]).unwrap()
}

pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut random = SplitMix64::new(seed);
    (0..count).map(|_| random.signed_unit()).collect()
}
