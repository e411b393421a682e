//! A hard sigmoid that is spelt out becomes the activation that it is.

use super::rebuild;
use crate::op::ActivationKind;
use crate::{Graph, GraphError, Node, NodeId, Op, ParamId, Tensor};

/// Makes `relu6(x + 3) * (1 / 6)`, as PyTorch's converters write it with the 3 in the bias of the
/// convolution before, that convolution with [`ActivationKind::HardSigmoid`]: squeeze-and-excitation
/// is only known by its gates. The bias is less by 3 then; results differ by a rounding.
///
/// Floats only, and only where the clamped numbers are used nowhere else.
///
/// ```
/// use pocketvision_core::op::{ActivationKind, Constant, Linear, Mul};
/// use pocketvision_core::passes::gather_hard_sigmoid;
/// use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
///
/// let mut builder = GraphBuilder::new("tiny");
/// let x = builder.input("x", TensorType::new(Shape::vector(1), Element::F32))?;
/// let weight = builder.param("weight", Tensor::from_f32(Shape::vector(1), vec![2.0])?);
/// let bias = Some(builder.param("bias", Tensor::from_f32(Shape::vector(1), vec![4.0])?));
/// let linear = Linear { weight, bias, activation: Some(ActivationKind::Relu6) };
/// let clamped = builder.push("clamped", Op::Linear(linear), &[x])?;
/// let value = builder.param("sixth", Tensor::from_f32(Shape::vector(1), vec![1.0 / 6.0])?);
/// let sixth = builder.push("sixth", Op::Constant(Constant { value }), &[])?;
/// let gate = builder.push("gate", Op::Mul(Mul { activation: None }), &[clamped, sixth])?;
///
/// let graph = gather_hard_sigmoid(&builder.finish(&[gate])?)?;
/// let Op::Linear(linear) = &graph.node(graph.outputs()[0]).op else { panic!("a linear layer") };
/// assert_eq!(linear.activation, Some(ActivationKind::HardSigmoid));
/// assert_eq!(linear.bias.map(|bias| graph.param(bias).to_f32()), Some(vec![1.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Never for a graph that a [`crate::GraphBuilder`] made.
pub fn gather_hard_sigmoid(graph: &Graph) -> Result<Graph, GraphError> {
    let consumers = graph.consumers();
    // The place among the inputs of what a product divides by six, if nothing else reads it.
    let clamped = |node: &Node| -> Option<usize> {
        let (Op::Mul(mul), &[a, b]) = (&node.op, node.inputs.as_slice()) else { return None };
        let (place, clamped, other) = if is_sixth(graph, b) { (0, a, b) } else { (1, b, a) };
        let producer = graph.node(clamped);
        let is_gate = mul.activation.is_none()
            && is_sixth(graph, other)
            && consumers[clamped.index()].len() == 1
            && !graph.outputs().contains(&clamped)
            && producer.output == node.output
            && producer.output.element.is_float()
            && producer.op.fused_activation() == Some(ActivationKind::Relu6);
        is_gate.then_some(place)
    };
    rebuild(graph, |builder, id, inputs| {
        let node = graph.node(id);
        let (name, element) = (node.name.clone(), node.output.element.clone());
        if let Some(place) = clamped(node)
            && let producer = graph.node(node.inputs[place])
            && let Some(mut op) = producer.op.with_activation(Some(ActivationKind::HardSigmoid))
            && let Some(Some(bias)) = bias(&mut op)
            && let Some(numbers) = graph.param(*bias).as_f32()
        {
            let old = &graph.params()[bias.index()];
            let numbers = numbers.iter().map(|x| x - 3.0).collect();
            let less = Tensor::from_f32(old.tensor.shape(), numbers)
                .map_err(|source| GraphError::Tensor { name: old.name.clone(), source })?;
            *bias = builder.param(format!("{} - 3", old.name), less);
            // The layer was copied as it is, and `remove_unused` drops it.
            let producer_inputs = builder.node(inputs[place]).inputs.clone();
            return builder.push_as(name, op, &producer_inputs, element);
        }
        builder.push_as(name, node.op.clone(), inputs, element)
    })
}

/// Whether a node is the one number 1/6, as near as floats are.
fn is_sixth(graph: &Graph, id: NodeId) -> bool {
    let Op::Constant(constant) = &graph.node(id).op else { return false };
    let value = graph.param(constant.value);
    matches!(value.as_f32(), Some(&[x]) if (x * 6.0 - 1.0).abs() <= 2.0 * f32::EPSILON)
}

/// Where a layer with weights names its bias.
const fn bias(op: &mut Op) -> Option<&mut Option<ParamId>> {
    match op {
        Op::Conv2d(op) => Some(&mut op.bias),
        Op::DepthwiseConv2d(op) => Some(&mut op.bias),
        Op::Linear(op) => Some(&mut op.bias),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Constant, Conv2d, Mul, Padding, Window};
    use crate::{Element, GraphBuilder, Shape, TensorType};

    /// A convolution with Relu6 and a product by a number, in either order.
    fn network(number: f32, is_first: bool, is_read_twice: bool) -> Graph {
        let mut builder = GraphBuilder::new("test");
        let image = TensorType::new(Shape::new(1, 1, 1, 2), Element::F32);
        let x = builder.input("x", image).unwrap();
        let numbers = |shape, numbers: &[f32]| Tensor::from_f32(shape, numbers.to_vec()).unwrap();
        let weight = builder.param("w", numbers(Shape::new(1, 1, 1, 2), &[1.0, 2.0]));
        let bias = Some(builder.param("b", numbers(Shape::vector(1), &[3.5])));
        let activation = Some(ActivationKind::Relu6);
        let window = Window::square(1, 1, Padding::Valid);
        let conv = Op::Conv2d(Conv2d { window, weight, bias, groups: 1, activation });
        let clamped = builder.push("clamped", conv, &[x]).unwrap();
        let value = builder.param("number", numbers(Shape::vector(1), &[number]));
        let number = builder.push("number", Op::Constant(Constant { value }), &[]).unwrap();
        let inputs = if is_first { [number, clamped] } else { [clamped, number] };
        let gate = builder.push("gate", Op::Mul(Mul { activation: None }), &inputs).unwrap();
        let outputs = if is_read_twice { vec![gate, clamped] } else { vec![gate] };
        builder.finish(&outputs).unwrap()
    }

    #[test]
    fn a_sixth_of_what_is_clamped_is_a_hard_sigmoid() {
        for is_first in [false, true] {
            let graph = gather_hard_sigmoid(&network(1.0 / 6.0, is_first, false)).unwrap();
            let gate = graph.node(graph.outputs()[0]);
            let Op::Conv2d(conv) = &gate.op else { panic!("{:?}", gate.op) };
            assert_eq!(conv.activation, Some(ActivationKind::HardSigmoid));
            assert_eq!(graph.param(conv.bias.unwrap()).as_f32(), Some(&[0.5f32][..]));
            assert_eq!((gate.name.as_str(), gate.inputs.as_slice()), ("gate", graph.inputs()));
        }
    }

    #[test]
    fn other_factors_and_what_others_read_stay() {
        for graph in [network(0.2, false, false), network(1.0 / 6.0, false, true)] {
            assert_eq!(gather_hard_sigmoid(&graph).unwrap(), graph);
        }
    }
}
