//! Portable rewrites: each takes a graph and makes a new one that computes the same;
//! [`take_pixels`] alone changes what it is fed.
//!
//! All backends are handed the same optimised graph, so comparing them compares like with
//! like. What is only good for one kind of hardware (fusing into a kernel's epilogue,
//! packing, tiling) happens inside that backend's `compile`. [`rebuild`] is what passes are made
//! of, for your own too.

mod fold_pad;
mod fuse_activation;
mod gather_hard_sigmoid;
mod remove_unused;
mod take_pixels;

pub use fold_pad::fold_pad;
pub use fuse_activation::fuse_activation;
pub use gather_hard_sigmoid::gather_hard_sigmoid;
pub use remove_unused::remove_unused;
pub use take_pixels::{PixelInputError, take_pixels};

use crate::{Graph, GraphBuilder, GraphError, Node, NodeId, Op};

/// Every pass that leaves a network's inputs as they are, in order.
///
/// ```
/// use pocketvision_core::op::{Activation, ActivationKind, Add};
/// use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, passes};
///
/// let mut builder = GraphBuilder::new("tiny");
/// let x = builder.input("x", TensorType::new(Shape::vector(4), Element::F32))?;
/// let sum = builder.push("sum", Op::Add(Add { activation: None }), &[x, x])?;
/// let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
/// let positive = builder.push("positive", relu, &[sum])?;
/// let graph = passes::optimize(&builder.finish(&[positive])?)?;
/// // The activation is part of the sum.
/// assert_eq!(graph.nodes().len(), 2);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
///
/// # Errors
/// Never for a graph that a [`GraphBuilder`] made; a failure is a bug of a pass.
pub fn optimize(graph: &Graph) -> Result<Graph, GraphError> {
    remove_unused(&gather_hard_sigmoid(&fuse_activation(&fold_pad(graph)?)?)?)
}

/// Copies a graph node by node: `rewrite` may push something else in a node's place, or
/// nothing. It gets the node's old id and its inputs' new ids, and returns the id that stands
/// for the node from then on. Inputs and constant tensors are copied as they are, and the tensors
/// keep their ids.
///
/// ```
/// use pocketvision_core::op::{Activation, ActivationKind};
/// use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, passes};
///
/// let mut builder = GraphBuilder::new("tiny");
/// let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
/// let positive = builder.push("positive", relu, &[image])?;
/// let graph = builder.finish(&[positive])?;
///
/// let relu6 = Op::Activation(Activation { kind: ActivationKind::Relu6 });
/// let clamped = passes::rebuild(&graph, |builder, id, inputs| {
///     builder.push(&graph.node(id).name, relu6.clone(), inputs)
/// })?;
/// assert_eq!(clamped.node(positive).op, relu6);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
///
/// # Errors
/// If `rewrite` fails, or pushes what the nodes after it cannot read.
pub fn rebuild(
    graph: &Graph,
    rewrite: impl FnMut(&mut GraphBuilder, NodeId, &[NodeId]) -> Result<NodeId, GraphError>,
) -> Result<Graph, GraphError> {
    let same = |builder: &mut GraphBuilder, input: &Node| {
        builder.input(input.name.clone(), input.output.clone())
    };
    rebuild_from(graph, same, rewrite)
}

/// As [`rebuild`], with inputs that `input` pushes.
fn rebuild_from(
    graph: &Graph,
    mut input: impl FnMut(&mut GraphBuilder, &Node) -> Result<NodeId, GraphError>,
    mut rewrite: impl FnMut(&mut GraphBuilder, NodeId, &[NodeId]) -> Result<NodeId, GraphError>,
) -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::with_params_of(graph, graph.name());
    let mut renamed: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
    for (id, node) in graph.iter() {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|i| renamed[i.index()]).collect();
        let new = match node.op {
            Op::Input => input(&mut builder, node)?,
            _ => rewrite(&mut builder, id, &inputs)?,
        };
        renamed.push(new);
    }
    let outputs: Vec<NodeId> = graph.outputs().iter().map(|o| renamed[o.index()]).collect();
    builder.finish(&outputs)
}
