//! Networks as they are cut for graphics cards, on whatever adapter there is: for a large one each layer
//! by itself, its sizes compiled into its pipeline, its sums shared by many invocations; for a small
//! one in pairs of layers.

mod adapter;

use pocketvision_backend_gpu::{AdapterKind, GpuBackend, GpuOptions, SelfTest};
use pocketvision_conformance::{Verdict, judge};
use pocketvision_core::models::{self, BuildOptions, Precision, SplitMix64};
use pocketvision_core::op::{Conv2d, Normalize, Padding, Window};
use pocketvision_core::{
    Backend, CompileOptions, Element, Graph, GraphBuilder, Op, Shape, Tensor, TensorData,
    TensorType, passes,
};
use pocketvision_reference::ReferenceBackend;

/// A card, a small one, and one of which nobody knows what it is: there layers of one kind share a
/// pipeline.
fn cards() -> Vec<GpuBackend> {
    // A kernel that a self-test found wrong would be replaced.
    let never = GpuOptions { self_test: SelfTest::Never, ..GpuOptions::default() };
    let cut_for = |kind| GpuOptions { cut_for: Some(kind), ..never.clone() };
    [AdapterKind::Discrete, AdapterKind::Integrated, AdapterKind::Other]
        .into_iter()
        .filter_map(|kind| adapter::open(cut_for(kind)))
        .collect()
}

fn random(ty: &TensorType, seed: u64) -> Tensor {
    let mut numbers = SplitMix64::new(seed);
    let length = ty.shape.elements();
    let data = match ty.element {
        Element::F32 => TensorData::F32((0..length).map(|_| numbers.signed_unit()).collect()),
        Element::UInt8(_) => {
            TensorData::U8((0..length).map(|_| numbers.next_u64() as u8).collect())
        }
        _ => TensorData::I8((0..length).map(|_| numbers.next_u64() as i8).collect()),
    };
    Tensor::new(ty.shape, ty.element.clone(), data).unwrap()
}

/// A whole network has all that there is: pictures, wide and narrow layers, squeeze-and-excitation
/// with few and with many weights, layers of one pixel that read a thousand channels.
#[test]
fn networks_compute_what_the_reference_does() {
    let cards = cards();
    if cards.is_empty() {
        return;
    }
    let definition = models::find("mobilenet-v3-large").unwrap();
    for (batch, precision) in [(1, Precision::F32), (2, Precision::F32), (1, Precision::Int8)] {
        let options = BuildOptions { batch, precision, ..definition.options() };
        let graph = passes::optimize(&definition.build(&options).unwrap()).unwrap();
        let normalize = Normalize { mean: [127.5; 3], std: [127.5; 3] };
        let mut graphs = vec![graph.clone()];
        if precision == Precision::F32 {
            graphs.push(passes::take_pixels(&graph, normalize).unwrap());
        }
        for graph in graphs {
            let input = random(graph.ty(graph.inputs()[0]), 1);
            let options = CompileOptions::default();
            let run = |backend: &dyn Backend| {
                let mut plan = backend.compile(&graph, &options).unwrap();
                plan.run(std::slice::from_ref(&input)).unwrap()[0].to_f32()
            };
            let expected = run(&ReferenceBackend::new());
            let largest = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
            let allowed = if precision == Precision::F32 { 1e-4 * largest } else { 0.0 };
            for card in &cards {
                let actual = run(card);
                let off = actual.iter().zip(&expected).map(|(a, b)| (a - b).abs());
                let most = off.fold(0f32, f32::max);
                assert!(most <= allowed, "{precision:?}, batch {batch}: {most} of {largest}");
            }
        }
    }
}

/// A convolution of few outputs and many inputs, whose sums many share.
fn deep(float: bool, kernel: usize, input: Shape, outputs: usize) -> Graph {
    let mut builder = GraphBuilder::new("deep");
    let element = if float { Element::F32 } else { Element::int8(0.05, 3) };
    let x = builder.input("x", TensorType::new(input, element)).unwrap();
    let element = if float { Element::F32 } else { Element::int8(0.01, 0) };
    let ty = TensorType::new(Shape::new(outputs, kernel, kernel, input.c), element);
    let weight = builder.param("weight", random(&ty, 2));
    let window = Window::square(kernel, 1, Padding::Same);
    let op = Conv2d { window, weight, bias: None, groups: 1, activation: None };
    let element = if float { Element::F32 } else { Element::int8(0.4, -5) };
    let y = builder.push_as("y", Op::Conv2d(op), &[x], element).unwrap();
    builder.finish(&[y]).unwrap()
}

#[test]
fn sums_that_many_share_are_right() {
    let cards = cards();
    for (float, card) in cards.iter().flat_map(|card| [(true, card), (false, card)]) {
        for (kernel, input, outputs) in [
            (1, Shape::new(1, 1, 1, 1030), 9),
            (1, Shape::new(1, 7, 7, 515), 12),
            (1, Shape::new(3, 5, 1, 130), 3),
            (3, Shape::new(1, 5, 7, 260), 10),
            (3, Shape::new(2, 9, 3, 21), 37),
        ] {
            let graph = deep(float, kernel, input, outputs);
            let inputs = [3, 4].map(|seed| [random(graph.ty(graph.inputs()[0]), seed)]);
            let verdict = judge(card, &graph, [&inputs[0], &inputs[1]]);
            assert!(matches!(verdict, Verdict::Agrees), "{kernel} {input} {outputs}: {verdict}");
        }
    }
}
