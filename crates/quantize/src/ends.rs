//! What a network makes of its numbers at the very end: the class of each pixel, boxes.
//!
//! These operators read integers as well as floats and yield no numbers of a range that could be
//! measured. So the network before them is quantized, and they are put behind it again.

use pocketvision_core::{Graph, GraphBuilder, GraphError, NodeId, Op, Param};

/// One output of a network.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// An output of the network before the ends, by its place.
    Value(usize),
    /// What an operator makes of such outputs.
    Result(EndOperator),
}

/// An operator behind a network.
#[derive(Clone, Debug)]
pub(crate) struct EndOperator {
    /// The node's name.
    name: String,
    /// The operator, its parameters those of the whole network.
    op: Op,
    /// Its anchors, if it has some.
    anchors: Option<Param>,
    /// What it reads, by place.
    values: Vec<usize>,
}

/// The network before its ends, and these.
///
/// # Errors
/// Never for a graph that a [`GraphBuilder`] made.
pub(crate) fn cut(graph: &Graph) -> Result<(Graph, Vec<End>), GraphError> {
    let mut outputs: Vec<NodeId> = Vec::new();
    let mut place_of = |id: NodeId| {
        outputs.iter().position(|output| *output == id).unwrap_or_else(|| {
            outputs.push(id);
            outputs.len() - 1
        })
    };
    let mut ends = Vec::with_capacity(graph.outputs().len());
    for &id in graph.outputs() {
        let node = graph.node(id);
        let anchors = match &node.op {
            Op::ArgMax(_) => None,
            Op::DetectionPostprocess(op) => Some(graph.params()[op.anchors.index()].clone()),
            _ => {
                ends.push(End::Value(place_of(id)));
                continue;
            }
        };
        let values = node.inputs.iter().map(|&input| place_of(input)).collect();
        let (name, op) = (node.name.clone(), node.op.clone());
        ends.push(End::Result(EndOperator { name, op, anchors, values }));
    }
    Ok((graph.with_outputs(&outputs)?, ends))
}

impl EndOperator {
    /// The operator behind a network of which `value` gives the outputs by their place.
    ///
    /// # Errors
    /// If the operator does not take them, which no end of a valid network should cause.
    pub(crate) fn attach(
        &self,
        builder: &mut GraphBuilder,
        value: impl Fn(usize) -> NodeId,
    ) -> Result<NodeId, GraphError> {
        let mut op = self.op.clone();
        if let (Op::DetectionPostprocess(op), Some(anchors)) = (&mut op, &self.anchors) {
            op.anchors = builder.param(&anchors.name, anchors.tensor.clone());
        }
        let inputs: Vec<NodeId> = self.values.iter().map(|&place| value(place)).collect();
        builder.push(&self.name, op, &inputs)
    }
}
