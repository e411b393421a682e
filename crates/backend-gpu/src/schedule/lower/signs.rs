//! Conversions between uint8 and int8 that take nothing from a number but 128.
//!
//! Networks that were uint8 begin and end in one. In bytes it is a flip of the highest bit, so
//! it costs a dispatch or, while the tensor is copied to or from the device anyhow, nothing.

use std::collections::HashSet;

use pocketvision_core::quant::requantize_table;
use pocketvision_core::{Element, Graph, NodeId, Op};

/// Nodes that the flip concerns.
#[derive(Default)]
pub(super) struct Signs {
    /// Inputs that are flipped on their way in.
    pub(super) inputs: HashSet<NodeId>,
    /// Outputs that are flipped on their way out.
    pub(super) outputs: HashSet<NodeId>,
    /// Conversions whose output is found where their input is.
    pub(super) free: HashSet<NodeId>,
}

pub(super) fn find(graph: &Graph) -> Signs {
    let mut signs = Signs::default();
    let consumers = graph.consumers();
    for (id, node) in graph.iter() {
        if !matches!(node.op, Op::Quantize(_)) {
            continue;
        }
        let input = node.inputs[0];
        if !is_flip(&graph.ty(input).element, &node.output.element) {
            continue;
        }
        let feeds_it_alone = matches!(graph.node(input).op, Op::Input)
            && consumers[input.index()].len() == 1
            && !graph.outputs().contains(&input);
        let ends_here = consumers[id.index()].is_empty() && graph.outputs().contains(&id);
        if feeds_it_alone && !graph.outputs().contains(&id) {
            signs.inputs.insert(input);
            signs.free.insert(id);
        } else if ends_here && !matches!(graph.node(input).op, Op::Input | Op::Constant(_)) {
            signs.outputs.insert(id);
            signs.free.insert(id);
        }
    }
    signs
}

fn is_flip(from: &Element, to: &Element) -> bool {
    let is_byte = |element: &Element| matches!(element, Element::Int8(_) | Element::UInt8(_));
    let differ = matches!(from, Element::Int8(_)) != matches!(to, Element::Int8(_));
    is_byte(from)
        && is_byte(to)
        && differ
        && requantize_table(from, to).iter().enumerate().all(|(i, &byte)| byte == i as u8 ^ 0x80)
}
