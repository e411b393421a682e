//! Every case that backends must pass and whole networks, written as ONNX and read back.

#[allow(dead_code, reason = "not every test needs all of it")]
mod round_trip;

use pocketvision_conformance::{build, cases};
use pocketvision_core::models::{self, BuildOptions, InputSize, PaddingStyle, Precision};
use pocketvision_core::{Graph, Shape, Tensor, passes};
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
                    assert!(matches!(op, "DetectionPostprocess" | "Normalize"), "{op}");
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
        matches!(&node.op, pocketvision_core::Op::Pool2d(op)
            if op.rounding == pocketvision_core::op::IntegerRounding::HalfUp)
            || matches!(&node.op, pocketvision_core::Op::Concat(op)
                if op.rescaling == pocketvision_core::op::Rescaling::Float)
    });
    let sharp = graph
        .nodes()
        .iter()
        .any(|node| matches!(&node.op, pocketvision_core::Op::Softmax(op) if op.beta != 1.0));
    let interpolated = |node: &pocketvision_core::Node| match &node.op {
        pocketvision_core::Op::Resize(op)
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
