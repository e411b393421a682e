//! Float sums and products that are written over one of their operands.
//!
//! A tensor that only a sum or a product reads is not needed after it. The result takes its
//! place, so that a core is brought one line of memory where it was two, and the arena is
//! smaller. One that others have read may lie in the caches of several cores, where writing
//! takes longer than elsewhere. Integers are a quarter of the bytes; copying them to where kernels
//! read them would take longer than is saved.

use pocketvision_core::{Element, Graph, Keep, NodeId, Op};

use crate::images::ImageLayers;

/// Which nodes overwrite which of their operands.
#[derive(Debug)]
pub(crate) struct InPlace {
    operands: Vec<Option<usize>>,
}

impl InPlace {
    /// Those of a network.
    pub(crate) fn of(graph: &Graph, keep: Keep, images: Option<&ImageLayers>) -> Self {
        let consumers = graph.consumers();
        let operand = |node: NodeId| {
            let may_be = |operand: &NodeId| {
                is_like(graph, node, *operand)
                    && consumers[operand.index()] == [node]
                    && !graph.outputs().contains(operand)
                    && go_together(images, node, *operand)
            };
            graph.node(node).inputs.iter().position(may_be)
        };
        let operands = match keep {
            Keep::EveryNode => vec![None; graph.nodes().len()],
            Keep::Outputs => graph.iter().map(|(id, _)| operand(id)).collect(),
        };
        Self { operands }
    }

    /// The number of the operand that a node overwrites.
    pub(crate) fn operand(&self, node: NodeId) -> Option<usize> {
        self.operands[node.index()]
    }
}

/// Whether a node is a sum or a product that has the form of an operand, and the operand is a
/// tensor of its own.
fn is_like(graph: &Graph, node: NodeId, operand: NodeId) -> bool {
    let (node, operand) = (graph.node(node), graph.node(operand));
    matches!(node.op, Op::Add(_) | Op::Mul(_))
        && node.output.element == Element::F32
        && node.output == operand.output
        && !matches!(operand.op, Op::Input | Op::Constant(_) | Op::Reshape(_))
}

/// Whether two tensors have room for as many images.
fn go_together(images: Option<&ImageLayers>, a: NodeId, b: NodeId) -> bool {
    images.is_none_or(|images| {
        let place = |id: NodeId| (id.index() < images.end(), images.is_inner(id.index()));
        place(a) == place(b)
    })
}

#[cfg(test)]
mod tests {
    use pocketvision_core::models::{self, BuildOptions, Precision};

    use super::*;

    #[test]
    fn blocks_overwrite_what_nobody_else_reads() {
        let network = models::find("mobilenet-v3-large").unwrap();
        let graph = |precision| {
            network.build(&BuildOptions { precision, ..BuildOptions::default() }).unwrap()
        };
        let float = graph(Precision::F32);
        let in_place = InPlace::of(&float, Keep::Outputs, None);
        let consumers = float.consumers();
        for (id, node) in float.iter() {
            // Gates multiply what was averaged before.
            let is_sum = matches!(node.op, Op::Add(_));
            assert_eq!(in_place.operand(id).is_some(), is_sum, "{}", node.name);
            if let Some(operand) = in_place.operand(id) {
                assert_eq!(consumers[node.inputs[operand].index()], [id], "{}", node.name);
            }
        }
        let int8 = graph(Precision::Int8);
        for (graph, keep) in [(&float, Keep::EveryNode), (&int8, Keep::Outputs)] {
            let none = InPlace::of(graph, keep, None);
            assert!(graph.iter().all(|(id, _)| none.operand(id).is_none()));
        }
    }
}
