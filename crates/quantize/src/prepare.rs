//! The float network in the form that is measured and quantized.

use pocketvision_core::op::{Activation, Padding, Pool2d, PoolKind, Window};
use pocketvision_core::passes::{rebuild, remove_unused};
use pocketvision_core::{Element, Graph, GraphError, Node, Op, Shape, TensorData};

use crate::QuantizeError;

/// The same network with every activation a node of its own, so that sums can be seen before
/// it, and whole-image averages as [`PoolKind::Mean`], which has a range of its own in int8.
///
/// # Errors
/// If the network is not f32 throughout, takes pixels, or has weights that are not finite.
pub(crate) fn prepare(graph: &Graph) -> Result<Graph, QuantizeError> {
    let graph = remove_unused(graph)?;
    if let Some(node) = graph.nodes().iter().find(|node| matches!(node.op, Op::Normalize(_))) {
        return Err(QuantizeError::PixelInput { node: node.name.clone() });
    }
    graph.iter().try_for_each(|(_, node)| check(&graph, node))?;
    Ok(unfused(&graph)?)
}

fn check(graph: &Graph, node: &Node) -> Result<(), QuantizeError> {
    if matches!(node.op, Op::ArgMax(_) | Op::DetectionPostprocess(_)) {
        return Err(QuantizeError::Operator { node: node.name.clone(), op: node.op.name() });
    }
    let types = graph.input_types(node);
    let params = node.op.params();
    let elements = types
        .iter()
        .map(|ty| &ty.element)
        .chain([&node.output.element])
        .chain(params.iter().map(|&param| graph.param(param).element()));
    for element in elements {
        match element {
            Element::F32 => {}
            Element::F16 => {
                return Err(QuantizeError::HalfPrecision { node: node.name.clone() });
            }
            integer => {
                let (node, element) = (node.name.clone(), integer.name());
                return Err(QuantizeError::AlreadyQuantized { node, element });
            }
        }
    }
    for param in params {
        let TensorData::F32(values) = graph.param(param).data() else { continue };
        if let Some(index) = values.iter().position(|x| !x.is_finite()) {
            return Err(QuantizeError::WeightNotFinite {
                node: node.name.clone(),
                param: graph.params()[param.index()].name.clone(),
                index,
            });
        }
    }
    Ok(())
}

fn unfused(graph: &Graph) -> Result<Graph, GraphError> {
    rebuild(graph, |builder, id, inputs| {
        let node = graph.node(id);
        let fused = node.op.fused_activation().zip(node.op.with_activation(None));
        match (&node.op, fused) {
            (_, Some((kind, op))) => {
                let sum = builder.push(format!("{}/sum", node.name), op, inputs)?;
                builder.push(&node.name, Op::Activation(Activation { kind }), &[sum])
            }
            (Op::Pool2d(pool), _) => {
                let pool = as_mean(pool, graph.ty(node.inputs[0]).shape).unwrap_or(*pool);
                builder.push(&node.name, Op::Pool2d(pool), inputs)
            }
            (op, _) => builder.push(&node.name, op.clone(), inputs),
        }
    })
}

/// An average whose only window is the whole image, as a mean.
fn as_mean(pool: &Pool2d, input: Shape) -> Option<Pool2d> {
    let Window { kernel_h, kernel_w, dilation_h, dilation_w, .. } = pool.window;
    let border = pool.window.resolve(input);
    let whole = pool.kind == PoolKind::Average
        && (kernel_h, kernel_w) == (input.h, input.w)
        && (dilation_h, dilation_w) == (1, 1)
        && border.top + border.bottom + border.left + border.right == 0;
    let window = Window { kernel_h, kernel_w, ..Window::square(1, 1, Padding::Valid) };
    whole.then_some(Pool2d { kind: PoolKind::Mean, window, ..*pool })
}
