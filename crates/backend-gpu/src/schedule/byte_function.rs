//! Functions of one byte: int8 operators whose outputs each depend on one input of the same
//! position, and on nothing else. A chain of them is one table of 256 bytes.

use pocketvision_core::quant::{
    QuantizedAdd, QuantizedMul, activation_table, requantize_table, table_by_byte,
};
use pocketvision_core::{Element, Graph, NodeId, Op};

/// A node that is a function of one byte.
pub(super) struct ByteFunction {
    /// What it is a function of.
    pub(super) input: NodeId,
    /// The output's byte for each byte of the input, both as stored.
    pub(super) table: [u8; 256],
}

impl ByteFunction {
    /// A node as such a function, if it is one: an activation, a change of scale, or a sum or
    /// product with a constant number. Conversions from and to uint8 are left to where tensors enter
    /// and leave the device.
    pub(super) fn of(graph: &Graph, id: NodeId) -> Option<Self> {
        let node = graph.node(id);
        let output = &node.output.element;
        let element = |input: NodeId| &graph.ty(input).element;
        match &node.op {
            Op::Activation(op) if is_int8(output) => {
                let input = node.inputs[0];
                let table = activation_table(op.kind, element(input), output);
                Some(Self { input, table: table_by_byte(&table) })
            }
            Op::Quantize(_) if [output, element(node.inputs[0])].iter().all(|e| is_int8(e)) => {
                let input = node.inputs[0];
                Some(Self { input, table: requantize_table(element(input), output) })
            }
            Op::Add(op) if is_int8(output) => {
                let [a, b] = [0, 1].map(|i| element(node.inputs[i]));
                let add = QuantizedAdd::new(a, b, output, op.activation);
                Self::with_constant(graph, id, |a, b| add.apply(a, b))
            }
            Op::Mul(op) if is_int8(output) => {
                let [a, b] = [0, 1].map(|i| element(node.inputs[i]));
                let mul = QuantizedMul::new(a, b, output, op.activation);
                Self::with_constant(graph, id, |a, b| mul.apply(a, b))
            }
            _ => None,
        }
    }

    /// A function of two operands, of which one is a constant number.
    fn with_constant(graph: &Graph, id: NodeId, apply: impl Fn(i8, i8) -> i8) -> Option<Self> {
        let [a, b] = graph.node(id).inputs[..] else { return None };
        let of_byte = |apply: &dyn Fn(i8) -> i8| {
            std::array::from_fn(|byte| apply((byte as u8).cast_signed()).cast_unsigned())
        };
        if let Some(b) = number(graph, b) {
            return Some(Self { input: a, table: of_byte(&|a| apply(a, b)) });
        }
        let a = number(graph, a)?;
        Some(Self { input: b, table: of_byte(&|b| apply(a, b)) })
    }
}

const fn is_int8(element: &Element) -> bool {
    matches!(element, Element::Int8(_))
}

/// The only element of a constant tensor of int8.
fn number(graph: &Graph, id: NodeId) -> Option<i8> {
    let Op::Constant(op) = &graph.node(id).op else { return None };
    match graph.param(op.value).as_i8()? {
        [number] => Some(*number),
        _ => None,
    }
}

/// The table of functions one after the other; without any, that of bytes that stay what they are.
pub(super) fn table(graph: &Graph, functions: &[NodeId]) -> [u8; 256] {
    functions.iter().fold(std::array::from_fn(|byte| byte as u8), |table: [u8; 256], &id| {
        let function = ByteFunction::of(graph, id).expect("a function of one byte");
        table.map(|byte| function.table[usize::from(byte)])
    })
}

#[cfg(test)]
mod tests {
    use pocketvision_core::op::{Activation, ActivationKind, Add, Constant, Mul};
    use pocketvision_core::{GraphBuilder, Shape, Tensor, TensorData, TensorType};

    use super::*;

    #[test]
    fn a_hard_sigmoid_in_three_operators_is_one_table() {
        let mut builder = GraphBuilder::new("gate");
        let element = Element::int8(0.05, 3);
        let x = builder.input("x", TensorType::new(Shape::vector(5), element.clone())).unwrap();
        let constant = |builder: &mut GraphBuilder, name: &str, element: &Element, number: i8| {
            let data = TensorData::I8(vec![number]);
            let value = Tensor::new(Shape::vector(1), element.clone(), data).unwrap();
            let value = builder.param(name, value);
            builder.push(name, Op::Constant(Constant { value }), &[]).unwrap()
        };
        let three = Element::int8(3.0 / 127.0, 0);
        let sixth = Element::int8(1.0 / 6.0 / 127.0, 0);
        let three_node = constant(&mut builder, "three", &three, 127);
        let sixth_node = constant(&mut builder, "sixth", &sixth, 127);
        let (sum, gate) = (Element::int8(6.0 / 255.0, -128), Element::int8(1.0 / 255.0, -128));
        let relu6 = Some(ActivationKind::Relu6);
        let add = Op::Add(Add { activation: relu6 });
        let added = builder.push_as("sum", add, &[three_node, x], sum.clone()).unwrap();
        let mul = Op::Mul(Mul { activation: None });
        let gated = builder.push_as("gate", mul, &[added, sixth_node], gate.clone()).unwrap();
        let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
        let last = builder.push_as("relu", relu, &[gated], gate.clone()).unwrap();
        let graph = builder.finish(&[last]).unwrap();

        let table = table(&graph, &[added, gated, last]);
        let add = QuantizedAdd::new(&three, &element, &sum, relu6);
        let mul = QuantizedMul::new(&sum, &sixth, &gate, None);
        let relu = activation_table(ActivationKind::Relu, &gate, &gate);
        for byte in 0..=255u8 {
            let gated = mul.apply(add.apply(127, byte.cast_signed()), 127);
            let expected = relu[(i32::from(gated) + 128) as usize];
            assert_eq!(table[usize::from(byte)].cast_signed(), expected, "{byte}");
        }
    }

    #[test]
    fn a_sum_of_two_tensors_is_no_function_of_one_byte() {
        let mut builder = GraphBuilder::new("sum");
        let ty = TensorType::new(Shape::vector(5), Element::int8(0.05, 3));
        let x = builder.input("x", ty.clone()).unwrap();
        let y = builder.input("y", ty.clone()).unwrap();
        let add = Op::Add(Add { activation: None });
        let sum = builder.push_as("sum", add, &[x, y], ty.element).unwrap();
        let graph = builder.finish(&[sum]).unwrap();
        assert!(ByteFunction::of(&graph, sum).is_none());
        assert!(ByteFunction::of(&graph, x).is_none());
    }
}
