//! One node on its own.

use pocketvision_core::{Graph, NodeId, Op, Tensor, TensorType, Unsupported};
use thiserror::Error;

use crate::backend::check_supported;
use crate::op;

/// Computes one node of a graph from the tensors it reads, given in the node's order.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::op::{Activation, ActivationKind};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// use pocketvision_reference::evaluate;
///
/// # let mut builder = GraphBuilder::new("positive");
/// # let x = builder.input("x", TensorType::new(Shape::vector(3), Element::F32))?;
/// let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
/// let y = builder.push("y", relu, &[x])?;
/// let graph = builder.finish(&[y])?;
/// let input = Tensor::from_f32(Shape::vector(3), vec![-1.0, 0.5, 2.0])?;
/// let result = evaluate(&graph, y, &[&input])?;
/// assert_eq!(result.to_f32(), [0.0, 0.5, 2.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the node is a graph's input, is unsupported, or reads other tensors than those given.
///
/// # Panics
/// If the id is of another, longer graph.
pub fn evaluate(graph: &Graph, id: NodeId, inputs: &[&Tensor]) -> Result<Tensor, EvaluateError> {
    let mut output = Tensor::zeros(graph.ty(id));
    evaluate_into(graph, id, inputs, &mut output)?;
    Ok(output)
}

/// As [`evaluate`], into a tensor of the node's output type that the caller owns.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::op::{Activation, ActivationKind};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// use pocketvision_reference::evaluate_into;
///
/// # let mut builder = GraphBuilder::new("positive");
/// # let x = builder.input("x", TensorType::new(Shape::vector(3), Element::F32))?;
/// let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
/// let y = builder.push("y", relu, &[x])?;
/// let graph = builder.finish(&[y])?;
/// let input = Tensor::from_f32(Shape::vector(3), vec![-1.0, 0.5, 2.0])?;
/// let mut result = Tensor::zeros(graph.ty(y));
/// evaluate_into(&graph, y, &[&input], &mut result)?;
/// assert_eq!(result.to_f32(), [0.0, 0.5, 2.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`evaluate`], and if the output is of another type.
///
/// # Panics
/// If the id is of another, longer graph.
pub fn evaluate_into(
    graph: &Graph,
    id: NodeId,
    inputs: &[&Tensor],
    output: &mut Tensor,
) -> Result<(), EvaluateError> {
    let node = graph.node(id);
    let name = || node.name.clone();
    check_supported(graph, node)?;
    if node.op == Op::Input {
        return Err(EvaluateError::IsInput { node: name() });
    }
    if inputs.len() != node.inputs.len() {
        let (expected, actual) = (node.inputs.len(), inputs.len());
        return Err(EvaluateError::InputCount { node: name(), expected, actual });
    }
    let read = inputs.iter().zip(&node.inputs).map(|(tensor, &from)| (tensor.ty(), graph.ty(from)));
    for (index, (actual, expected)) in read.enumerate() {
        if actual != expected {
            let what = format!("input {index}");
            return Err(EvaluateError::wrong_type(name(), what, expected, actual));
        }
    }
    if *output.ty() != node.output {
        let (what, actual) = ("the output".to_owned(), output.ty());
        return Err(EvaluateError::wrong_type(name(), what, &node.output, actual));
    }
    op::run(graph, node, inputs, output);
    Ok(())
}

/// A single node could not be computed.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::op::{Activation, ActivationKind};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// use pocketvision_reference::{EvaluateError, evaluate};
///
/// # let mut builder = GraphBuilder::new("positive");
/// # let x = builder.input("x", TensorType::new(Shape::vector(3), Element::F32))?;
/// let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
/// let y = builder.push("y", relu, &[x])?;
/// let graph = builder.finish(&[y])?;
/// let input = Tensor::from_f32(Shape::vector(3), vec![-1.0, 0.5, 2.0])?;
/// let error = evaluate(&graph, y, &[&input, &input]).unwrap_err();
/// assert!(matches!(error, EvaluateError::InputCount { expected: 1, actual: 2, .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
pub enum EvaluateError {
    /// The reference cannot run the node.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The node is fed by the caller; there is nothing to compute.
    #[error("node '{node}' is an input of the graph: it is fed, not computed")]
    IsInput {
        /// The node's name.
        node: String,
    },
    /// Too many or too few inputs.
    #[error("node '{node}' reads {expected} tensors, got {actual}")]
    InputCount {
        /// The node's name.
        node: String,
        /// Tensors that the node reads.
        expected: usize,
        /// Tensors given.
        actual: usize,
    },
    /// A tensor of another shape or element.
    #[error("node '{node}': {what} is {expected}, got {actual}")]
    Type {
        /// The node's name.
        node: String,
        /// Which tensor.
        what: String,
        /// Its type in the graph.
        expected: Box<TensorType>,
        /// The type given.
        actual: Box<TensorType>,
    },
}

impl EvaluateError {
    fn wrong_type(node: String, what: String, expected: &TensorType, actual: &TensorType) -> Self {
        let (expected, actual) = (Box::new(expected.clone()), Box::new(actual.clone()));
        Self::Type { node, what, expected, actual }
    }
}
