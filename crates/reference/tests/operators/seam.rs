//! The backend and its plans as a caller sees them.

use half::f16;
use pocketvision_core::op::{Activation, ActivationKind, Conv2d};
use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, Element, Graph, GraphBuilder, Keep, Op, Outputs,
    Plan, Profile, RunError, Shape, Tensor, TensorData, TensorType,
};
use pocketvision_reference::{EvaluateError, ReferenceBackend, evaluate};

use crate::single::{counting, floats, pointwise};

/// Two layers: `y = 2x`, `z = relu(y)`.
fn two_layers() -> Graph {
    let mut builder = GraphBuilder::new("two layers");
    let x = builder.input("x", counting([1, 2, 2, 1]).ty().clone()).unwrap();
    let weight = builder.param("weight", floats([1, 1, 1, 1], &[2.0]));
    let (window, bias, groups, activation) = (pointwise(), None, 1, None);
    let conv = Op::Conv2d(Conv2d { window, weight, bias, groups, activation });
    let y = builder.push("y", conv, &[x]).unwrap();
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let z = builder.push("z", relu, &[y]).unwrap();
    builder.finish(&[z]).unwrap()
}

fn compile(graph: &Graph, keep: Keep) -> Box<dyn Plan> {
    ReferenceBackend::new().compile(graph, &CompileOptions { keep }).unwrap()
}

#[test]
fn a_plan_runs_again_and_again() {
    let mut plan = compile(&two_layers(), Keep::Outputs);
    for sign in [1.0, -1.0, 1.0] {
        let input = floats([1, 2, 2, 1], &[sign, -sign, 3.0 * sign, 0.0]);
        let outputs = plan.run(&[input]).unwrap();
        let expected = [sign, -sign, 3.0 * sign, 0.0].map(|x| (2.0 * x).max(0.0));
        assert_eq!(outputs[0].as_f32().unwrap(), expected);
    }
}

#[test]
fn every_node_is_kept_on_request() {
    let graph = two_layers();
    let input = floats([1, 2, 2, 1], &[1.0, -1.0, 2.0, -2.0]);
    let outputs = compile(&graph, Keep::EveryNode).run(std::slice::from_ref(&input)).unwrap();
    assert_eq!(outputs.len(), graph.nodes().len());
    assert_eq!(outputs[0], input);
    assert_eq!(outputs[1].as_f32().unwrap(), [2.0, -2.0, 4.0, -4.0]);
    assert_eq!(outputs[2].as_f32().unwrap(), [2.0, 0.0, 4.0, 0.0]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut plan = compile(&two_layers(), Keep::Outputs);
    assert!(matches!(plan.run(&[]), Err(RunError::InputCount { expected: 1, actual: 0 })));
    let wide = counting([1, 2, 3, 1]);
    assert!(matches!(plan.run(&[wide]), Err(RunError::InputType { .. })));
    let infinite = floats([1, 2, 2, 1], &[0.0, 0.0, f32::INFINITY, 0.0]);
    assert!(matches!(plan.run(&[infinite]), Err(RunError::NotFinite { index: 2, .. })));
    let other = compile(&two_layers(), Keep::EveryNode);
    let mut foreign = Outputs::for_signature(other.signature());
    let error = plan.run_into(&[counting([1, 2, 2, 1])], &mut foreign);
    assert_eq!(error, Err(RunError::ForeignOutputs));
}

#[test]
fn a_profile_has_a_row_for_each_layer_and_sums_to_the_total() {
    let graph = two_layers();
    let profile = compile(&graph, Keep::Outputs).profile(&[counting([1, 2, 2, 1])]).unwrap();
    let names: Vec<&str> = profile.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["y", "z", Profile::OTHER]);
    assert_eq!((profile.backend, profile.clock), ("reference", Clock::HostWall));
    assert_eq!((profile.layers[0].macs, profile.layers[1].macs), (4, 0));
    assert_eq!((profile.layers[0].bytes, profile.layers[1].bytes), (16 + 4 + 16, 16 + 16));
    let sum: f64 = profile.layers.iter().map(|layer| layer.latency_ms).sum();
    assert!((sum - profile.latency_ms).abs() <= 1e-9 * profile.latency_ms.max(1.0));
}

#[test]
fn memory_is_that_of_the_weights_and_all_activations() {
    let memory = compile(&two_layers(), Keep::Outputs).memory();
    assert_eq!((memory.weight_bytes, memory.activation_bytes), (4, 3 * 16));
}

#[test]
fn f16_is_refused_by_name() {
    let mut builder = GraphBuilder::new("half");
    let ty = TensorType::new(Shape::vector(2), Element::F16);
    let x = builder.input("x", ty.clone()).unwrap();
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let y = builder.push("y", relu, &[x]).unwrap();
    let graph = builder.finish(&[y]).unwrap();
    let result = ReferenceBackend::new().compile(&graph, &CompileOptions::default());
    let Err(CompileError::Unsupported(error)) = result else { panic!("f16 compiled") };
    assert!(error.reason.contains("f16"), "{error}");
    let zeros = Tensor::new(ty.shape, ty.element, TensorData::F16(vec![f16::ZERO; 2])).unwrap();
    assert!(matches!(evaluate(&graph, y, &[&zeros]), Err(EvaluateError::Unsupported(_))));
}

#[test]
fn a_single_node_wants_just_what_it_reads() {
    let graph = two_layers();
    let [x, y, _] = graph.iter().map(|(id, _)| id).collect::<Vec<_>>()[..] else { panic!() };
    let input = counting([1, 2, 2, 1]);
    assert_eq!(evaluate(&graph, y, &[&input]).unwrap().as_f32().unwrap(), [2.0, 4.0, 6.0, 8.0]);
    assert!(matches!(evaluate(&graph, x, &[]), Err(EvaluateError::IsInput { .. })));
    assert!(matches!(
        evaluate(&graph, y, &[&input, &input]),
        Err(EvaluateError::InputCount { expected: 1, actual: 2, .. })
    ));
    let error = evaluate(&graph, y, &[&counting([1, 1, 1, 1])]).unwrap_err();
    assert_eq!(error.to_string(), "node 'y': input 0 is 1x2x2x1 f32, got 1x1x1x1 f32");
}
