//! Every case that backends must pass, written as TFLite and read back.

mod round_trip;

use pocketvision_conformance::{build, cases};
use pocketvision_core::op::Activation;
use pocketvision_core::op::ActivationKind::{HardSigmoid, Sigmoid};
use pocketvision_core::{Graph, Node, Op, Tensor};
use pocketvision_export::{ExportError, Format, Problem, to_bytes};
use pocketvision_import_tflite::import;
use round_trip::run_on;

#[test]
fn every_case_comes_back_computing_the_same() {
    for case in cases().unwrap() {
        for &elements in &case.elements {
            let built = build(&case, elements).unwrap();
            let read = match to_bytes(&built.graph, Format::Tflite) {
                Ok(bytes) => import(&bytes, built.graph.name()).unwrap(),
                Err(ExportError::Node { problem, .. })
                    if matches!(*problem, Problem::Crop { .. }) =>
                {
                    continue;
                }
                Err(error) => panic!("{}: {error}", built.graph.name()),
            };
            let inputs = built.inputs(3);
            let outputs = [&built.graph, &read].map(|graph| run_on(graph, &inputs));
            assert_eq!(outputs[0].len(), outputs[1].len());
            for (expected, actual) in outputs[0].iter().zip(&outputs[1]) {
                compare(&built.graph, expected, actual);
            }
        }
    }
}

/// Integers are identical, and so are floats where nothing was taken apart. Where something
/// was, one more rounding of numbers up to 6 lies between; of an integer sigmoid, one step.
fn compare(graph: &Graph, expected: &Tensor, actual: &Tensor) {
    let is_float = expected.element().is_float();
    let is_sigmoid = |node: &Node| matches!(node.op, Op::Activation(op) if op.kind == Sigmoid);
    let bound = |expected: f32| match actual.element().per_tensor() {
        None => 6.0 * f32::EPSILON * (1.0 + expected.abs()),
        Some((scale, _)) => 1.001 * scale,
    };
    let exact = if is_float {
        !has_other_than_clamps(graph)
    } else {
        !graph.nodes().iter().any(is_sigmoid)
    };
    assert_eq!(expected.ty(), actual.ty());
    for (expected, actual) in expected.to_f32().into_iter().zip(actual.to_f32()) {
        let bound = if exact { 0.0 } else { bound(expected) };
        assert!((expected - actual).abs() <= bound, "{}: {expected}, {actual}", graph.name());
    }
}

fn has_other_than_clamps(graph: &Graph) -> bool {
    graph.nodes().iter().any(|node| match node.op {
        Op::Activation(Activation { kind }) => kind == HardSigmoid,
        _ => node.op.fused_activation().is_some_and(|kind| !kind.is_clamp()),
    })
}
