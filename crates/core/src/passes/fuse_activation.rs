//! A free-standing activation becomes an attribute of the operator before it.

use super::rebuild;
use crate::{Graph, GraphError, NodeId, Op};

/// Fuses `Activation` nodes into the convolution, linear layer, sum or product they follow,
/// where that operator's result is used nowhere else.
///
/// Assumes float: an integer activation has its own scale, which fusing would lose, so
/// integer nodes stay as they are.
///
/// ```
/// use pocketvision_core::op::{Activation, ActivationKind, Add};
/// use pocketvision_core::passes::fuse_activation;
/// use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
///
/// let mut builder = GraphBuilder::new("tiny");
/// let x = builder.input("x", TensorType::new(Shape::vector(4), Element::F32))?;
/// let sum = builder.push("sum", Op::Add(Add { activation: None }), &[x, x])?;
/// let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
/// let positive = builder.push("positive", relu, &[sum])?;
/// let graph = fuse_activation(&builder.finish(&[positive])?)?;
/// let last = graph.node(graph.outputs()[0]);
/// assert_eq!(last.op, Op::Add(Add { activation: Some(ActivationKind::Relu) }));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
///
/// # Errors
/// Never for a graph that a [`crate::GraphBuilder`] made.
pub fn fuse_activation(graph: &Graph) -> Result<Graph, GraphError> {
    let consumers = graph.consumers();
    let fusable = |producer: NodeId| {
        let node = graph.node(producer);
        let alone = consumers[producer.index()].len() == 1 && !graph.outputs().contains(&producer);
        alone
            && node.output.element.is_float()
            && node.op.with_activation(None).is_some()
            && node.op.fused_activation().is_none()
    };
    rebuild(graph, |builder, id, inputs| {
        let node = graph.node(id);
        // A producer is copied unfused first and superseded here; `remove_unused` drops it.
        if let (Op::Activation(activation), [producer]) = (&node.op, node.inputs.as_slice())
            && fusable(*producer)
            && let Some(op) = graph.node(*producer).op.with_activation(Some(activation.kind))
        {
            let producer_inputs = builder.node(inputs[0]).inputs.clone();
            return builder.push_as(
                node.name.clone(),
                op,
                &producer_inputs,
                node.output.element.clone(),
            );
        }
        builder.push_as(node.name.clone(), node.op.clone(), inputs, node.output.element.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::super::optimize;
    use super::*;
    use crate::op::{Activation, ActivationKind, Add};
    use crate::{Element, GraphBuilder, Shape, TensorType};

    #[test]
    fn an_activation_moves_into_the_sum_before_it() {
        let mut builder = GraphBuilder::new("test");
        let ty = TensorType::new(Shape::new(1, 2, 2, 4), Element::F32);
        let a = builder.input("a", ty.clone()).unwrap();
        let b = builder.input("b", ty).unwrap();
        let sum = builder.push("sum", Op::Add(Add { activation: None }), &[a, b]).unwrap();
        let kind = ActivationKind::HardSwish;
        let out = builder.push("swish", Op::Activation(Activation { kind }), &[sum]).unwrap();
        let graph = optimize(&builder.finish(&[out]).unwrap()).unwrap();
        let names: Vec<_> = graph.nodes().iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "swish"]);
        assert_eq!(graph.nodes()[2].op, Op::Add(Add { activation: Some(kind) }));
    }

    #[test]
    fn a_result_that_is_used_twice_is_left_alone() {
        let mut builder = GraphBuilder::new("test");
        let ty = TensorType::new(Shape::new(1, 2, 2, 4), Element::F32);
        let a = builder.input("a", ty).unwrap();
        let sum = builder.push("sum", Op::Add(Add { activation: None }), &[a, a]).unwrap();
        let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
        let out = builder.push("relu", relu, &[sum]).unwrap();
        let graph = builder.finish(&[out, sum]).unwrap();
        assert_eq!(optimize(&graph).unwrap(), graph);
    }
}
