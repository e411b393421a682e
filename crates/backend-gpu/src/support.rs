//! Which nodes run here.

use pocketvision_core::{Element, Graph, Node, Op, Unsupported};

use crate::BACKEND_NAME;

/// Whether every node can be lowered.
pub(crate) fn check(graph: &Graph) -> Result<(), Unsupported> {
    graph.nodes().iter().try_for_each(|node| supports(graph, node))
}

/// Whether a node can be lowered.
pub(crate) fn supports(graph: &Graph, node: &Node) -> Result<(), Unsupported> {
    match refusal(graph, node) {
        None => Ok(()),
        Some(reason) => {
            let (backend, node, op) = (BACKEND_NAME, node.name.clone(), node.op.name());
            Err(Unsupported { backend, node, op, reason })
        }
    }
}

fn refusal(graph: &Graph, node: &Node) -> Option<String> {
    if let Op::DetectionPostprocess(_) = node.op {
        let reads = |reader: &Node| {
            reader.inputs.iter().any(|&input| std::ptr::eq(graph.node(input), node))
        };
        let is_read = graph.nodes().iter().any(reads);
        return is_read.then(|| "detections that another node reads; the host has them".into());
    }
    let types = graph.input_types(node).into_iter().chain([&node.output]);
    for ty in types {
        let runs = match ty.element {
            Element::F32 | Element::Int8(_) | Element::UInt8(_) => true,
            Element::F16 | Element::Int32(_) => false,
        };
        if !runs {
            let name = ty.element.name();
            return Some(format!("{name} tensors are not supported; f32, int8 and uint8 are"));
        }
    }
    match &node.op {
        Op::Softmax(_) if !node.output.element.is_float() => {
            let channels = node.output.shape.c;
            (channels > MOST_INT8_SCORES).then(|| {
                format!("an int8 softmax over {channels} scores, more than {MOST_INT8_SCORES}")
            })
        }
        _ => None,
    }
}

/// The sum of exponentials has 12 integer bits.
const MOST_INT8_SCORES: usize = 1 << 12;
