//! Functions of one byte: int8 operators whose outputs each depend on one input of the same
//! position, and on nothing else. A chain of them is one table of 256 bytes.

use pocketvision_core::quant::{
    QuantizedAdd, QuantizedMul, activation_table, requantize_table, table_by_byte,
};
use pocketvision_core::{Element, Graph, NodeId, Op};

/// What a node is a function of, byte by byte, if it is one: an activation, a change of scale, or a
/// sum or product with a constant number. Conversions from and to uint8 are left to where tensors
/// enter and leave the device.
pub(super) fn input_of(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    let is_int8 = |id: NodeId| matches!(graph.ty(id).element, Element::Int8(_));
    match &node.op {
        _ if !is_int8(id) => None,
        Op::Activation(_) => Some(node.inputs[0]),
        Op::Quantize(_) => Some(node.inputs[0]).filter(|&input| is_int8(input)),
        Op::Add(_) | Op::Mul(_) => constant_operand(graph, id).map(|(at, _)| node.inputs[1 - at]),
        _ => None,
    }
}

/// The output's byte for each byte of what a node is a function of, both as stored.
///
/// # Panics
/// If it is no such function.
fn table_of(graph: &Graph, id: NodeId) -> [u8; 256] {
    let node = graph.node(id);
    let output = &node.output.element;
    let element = |at: usize| &graph.ty(node.inputs[at]).element;
    let with_constant = |apply: &dyn Fn(i8, i8) -> i8| {
        let (at, number) = constant_operand(graph, id).expect("a constant operand");
        std::array::from_fn(|byte| {
            let byte = (byte as u8).cast_signed();
            let result = if at == 0 { apply(number, byte) } else { apply(byte, number) };
            result.cast_unsigned()
        })
    };
    match &node.op {
        Op::Activation(op) => table_by_byte(&activation_table(op.kind, element(0), output)),
        Op::Quantize(_) => requantize_table(element(0), output),
        Op::Add(op) => {
            let add = QuantizedAdd::new(element(0), element(1), output, op.activation);
            with_constant(&|a, b| add.apply(a, b))
        }
        Op::Mul(op) => {
            let mul = QuantizedMul::new(element(0), element(1), output, op.activation);
            with_constant(&|a, b| mul.apply(a, b))
        }
        op => panic!("{id} ({}) is no function of one byte", op.name()),
    }
}

/// Which of two operands is a constant number, the second if both are, and the number.
fn constant_operand(graph: &Graph, id: NodeId) -> Option<(usize, i8)> {
    let inputs = &graph.node(id).inputs;
    [1, 0].into_iter().find_map(|at| Some((at, number(graph, *inputs.get(at)?)?)))
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
        let next = table_of(graph, id);
        table.map(|byte| next[usize::from(byte)])
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
        assert!(input_of(&graph, sum).is_none());
        assert!(input_of(&graph, x).is_none());
    }
}
