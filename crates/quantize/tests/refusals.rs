//! What cannot be quantized, and what is said about it.

#[allow(dead_code, reason = "not every test needs all of it")]
mod networks;

use networks::{network, odd_network, quantized, samples, try_quantized};
use pocketvision_core::op::{ArgMax, Linear, Normalize, Reshape};
use pocketvision_core::passes::take_pixels;
use pocketvision_core::{Element, Graph, GraphBuilder, Op, Shape, Tensor, TensorType};
use pocketvision_quantize::{QuantizeError, QuantizeOptions, RangeMethod};

#[test]
fn what_is_computed_of_a_class_map_is_refused() {
    let mut builder = GraphBuilder::new("network");
    let ty = TensorType::new(Shape::new(1, 4, 4, 3), Element::F32);
    let image = builder.input("image", ty).unwrap();
    let map = builder.push("map", Op::ArgMax(ArgMax), &[image]).unwrap();
    let shape = Shape::new(1, 1, 16, 1);
    let row = builder.push("row", Op::Reshape(Reshape { shape }), &[map]).unwrap();
    let graph = builder.finish(&[row]).unwrap();
    let inputs = samples(&graph, 1, 5);
    let error = try_quantized(&graph, &inputs, &QuantizeOptions::default()).unwrap_err();
    assert_eq!(error, QuantizeError::Operator { node: "map".into(), op: "ArgMax" });
}

#[test]
fn a_network_that_takes_pixels_is_refused_by_name() {
    let float = network("mobilenet-v2-0.35");
    let normalize = Normalize { mean: [127.5; 3], std: [127.5; 3] };
    let graph = take_pixels(&float, normalize).unwrap();
    let inputs = vec![vec![Tensor::zeros(graph.ty(graph.inputs()[0]))]];
    let error = try_quantized(&graph, &inputs, &QuantizeOptions::default()).unwrap_err();
    assert!(matches!(error, QuantizeError::PixelInput { .. }), "{error}");
}

#[test]
fn what_cannot_be_quantized_is_refused_by_name() {
    let graph = odd_network();
    let good = samples(&graph, 2, 1);
    let message = |graph: &Graph, samples: &[Vec<Tensor>], options: &QuantizeOptions| {
        try_quantized(graph, samples, options).unwrap_err().to_string()
    };
    let default = QuantizeOptions::default();
    assert!(message(&graph, &[], &default).contains("no samples"));

    let int8 = quantized(&graph, &good, &default).graph;
    let error = message(&int8, &good, &default);
    assert!(error.contains("'x' is int8") && error.contains("quantized already"), "{error}");

    let mut builder = GraphBuilder::new("half");
    let half = builder.input("halves", TensorType::new(Shape::vector(4), Element::F16)).unwrap();
    let half = builder.finish(&[half]).unwrap();
    let error = message(&half, &good, &default);
    assert!(error.contains("'halves' is f16"), "{error}");

    let wide = Tensor::from_f32(Shape::vector(5), vec![0.0; 5]).unwrap();
    let error = message(&graph, &[good[0].clone(), vec![wide]], &default);
    assert!(error.contains("sample 1") && error.contains("'x'"), "{error}");
    let error = message(&graph, &[vec![]], &default);
    assert!(error.contains("sample 0") && error.contains("1 input"), "{error}");

    for percent in [50.0, 100.1, f64::NAN] {
        let ranges = RangeMethod::Percentile(percent);
        let error = message(&graph, &good, &QuantizeOptions { ranges, ..default.clone() });
        assert!(error.contains("percentile"), "{error}");
    }
    let ranges = RangeMethod::MovingAverage { momentum: 1.0 };
    assert!(message(&graph, &good, &QuantizeOptions { ranges, ..default }).contains("momentum"));
}

#[test]
fn numbers_that_are_not_finite_are_found_where_they_are() {
    let network = |weight: f32, bias: f32| {
        let mut builder = GraphBuilder::new("bad");
        let x = builder.input("x", TensorType::new(Shape::vector(1), Element::F32)).unwrap();
        let mut param = |value: f32| {
            builder.param("w", Tensor::from_f32(Shape::vector(1), vec![value]).unwrap())
        };
        let (weight, bias) = (param(weight), Some(param(bias)));
        let linear = Op::Linear(Linear { weight, bias, activation: None });
        let y = builder.push("layer", linear.clone(), &[x]).unwrap();
        let z = builder.push("next", linear, &[y]).unwrap();
        builder.finish(&[z]).unwrap()
    };
    let ones = vec![vec![Tensor::from_f32(Shape::vector(1), vec![1.0]).unwrap()]];
    let error = |graph: &Graph| {
        try_quantized(graph, &ones, &QuantizeOptions::default()).unwrap_err().to_string()
    };
    let message = error(&network(f32::NAN, 0.0));
    assert!(message.contains("'layer'") && message.contains("'w'"), "{message}");
    let message = error(&network(1.0, f32::INFINITY));
    assert!(message.contains("'layer'"), "{message}");
    let message = error(&network(f32::MAX, f32::MAX));
    assert!(message.contains("'layer'") && message.contains("sample 0"), "{message}");
}
