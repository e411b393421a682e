//! Every case that backends must pass and whole networks, written as ONNX and read back.

#[allow(dead_code, reason = "not every test needs all of it")]
mod round_trip;

use pocketvision_conformance::{build, cases};
use pocketvision_core::models::{self, BuildOptions, InputSize, PaddingStyle, Precision};
use pocketvision_core::op::{Add, Dequantize, Normalize, Quantize};
use pocketvision_core::passes::take_pixels;
use pocketvision_core::{
    Element, Graph, GraphBuilder, Node, Op, Shape, Tensor, TensorType, passes,
};
use pocketvision_export::{ExportError, Format, Problem, to_bytes};
use pocketvision_import_onnx::{ImportOptions, import};
use round_trip::{run, run_on};

fn reimport(bytes: &[u8], name: &str) -> Graph {
    import(bytes, name, &ImportOptions::default()).unwrap()
}

#[test]
fn every_case_comes_back_computing_the_same() {
    let (mut written, mut refused) = (0, 0);
    for case in cases().unwrap() {
        for &elements in &case.elements {
            let built = build(&case, elements).unwrap();
            let bytes = match to_bytes(&built.graph, Format::Onnx) {
                Ok(bytes) => bytes,
                Err(ExportError::Node { problem, op, .. })
                    if matches!(*problem, Problem::NotWritten { .. }) =>
                {
                    assert_eq!(op, "DetectionPostprocess");
                    continue;
                }
                Err(ExportError::Node { .. }) => {
                    refused += 1;
                    continue;
                }
                Err(error) => panic!("{}: {error}", built.graph.name()),
            };
            let read = reimport(&bytes, built.graph.name());
            let inputs = built.inputs(3);
            // The fusing pass joins again what ONNX has apart.
            let optimized = [&built.graph, &read].map(|graph| passes::optimize(graph).unwrap());
            let outputs = optimized.map(|graph| run_on(&graph, &inputs));
            assert_eq!(outputs[0].len(), outputs[1].len());
            for (expected, actual) in outputs[0].iter().zip(&outputs[1]) {
                compare(&built.graph, expected, actual);
            }
            written += 1;
        }
    }
    // Pools whose taps lie apart, and transposed convolutions of integers.
    assert!(refused * 20 < written, "{refused} refused, {written} written");
}

/// All is identical, but for averages of uint8 networks that lie halfway between two integers, and
/// their concatenations of other scales: ONNX cannot say that those are rounded up, and these in
/// floats. Nor that pixels are interpolated in floats: they come back in fixed point, where each
/// side is half a unit of 1/1024 off a pixel, and the place itself one. A softmax that is sharper
/// than usual is a product more.
fn compare(graph: &Graph, expected: &Tensor, actual: &Tensor) {
    assert_eq!(expected.ty(), actual.ty(), "{}", graph.name());
    let rounds_up = graph.nodes().iter().any(|node| {
        matches!(&node.op, Op::Pool2d(op)
            if op.rounding == pocketvision_core::op::IntegerRounding::HalfUp)
            || matches!(&node.op, Op::Concat(op)
                if op.rescaling == pocketvision_core::op::Rescaling::Float)
    });
    let sharp =
        graph.nodes().iter().any(|node| matches!(&node.op, Op::Softmax(op) if op.beta != 1.0));
    let interpolated = |node: &Node| match &node.op {
        Op::Resize(op)
            if op.interpolation == pocketvision_core::op::IntegerInterpolation::Float =>
        {
            Some((op.height + op.width) as f32 / 2.0 + 2.0)
        }
        _ => None,
    };
    let off = graph.nodes().iter().find_map(interpolated);
    let bound = match (actual.element().per_tensor(), off) {
        (Some((scale, _)), Some(off)) => (255.0 * off / 1024.0 + 1.001) * scale,
        (quantization, _) => bound(quantization, rounds_up, sharp),
    };
    for (expected, actual) in expected.to_f32().into_iter().zip(actual.to_f32()) {
        let distance = (expected - actual).abs();
        assert!(distance <= bound, "{}: {expected}, {actual}", graph.name());
    }
}

fn bound(quantization: Option<(f32, i32)>, rounds_up: bool, sharp: bool) -> f32 {
    match quantization {
        Some((scale, _)) if rounds_up => 1.001 * scale,
        None if sharp => 10.0 * f32::EPSILON,
        _ => 0.0,
    }
}

#[test]
fn networks_come_back_as_the_same_graph() {
    let names = [
        "mobilenet-v1-0.25",
        "mobilenet-v2-0.35",
        "mobilenet-v3-small",
        "mobilenet-edgetpu-0.5",
        "mobilenet-edgetpu-v2-tiny",
        "mnasnet-a1",
        "efficientnet-lite0",
        "lraspp-mobilenet-v3-small",
        "deeplab-mobilenet-edgetpu-slim",
    ];
    for name in names {
        for precision in [Precision::F32, Precision::Int8] {
            for padding in [PaddingStyle::Same, PaddingStyle::Symmetric] {
                let definition = models::find(name).unwrap();
                let own = definition.options();
                let options = BuildOptions {
                    input_size: InputSize::square(64),
                    classes: 10,
                    precision,
                    padding,
                    ..own
                };
                let graph = passes::optimize(&definition.build(&options).unwrap()).unwrap();
                let bytes = to_bytes(&graph, Format::Onnx).unwrap();
                let read = passes::optimize(&reimport(&bytes, graph.name())).unwrap();
                let layers = |graph: &Graph| -> Vec<_> {
                    graph.nodes().iter().map(|n| (n.op.name(), n.output.clone())).collect()
                };
                assert_eq!(layers(&graph), layers(&read), "{name} {precision:?}");
                assert_eq!(run(&graph), run(&read), "{name} {precision:?}");
            }
        }
    }
}

/// In an order of their own, so that the file must say which is which.
const PIXELS: Normalize =
    Normalize { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };

#[test]
fn a_network_that_takes_pixels_comes_back_as_it_was() {
    let definition = models::find("mobilenet-v2-0.35").unwrap();
    let options = BuildOptions {
        input_size: InputSize::square(32),
        classes: 7,
        precision: Precision::F32,
        ..definition.options()
    };
    let graph = take_pixels(&definition.build(&options).unwrap(), PIXELS).unwrap();
    let graph = passes::optimize(&graph).unwrap();
    let bytes = to_bytes(&graph, Format::Onnx).unwrap();
    let read = passes::optimize(&reimport(&bytes, graph.name())).unwrap();
    let layers = |graph: &Graph| -> Vec<_> {
        graph.nodes().iter().map(|n| (n.op.name(), n.output.clone())).collect()
    };
    assert_eq!(layers(&graph), layers(&read));
    assert_eq!(read.nodes()[1].op, Op::Normalize(PIXELS));
    assert_eq!(run(&graph), run(&read));
}

/// Bytes that are also integers of a scale: the normalization is taken apart.
#[test]
fn pixels_may_be_read_as_integers_too() {
    let mut builder = GraphBuilder::new("both");
    let photo = TensorType::new(Shape::new(1, 4, 4, 3), Normalize::PIXELS);
    let photo = builder.input("photo", photo).unwrap();
    let reals = builder.push("reals", Op::Normalize(PIXELS), &[photo]).unwrap();
    let int8 = Element::int8(2.0, -100);
    let int8 = builder.push_as("int8", Op::Quantize(Quantize), &[photo], int8).unwrap();
    let steps = builder.push("steps", Op::Dequantize(Dequantize), &[int8]).unwrap();
    let sum = builder.push("sum", Op::Add(Add { activation: None }), &[reals, steps]).unwrap();
    let graph = builder.finish(&[sum, reals]).unwrap();
    let read = reimport(&to_bytes(&graph, Format::Onnx).unwrap(), "both");
    for (expected, actual) in run(&graph).iter().zip(run(&read)) {
        for (expected, actual) in expected.to_f32().into_iter().zip(actual.to_f32()) {
            let bound = 2.0 * f32::EPSILON * expected.abs().max(3.0);
            assert!((expected - actual).abs() <= bound, "{expected}, {actual}");
        }
    }
}

#[test]
fn several_images_and_maps_keep_their_shape() {
    let definition = models::find("mobilenet-v2-0.35").unwrap();
    let options = BuildOptions {
        input_size: InputSize::square(32),
        classes: 7,
        batch: 3,
        precision: Precision::F32,
        ..definition.options()
    };
    let graph = definition.build(&options).unwrap();
    let read = reimport(&to_bytes(&graph, Format::Onnx).unwrap(), "batch");
    assert_eq!(read.ty(read.outputs()[0]).shape, Shape::new(3, 1, 1, 7));
    assert_eq!(run(&graph), run(&read));
}
