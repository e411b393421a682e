//! Squeeze-and-excitation's product with the gates, in int8, where the next layer applies it as it
//! loads its input: every pair of bytes, at scales whose roundings differ.

mod adapter;

use pocketvision_backend_gpu::{AdapterKind, GpuOptions, SelfTest};
use pocketvision_core::op::{Conv2d, Mul, Padding, Window};
use pocketvision_core::{
    Backend as _, CompileOptions, Element, Graph, GraphBuilder, Op, Shape, Tensor, TensorData,
    TensorType,
};
use pocketvision_reference::ReferenceBackend;

const BYTES: usize = 256;

/// An image times a scale of each channel, and a layer that changes nothing.
fn network(image: &Element, scale: &Element, product: &Element) -> Graph {
    let mut builder = GraphBuilder::new("scaled");
    let shape = Shape::new(1, 16, BYTES / 16, BYTES);
    let image = builder.input("image", TensorType::new(shape, image.clone())).unwrap();
    let scale =
        builder.input("scale", TensorType::new(Shape::vector(BYTES), scale.clone())).unwrap();
    let mul = Op::Mul(Mul { activation: None });
    let scaled = builder.push_as("scaled", mul, &[scale, image], product.clone()).unwrap();
    let shape = Shape::new(BYTES, 1, 1, BYTES);
    let identity = (0..BYTES * BYTES).map(|i| i8::from(i % BYTES == i / BYTES)).collect();
    let identity = Tensor::new(shape, Element::int8(1.0, 0), TensorData::I8(identity)).unwrap();
    let weight = builder.param("identity", identity);
    let window = Window::square(1, 1, Padding::Valid);
    let same = Op::Conv2d(Conv2d { window, weight, bias: None, groups: 1, activation: None });
    let same = builder.push_as("same", same, &[scaled], product.clone()).unwrap();
    builder.finish(&[same]).unwrap()
}

#[test]
fn a_scale_applied_on_load_is_the_product_of_every_two_bytes() {
    scale_every_two_bytes(None);
}

/// There scales and shifts are constants of the shader, which naga and drivers compute with.
#[test]
fn on_a_card_it_is_too() {
    scale_every_two_bytes(Some(AdapterKind::Discrete));
}

fn scale_every_two_bytes(cut_for: Option<AdapterKind>) {
    // A kernel that a self-test found wrong would be replaced.
    let never = GpuOptions { self_test: SelfTest::Never, cut_for, ..GpuOptions::default() };
    let Some(gpu) = adapter::open(never) else { return };
    // Each number by each: a pixel for each byte, a channel for each byte.
    let by_pixel = (0..BYTES * BYTES).map(|i| (i / BYTES) as u8 as i8).collect();
    let by_channel = (0..BYTES).map(|i| i as u8 as i8).collect();
    let numbers = [TensorData::I8(by_pixel), TensorData::I8(by_channel)];
    // Powers of two have ties, the others round in two steps.
    for multiplier in [0.5, 0.25, 0.999, 0.31, 1.0 / 255.0, 1.0 / 1024.0, 3e-5, 1e-8] {
        for zero_points in [[0, 0, 0], [-128, -128, -128], [3, -77, 5], [127, -128, -120]] {
            let [image, scale, product] = zero_points;
            let image = Element::int8(1.0, image);
            let (scale, product) = (Element::int8(multiplier, scale), Element::int8(1.0, product));
            let graph = network(&image, &scale, &product);
            let inputs: Vec<Tensor> = (graph.inputs().iter().zip(&numbers))
                .map(|(&id, numbers)| {
                    let ty = graph.ty(id);
                    Tensor::new(ty.shape, ty.element.clone(), numbers.clone()).unwrap()
                })
                .collect();
            let options = CompileOptions::default();
            let mut plan = gpu.compile_plan(&graph, &options).unwrap();
            assert_eq!(plan.dispatch_count(), 1, "the product is part of the layer's dispatch");
            let expected = ReferenceBackend::new().compile(&graph, &options).unwrap();
            let expected = { expected }.run(&inputs).unwrap();
            let actual = pocketvision_core::Plan::run(&mut plan, &inputs).unwrap();
            assert!(expected[0] == actual[0], "{multiplier} {zero_points:?}");
        }
    }
}
