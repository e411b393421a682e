//! Drops what no output depends on.

use crate::{Graph, GraphError, Node, NodeId, Op, Param, ParamId};

/// Removes nodes that no output depends on, and parameters that no node names. Inputs stay:
/// they are the network's signature.
///
/// ```
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType, op, passes};
/// # let mut builder = GraphBuilder::new("tiny");
/// # let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// # let relu = Op::Activation(op::Activation { kind: op::ActivationKind::Relu });
/// # let positive = builder.push("positive", relu, &[image])?;
/// # let graph = builder.finish(&[positive])?;
///
/// let input_alone = passes::remove_unused(&graph.with_outputs(&[image])?)?;
/// assert_eq!(input_alone.nodes().len(), 1);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
///
/// # Errors
/// Never for a graph that a [`crate::GraphBuilder`] made.
pub fn remove_unused(graph: &Graph) -> Result<Graph, GraphError> {
    let mut used = vec![false; graph.nodes().len()];
    graph.outputs().iter().for_each(|id| used[id.index()] = true);
    for (id, node) in graph.iter().rev() {
        if node.op == Op::Input {
            used[id.index()] = true;
        }
        if used[id.index()] {
            node.inputs.iter().for_each(|input| used[input.index()] = true);
        }
    }

    let mut new_node: Vec<Option<NodeId>> = vec![None; graph.nodes().len()];
    let mut new_param: Vec<Option<ParamId>> = vec![None; graph.params().len()];
    let mut nodes: Vec<Node> = Vec::new();
    let mut params: Vec<Param> = Vec::new();
    for (id, node) in graph.iter().filter(|(id, _)| used[id.index()]) {
        let mut node = node.clone();
        for input in &mut node.inputs {
            *input = new_node[input.index()].expect("inputs come before the nodes that read them");
        }
        node.op.rename_params(|old| {
            *new_param[old.index()].get_or_insert_with(|| {
                params.push(graph.params()[old.index()].clone());
                ParamId(params.len() as u32 - 1)
            })
        });
        nodes.push(node);
        new_node[id.index()] = Some(NodeId(nodes.len() as u32 - 1));
    }
    let rename = |ids: &[NodeId]| ids.iter().filter_map(|id| new_node[id.index()]).collect();
    Ok(Graph {
        name: graph.name().to_owned(),
        nodes,
        params,
        inputs: rename(graph.inputs()),
        outputs: rename(graph.outputs()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Activation, ActivationKind, Constant};
    use crate::{Element, GraphBuilder, Shape, Tensor, TensorType};

    #[test]
    fn unused_nodes_and_parameters_go_and_inputs_stay() {
        let mut builder = GraphBuilder::new("test");
        let ty = TensorType::new(Shape::vector(3), Element::F32);
        let input = builder.input("x", ty.clone()).unwrap();
        builder.input("unused input", ty).unwrap();
        let numbers = |x: f32| Tensor::from_f32(Shape::vector(3), vec![x; 3]).unwrap();
        let unused = builder.param("unused", numbers(1.0));
        let used = builder.param("used", numbers(2.0));
        builder.push("dead", Op::Constant(Constant { value: unused }), &[]).unwrap();
        let constant = builder.push("c", Op::Constant(Constant { value: used }), &[]).unwrap();
        let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
        let live = builder.push("live", relu, &[input]).unwrap();
        let graph = remove_unused(&builder.finish(&[live, constant]).unwrap()).unwrap();
        let names: Vec<_> = graph.nodes().iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["x", "unused input", "c", "live"]);
        assert_eq!(graph.params().len(), 1);
        assert_eq!(graph.param(graph.nodes()[2].op.params()[0]).as_f32().unwrap(), [2.0; 3]);
    }
}
