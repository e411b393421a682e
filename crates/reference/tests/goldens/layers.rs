//! Operator by operator.

use pocketvision_core::{Graph, NodeId, Op, Tensor};
use pocketvision_reference::evaluate;

use crate::shared::{Recording, network};

/// Feeds every operator of a network its recorded inputs and compares all it yields.
pub(crate) fn compare(name: &str) {
    if let Some(recording) = Recording::open(name) {
        compare_with(name, recording);
    }
}

/// The same for a recording that was made elsewhere.
pub(crate) fn compare_recorded(name: &str) {
    if let Some(recording) = Recording::made_elsewhere(name) {
        compare_with(name, recording);
    }
}

fn compare_with(name: &str, mut recording: Recording) {
    let Some(imported) = network(name) else { return };
    let graph = &imported.graph;
    let recorded = recorded_values(graph, &imported.operators, &mut recording);
    let mut compared = 0;
    let mut failures = Vec::new();
    for (index, id) in imported.operators.iter().enumerate() {
        let id = id.unwrap_or_else(|| panic!("operator {index} has no node"));
        let expected = recorded[id.index()].as_ref().expect("every operator is recorded");
        let ours = compute(graph, &recorded, id);
        let differing = differing_values(&ours, expected);
        compared += expected.shape().elements();
        if differing > 0 {
            let node = graph.node(id);
            failures.push(format!(
                "operator {index} '{}' ({}): {differing} of {} values differ",
                node.name,
                node.op.name(),
                expected.shape().elements()
            ));
        }
    }
    eprintln!("{name}: {} operators, {compared} values compared", imported.operators.len());
    assert!(failures.is_empty(), "{name}:\n{}", failures.join("\n"));
}

/// For each node, what was recorded of it: the picture and each operator's output.
fn recorded_values(
    graph: &Graph,
    operators: &[Option<NodeId>],
    recording: &mut Recording,
) -> Vec<Option<Tensor>> {
    let mut values = vec![None; graph.nodes().len()];
    let [input] = graph.inputs() else { panic!("one picture goes in") };
    let ty = graph.ty(*input);
    values[input.index()] = Some(recording.input().into_tensor(ty.shape, &ty.element));
    for (index, id) in operators.iter().enumerate() {
        let Some(id) = *id else { continue };
        let ty = graph.ty(id);
        let value = match graph.node(id).op {
            Op::DetectionPostprocess(_) => recording.detections(index),
            _ => recording.operator(index),
        };
        let value = value.into_tensor(ty.shape, &ty.element);
        // Operators that only relabel may share a node.
        let earlier = values[id.index()].replace(value.clone());
        assert!(earlier.is_none_or(|earlier| earlier == value), "two recordings of {id}");
    }
    values
}

/// Computes a node from recorded tensors. Nodes that the importer added, constants and
/// changes of signedness, were not recorded and are computed first.
fn compute(graph: &Graph, recorded: &[Option<Tensor>], id: NodeId) -> Tensor {
    let node = graph.node(id);
    assert_ne!(node.op, Op::Input, "the picture is recorded");
    let inputs: Vec<Tensor> = node
        .inputs
        .iter()
        .map(|&input| {
            recorded[input.index()].clone().unwrap_or_else(|| compute(graph, recorded, input))
        })
        .collect();
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    evaluate(graph, id, &inputs).unwrap_or_else(|error| panic!("{error}"))
}

fn differing_values(ours: &Tensor, expected: &Tensor) -> usize {
    assert_eq!(ours.ty(), expected.ty());
    ours.bytes().iter().zip(expected.bytes()).filter(|(ours, expected)| ours != expected).count()
}
