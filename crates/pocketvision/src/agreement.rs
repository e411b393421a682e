//! How far two runs of one network are apart, and at which node they part.

use pocketvision_reference::{EvaluateError, evaluate};
use thiserror::Error;

use crate::{Graph, NodeId, Op, Outputs, Tensor, TensorData};

/// How far results are from those of a yardstick.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Agreement {
    /// True if every byte is the same.
    pub identical: bool,
    /// The largest difference: of integers as they are stored, in steps; of floats as they
    /// are. Infinite if one is NaN and the other is not.
    pub max_abs_difference: f64,
    /// Number of values that differ.
    pub differing_values: usize,
    /// Number of values compared.
    pub values: usize,
}

impl Agreement {
    /// Compares two tensors. Tensors of different types differ in everything, infinitely.
    pub fn between(actual: &Tensor, expected: &Tensor) -> Self {
        let values = expected.shape().elements();
        if actual.ty() != expected.ty() {
            return Self {
                identical: false,
                max_abs_difference: f64::INFINITY,
                differing_values: values,
                values,
            };
        }
        let mut agreement = Self {
            identical: actual.bytes() == expected.bytes(),
            max_abs_difference: 0.0,
            differing_values: 0,
            values,
        };
        if !agreement.identical {
            for (a, e) in numbers(actual).into_iter().zip(numbers(expected)) {
                let difference = difference(a, e);
                agreement.differing_values += usize::from(difference > 0.0);
                agreement.max_abs_difference = agreement.max_abs_difference.max(difference);
            }
        }
        agreement
    }

    /// Compares all outputs of two runs of one network. Outputs of different networks differ
    /// in everything, infinitely.
    pub fn of_outputs(actual: &Outputs, expected: &Outputs) -> Self {
        let pairs = actual.iter().zip(expected.iter());
        let each = pairs.map(|((_, actual), (_, expected))| Self::between(actual, expected));
        let same_count = actual.len() == expected.len();
        let all = Self {
            identical: same_count,
            max_abs_difference: if same_count { 0.0 } else { f64::INFINITY },
            differing_values: 0,
            values: 0,
        };
        each.fold(all, |all, one| Self {
            identical: all.identical && one.identical,
            max_abs_difference: all.max_abs_difference.max(one.max_abs_difference),
            differing_values: all.differing_values + one.differing_values,
            values: all.values + one.values,
        })
    }
}

/// The first node of a network that a backend did not compute as it should.
#[derive(Clone, PartialEq, Debug)]
pub struct FirstDifference {
    /// The node.
    pub node: NodeId,
    /// How far its output is from what the reference makes of the same inputs.
    pub agreement: Agreement,
}

/// The first node, in graph order, whose output is not what the reference computes from the
/// inputs that the backend itself fed that node; `None` if there is none.
///
/// `nodes` is what a plan compiled with [`crate::Keep::EveryNode`] yields. Integers must be
/// identical: while every node before is, this is the first node that differs from the
/// reference's own run. Floats must be within the error that the operator's arithmetic
/// allows, which does not grow from layer to layer because each node is judged alone.
///
/// Costs about one run of the reference, two for floats.
///
/// # Errors
/// If a node was not kept, or the reference cannot compute it.
pub fn first_difference(
    graph: &Graph,
    nodes: &Outputs,
) -> Result<Option<FirstDifference>, DifferenceError> {
    let kept = |id: NodeId| nodes.get(id);
    for (id, node) in graph.iter().filter(|(_, node)| node.op != Op::Input) {
        let inputs: Option<Vec<&Tensor>> = node.inputs.iter().map(|&input| kept(input)).collect();
        let (Some(inputs), Some(actual)) = (inputs, kept(id)) else {
            return Err(DifferenceError::NotKept { node: node.name.clone() });
        };
        let expected = evaluate(graph, id, &inputs)?;
        let agreement = Agreement::between(actual, &expected);
        if !agreement.identical && !expected.element().is_float() {
            return Ok(Some(FirstDifference { node: id, agreement }));
        }
    }
    Ok(None)
}

/// A network's nodes could not be judged.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum DifferenceError {
    /// A node's output is not there.
    #[error("the output of node '{node}' was not kept: compile with Keep::EveryNode")]
    NotKept {
        /// The node's name.
        node: String,
    },
    /// The reference cannot compute a node.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}

fn difference(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        0.0
    } else if a.is_nan() || b.is_nan() {
        f64::INFINITY
    } else {
        (a - b).abs()
    }
}

/// Floats as they are, integers as stored.
fn numbers(tensor: &Tensor) -> Vec<f64> {
    match tensor.data() {
        TensorData::F32(v) => v.iter().map(|&x| x.into()).collect(),
        TensorData::F16(v) => v.iter().map(|&x| x.into()).collect(),
        TensorData::I8(v) => v.iter().map(|&x| x.into()).collect(),
        TensorData::U8(v) => v.iter().map(|&x| x.into()).collect(),
        TensorData::I32(v) => v.iter().map(|&x| x.into()).collect(),
    }
}
