//! A network of whole numbers, exact in f32, so that equality can be asked.

use pocketvision_core::op::{Activation, ActivationKind, Conv2d, Padding, Window};
use pocketvision_core::{Element, Graph, GraphBuilder, Op, Shape, Tensor, TensorType};

/// A 3x3 convolution to five channels and a relu, of an input of this name and shape.
pub(crate) fn network(input: &str, shape: Shape) -> Graph {
    let mut builder = GraphBuilder::new("network");
    let input = builder.input(input, TensorType::new(shape, Element::F32)).unwrap();
    let shape = Shape::new(5, 3, 3, shape.c);
    let weights = (0..shape.elements()).map(|i| (i % 7) as f32 - 3.0).collect();
    let weight = builder.param("weight", Tensor::from_f32(shape, weights).unwrap());
    let window = Window::square(3, 1, Padding::Same);
    let op = Conv2d { window, weight, bias: None, groups: 1, activation: None };
    let conv = builder.push("conv", Op::Conv2d(op), &[input]).unwrap();
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let relu = builder.push("relu", relu, &[conv]).unwrap();
    builder.finish(&[relu]).unwrap()
}

/// Whole numbers for a network's input, others for each seed.
pub(crate) fn image(graph: &Graph, seed: usize) -> Tensor {
    let shape = graph.ty(graph.inputs()[0]).shape;
    let values = (0..shape.elements()).map(|i| ((i * 31 + seed * 17) % 23) as f32 - 11.0);
    Tensor::from_f32(shape, values.collect()).unwrap()
}
