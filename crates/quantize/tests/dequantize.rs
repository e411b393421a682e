//! Integer networks as float.

use pocketvision_core::models::{self, BuildOptions, InputSize, Precision, SplitMix64};
use pocketvision_core::op::{ActivationKind, Add, Normalize};
use pocketvision_core::passes::take_pixels;
use pocketvision_core::{
    Backend, CompileOptions, Element, Graph, GraphBuilder, Op, Shape, Tensor, TensorData,
    TensorType,
};
use pocketvision_quantize::dequantize;
use pocketvision_reference::ReferenceBackend;

/// The float network says what the integer network says, to within the integers' own steps
/// piled up over the layers; and a float network is left alone.
#[test]
fn float_answers_lie_near_the_integer_ones() {
    for name in
        ["mobilenet-v1-0.25", "mobilenet-v2-0.35", "mobilenet-v3-small", "mobilenet-edgetpu-0.5"]
    {
        let options =
            BuildOptions { input_size: InputSize::square(64), classes: 10, ..Default::default() };
        let int8 = models::find(name).unwrap().build(&options).unwrap();
        let float = dequantize(&int8).unwrap();
        assert!(float.nodes().iter().all(|node| node.output.element == Element::F32));
        assert!(float.params().iter().all(|param| *param.tensor.element() == Element::F32));
        assert_eq!((float.macs(), float.parameters()), (int8.macs(), int8.parameters()));
        assert_eq!(dequantize(&float).unwrap(), float);

        let shape = int8.ty(int8.inputs()[0]).shape;
        let mut random = SplitMix64::new(5);
        let pixels = (0..shape.elements()).map(|_| random.integer(0, 255) as u8).collect();
        let element = int8.ty(int8.inputs()[0]).element.clone();
        let pixels = Tensor::new(shape, element, TensorData::U8(pixels)).unwrap();
        let real = Tensor::from_f32(shape, pixels.to_f32()).unwrap();
        let run = |graph: &Graph, input: Tensor| {
            let backend = ReferenceBackend::new();
            let mut plan = backend.compile(graph, &CompileOptions::default()).unwrap();
            plan.run(&[input]).unwrap().get(graph.outputs()[0]).unwrap().to_f32()
        };
        let (integer, real) = (run(&int8, pixels), run(&float, real));
        let distance: f32 = integer.iter().zip(&real).map(|(a, b)| (a - b).abs()).sum();
        // Two unrelated distributions are up to 2 apart.
        assert!(distance < 0.3, "{name}: {distance}: {integer:?} {real:?}");
    }
}

/// An output that cannot go below 0 is a ReLU, though no activation is stated.
#[test]
fn saturation_at_zero_becomes_an_activation() {
    for (scale, expected) in [(0.1, ActivationKind::Relu), (6.0 / 255.0, ActivationKind::Relu6)] {
        let mut builder = GraphBuilder::new("sum");
        let ty = TensorType::new(Shape::new(1, 1, 1, 2), Element::int8(0.1, 0));
        let x = builder.input("x", ty).unwrap();
        let add = Op::Add(Add { activation: None });
        let low = builder.push_as("low", add.clone(), &[x, x], Element::int8(scale, -128)).unwrap();
        let both = builder.push_as("both", add, &[x, x], Element::int8(0.1, 0)).unwrap();
        let float = dequantize(&builder.finish(&[low, both]).unwrap()).unwrap();
        let stated = |index: usize| float.node(float.outputs()[index]).op.fused_activation();
        assert_eq!((stated(0), stated(1)), (Some(expected), None));
    }
}

#[test]
fn pixels_that_are_normalized_stay_bytes() {
    let options = BuildOptions {
        input_size: InputSize::square(32),
        precision: Precision::F32,
        ..Default::default()
    };
    let float = models::find("mobilenet-v2-0.35").unwrap().build(&options).unwrap();
    let pixels = take_pixels(&float, Normalize { mean: [127.5; 3], std: [127.5; 3] }).unwrap();
    assert_eq!(dequantize(&pixels).unwrap(), pixels);
}
