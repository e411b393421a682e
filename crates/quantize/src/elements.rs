//! Which int8 element each node of a float network gets.

use pocketvision_core::op::{ActivationKind, PoolKind};
use pocketvision_core::{Element, Graph, NodeId, Op};

use crate::calibrate::Calibration;
use crate::range::Range;
use crate::{InputElement, QuantizeOptions, RangeMethod};

/// How the nodes of a prepared network become int8.
#[derive(Clone, Debug)]
pub(crate) struct Elements {
    /// The int8 element of each node; `None` for a sum that its activation is fused into.
    pub(crate) of_node: Vec<Option<Element>>,
    /// For each node: the sum that it is fused into, if it is a clamp that can be.
    pub(crate) fused_sum: Vec<Option<NodeId>>,
    /// For each node: the numbers between which its reader can tell a difference.
    pub(crate) domains: Vec<(f64, f64)>,
}

impl Elements {
    /// Elements from what was seen of each node.
    pub(crate) fn choose(
        graph: &Graph,
        calibration: &Calibration,
        options: &QuantizeOptions,
    ) -> Self {
        let consumers = graph.consumers();
        let mut fused_sum = vec![None; graph.nodes().len()];
        let mut domains = Vec::with_capacity(graph.nodes().len());
        let mut ranges: Vec<Range> = Vec::with_capacity(graph.nodes().len());
        for (id, node) in graph.iter() {
            let only_reader = match consumers[id.index()].as_slice() {
                [reader] if !graph.outputs().contains(&id) => Some(&graph.node(*reader).op),
                _ => None,
            };
            let domain = only_reader.map_or(EVERYTHING, domain);
            domains.push(domain);
            // The largest score is the answer: scores are never cut off.
            let is_score = graph.outputs().contains(&id)
                || only_reader.is_some_and(|reader| matches!(reader, Op::Softmax(_)));
            let method = if is_score { RangeMethod::MinMax } else { options.ranges };
            ranges.push(calibration.values[id.index()].range(method, domain));
            if let Op::Activation(activation) = &node.op
                && activation.kind.is_clamp()
                && let sum = node.inputs[0]
                && can_fuse(&graph.node(sum).op)
                && consumers[sum.index()].len() == 1
                && !graph.outputs().contains(&sum)
            {
                fused_sum[id.index()] = Some(sum);
            }
        }
        unite_concatenated(graph, &mut ranges);

        let mut of_node: Vec<Option<Element>> = Vec::with_capacity(graph.nodes().len());
        for (id, node) in graph.iter() {
            let like_input =
                || of_node[node.inputs[0].index()].clone().expect("fused sums have one reader");
            let element = match (&node.op, options.input) {
                (Op::Input, InputElement::UInt8 { scale, zero_point }) => {
                    Element::int8(scale, i32::from(zero_point) - 128)
                }
                (Op::Pad(_) | Op::Reshape(_) | Op::Resize(_), _) => like_input(),
                (Op::Pool2d(pool), _) if pool.kind != PoolKind::Mean => like_input(),
                (Op::Softmax(_), _) => UNIT,
                (Op::Activation(activation), _)
                    if matches!(
                        activation.kind,
                        ActivationKind::Sigmoid | ActivationKind::HardSigmoid
                    ) =>
                {
                    UNIT
                }
                _ => ranges[id.index()].element(),
            };
            of_node.push(Some(element));
        }
        fused_sum.iter().flatten().for_each(|sum: &NodeId| of_node[sum.index()] = None);
        Self { of_node, fused_sum, domains }
    }

    /// The int8 element of a node that has one.
    pub(crate) fn get(&self, id: NodeId) -> &Element {
        self.of_node[id.index()].as_ref().expect("only its own activation reads a fused sum")
    }
}

/// The parts of a concatenation and the whole have one range: TFLite's integer concatenation
/// only moves numbers.
fn unite_concatenated(graph: &Graph, ranges: &mut [Range]) {
    // Backwards, so that a concatenation of concatenations has one range too.
    for (id, node) in graph.iter().rev().filter(|(_, node)| matches!(node.op, Op::Concat(_))) {
        let parts = node.inputs.iter().map(|input| ranges[input.index()]);
        let whole = parts.fold(ranges[id.index()], Range::union);
        ranges[id.index()] = whole;
        node.inputs.iter().for_each(|input| ranges[input.index()] = whole);
    }
}

fn can_fuse(op: &Op) -> bool {
    matches!(
        op,
        Op::Conv2d(_)
            | Op::DepthwiseConv2d(_)
            | Op::ConvTranspose2d(_)
            | Op::Linear(_)
            | Op::Add(_)
            | Op::Mul(_)
    )
}

/// The numbers that an operator can tell apart: beyond, it yields what it yields at the end,
/// to within half an int8 step.
const fn domain(op: &Op) -> (f64, f64) {
    let Op::Activation(activation) = op else { return EVERYTHING };
    match activation.kind {
        ActivationKind::Relu => (0.0, f64::INFINITY),
        ActivationKind::Relu6 => (0.0, 6.0),
        ActivationKind::HardSwish => (-3.0, f64::INFINITY),
        ActivationKind::HardSigmoid => (-3.0, 3.0),
        ActivationKind::Sigmoid => (-SIGMOID_END, SIGMOID_END),
    }
}

const EVERYTHING: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
/// Where a sigmoid is half a step of 1/256 from 0 or 1: the logarithm of 511.
const SIGMOID_END: f64 = 6.24;
/// Numbers from 0 to 1, as TFLite has them for softmax and sigmoid.
const UNIT: Element = Element::int8(1.0 / 256.0, -128);
