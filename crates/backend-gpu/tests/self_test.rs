//! Shaders that compute wrong, as by a driver with an error, are found before they are used.

mod adapter;

use std::slice;

use pocketvision_backend_gpu::{AdapterKind, GpuBackend, GpuOptions, SelfTest};
use pocketvision_core::op::{Conv2d, DepthwiseConv2d, Normalize, Padding, Window};
use pocketvision_core::{
    Backend as _, CompileOptions, Element, Graph, GraphBuilder, Op, Plan as _, Shape, Tensor,
    TensorData, TensorType,
};
use pocketvision_reference::ReferenceBackend;

/// A device on which the shader of a name subtracts its bias instead of adding it. Networks are cut into
/// pairs of layers.
fn sabotaged(name: &'static str, self_test: SelfTest) -> Option<GpuBackend> {
    let cut_for = Some(AdapterKind::Integrated);
    let options = GpuOptions { sabotaged: Some(name), self_test, cut_for, ..GpuOptions::default() };
    adapter::open(options)
}

/// A depthwise convolution and a 1x1 convolution, exact in f32: one dispatch where they are
/// computed together.
fn network() -> Graph {
    let mut builder = GraphBuilder::new("network");
    let ty = TensorType::new(Shape::new(1, 9, 9, 8), Element::F32);
    let input = builder.input("image", ty).unwrap();
    let mut param = |name: &str, shape: Shape| {
        let values = (0..shape.elements()).map(|i| (i % 5) as f32 - 1.0).collect();
        builder.param(name, Tensor::from_f32(shape, values).unwrap())
    };
    let (taps, taps_bias) = (param("taps", Shape::new(1, 3, 3, 8)), param("b", Shape::vector(8)));
    let (weight, bias) = (param("weight", Shape::new(16, 1, 1, 8)), param("c", Shape::vector(16)));
    let window = Window::square(3, 1, Padding::Same);
    let op = DepthwiseConv2d { window, weight: taps, bias: Some(taps_bias), activation: None };
    let depthwise = builder.push("depthwise", Op::DepthwiseConv2d(op), &[input]).unwrap();
    let window = Window::square(1, 1, Padding::Valid);
    let op = Conv2d { window, weight, bias: Some(bias), groups: 1, activation: None };
    let project = builder.push("project", Op::Conv2d(op), &[depthwise]).unwrap();
    builder.finish(&[project]).unwrap()
}

fn image() -> Tensor {
    let shape = Shape::new(1, 9, 9, 8);
    let values = (0..shape.elements()).map(|i| (i * 31 % 23) as f32 - 11.0);
    Tensor::from_f32(shape, values.collect()).unwrap()
}

fn expected() -> Tensor {
    let mut plan = ReferenceBackend::new().compile(&network(), &CompileOptions::default()).unwrap();
    plan.run(&[image()]).unwrap()[0].clone()
}

#[test]
fn a_wrong_shader_is_reported_and_another_way_is_taken() {
    let Some(backend) = sabotaged("f32/depthwise_project", SelfTest::First) else { return };
    let mut plan = backend.compile_plan(&network(), &CompileOptions::default()).unwrap();
    assert_eq!(plan.dispatch_count(), 2);
    assert_eq!(plan.run(slice::from_ref(&image())).unwrap()[0], expected());
    let device = backend.device().to_string();
    assert!(device.contains("f32/depthwise_project computes wrong"), "{device}");

    // It stays known.
    let again = backend.compile_plan(&network(), &CompileOptions::default()).unwrap();
    assert_eq!(again.dispatch_count(), 2);
}

/// Where neighbours read each other's numbers wrong, each loads its own.
#[test]
fn wrong_fours_are_reported_and_not_used() {
    let options = GpuOptions {
        sabotaged: Some("f32/product in fours"),
        cut_for: Some(AdapterKind::Software),
        ..GpuOptions::default()
    };
    let Some(backend) = adapter::open(options) else { return };
    if !backend.adapter().features.contains(&"subgroups") {
        eprintln!("ignored: the adapter has no subgroups");
        return;
    }
    let mut plan = backend.compile_plan(&network(), &CompileOptions::default()).unwrap();
    assert_eq!(plan.run(slice::from_ref(&image())).unwrap()[0], expected());
    let device = backend.device().to_string();
    assert!(device.contains("f32/product in fours computes wrong"), "{device}");
    assert!(!device.contains("f32/product computes wrong"), "{device}");
}

#[test]
fn without_the_test_it_would_be_used() {
    let Some(backend) = sabotaged("f32/depthwise_project", SelfTest::Never) else { return };
    let mut plan = backend.compile_plan(&network(), &CompileOptions::default()).unwrap();
    assert_eq!(plan.dispatch_count(), 1);
    assert_ne!(plan.run(&[image()]).unwrap()[0], expected());
}

#[test]
fn a_test_that_comes_later_finds_it_and_the_plan_is_right_from_then_on() {
    let Some(backend) = sabotaged("f32/depthwise_project", SelfTest::Later) else { return };
    let mut plan = backend.compile_plan(&network(), &CompileOptions::default()).unwrap();
    assert_eq!(plan.dispatch_count(), 1);
    assert_ne!(plan.run(slice::from_ref(&image())).unwrap()[0], expected());
    assert!(!plan.test().unwrap());
    assert_eq!(plan.dispatch_count(), 2);
    assert_eq!(plan.run(slice::from_ref(&image())).unwrap()[0], expected());
    assert!(plan.test().unwrap());

    // What is known counts without another test.
    let again = backend.compile_plan(&network(), &CompileOptions::default()).unwrap();
    assert_eq!(again.dispatch_count(), 2);
}

#[test]
fn right_shaders_are_used_and_nothing_is_reported() {
    let Some(backend) = sabotaged("none of this name", SelfTest::First) else { return };
    let mut plan = backend.compile_plan(&network(), &CompileOptions::default()).unwrap();
    assert_eq!(plan.dispatch_count(), 1);
    assert_eq!(plan.run(&[image()]).unwrap()[0], expected());
    assert!(!backend.device().to_string().contains("computes wrong"));
}

#[test]
fn where_no_way_is_right_there_is_an_error() {
    let Some(backend) = sabotaged("f32/product", SelfTest::First) else { return };
    // The 1x1 convolution alone is the only layer: no other shader computes it.
    let mut builder = GraphBuilder::new("product");
    let ty = TensorType::new(Shape::new(1, 4, 4, 4), Element::F32);
    let input = builder.input("image", ty).unwrap();
    let ones = |shape: Shape| Tensor::from_f32(shape, vec![1.0; shape.elements()]).unwrap();
    let weight = builder.param("weight", ones(Shape::new(4, 1, 1, 4)));
    let bias = Some(builder.param("bias", ones(Shape::vector(4))));
    let window = Window::square(1, 1, Padding::Valid);
    let op = Conv2d { window, weight, bias, groups: 1, activation: None };
    let conv = builder.push("conv", Op::Conv2d(op), &[input]).unwrap();
    let graph = builder.finish(&[conv]).unwrap();
    let error = backend.compile_plan(&graph, &CompileOptions::default()).unwrap_err().to_string();
    assert!(error.contains("f32/product") && error.contains("wrong"), "{error}");
}

#[test]
fn a_wrong_way_to_read_pixels_is_found_and_the_normalization_gets_a_dispatch() {
    let Some(backend) = sabotaged("f32/conv2d pixels", SelfTest::First) else { return };
    let mut builder = GraphBuilder::new("stem");
    let ty = TensorType::new(Shape::new(1, 9, 9, 3), Normalize::PIXELS);
    let photo = builder.input("photo", ty.clone()).unwrap();
    let normalize = Normalize { mean: [128.0; 3], std: [1.0; 3] };
    let reals = builder.push("reals", Op::Normalize(normalize), &[photo]).unwrap();
    let ones = |shape: Shape| Tensor::from_f32(shape, vec![1.0; shape.elements()]).unwrap();
    let weight = builder.param("weight", ones(Shape::new(8, 3, 3, 3)));
    let bias = Some(builder.param("bias", ones(Shape::vector(8))));
    let window = Window::square(3, 2, Padding::Same);
    let op = Conv2d { window, weight, bias, groups: 1, activation: None };
    let stem = builder.push("stem", Op::Conv2d(op), &[reals]).unwrap();
    let graph = builder.finish(&[stem]).unwrap();
    let mut plan = backend.compile_plan(&graph, &CompileOptions::default()).unwrap();
    assert_eq!(plan.dispatch_count(), 2);
    let bytes = (0..ty.shape.elements()).map(|i| (i * 31 % 256) as u8).collect();
    let photo = Tensor::new(ty.shape, ty.element, TensorData::U8(bytes)).unwrap();
    let mut reference =
        ReferenceBackend::new().compile(&graph, &CompileOptions::default()).unwrap();
    let inputs = slice::from_ref(&photo);
    assert_eq!(plan.run(inputs).unwrap()[0], reference.run(inputs).unwrap()[0]);
    let device = backend.device().to_string();
    assert!(device.contains("f32/conv2d pixels computes wrong"), "{device}");
}
