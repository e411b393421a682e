//! Sums, products and activations.

use pocketvision_core::op::{ActivationKind, Add, Mul};
use pocketvision_core::quant::{Multiplier, QuantizedAdd, QuantizedMul};
use pocketvision_core::{CompileError, Node, NodeId, Shape};
use pocketvision_shaders::{Shader, Variant, params};

use super::super::{BlobKind, Kernel, Operand, byte_function};
use super::{Lowering, activation_number, elements, multiplier_words, quad_work, quads};

impl Lowering<'_> {
    pub(super) fn add(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Add,
    ) -> Result<Operand, CompileError> {
        let ((_, a), (_, b)) = (self.input(node, 0), self.input(node, 1));
        if a.element.is_float() {
            return self.elementwise_f32(id, node, op.activation, false);
        }
        let add = QuantizedAdd::new(&a.element, &b.element, &node.output.element, op.activation);
        let arithmetic = params::ElementwiseInt8 {
            is_product: 0,
            ..output_arithmetic(add.output_multiplier, add.output_zero_point, add.range)
        };
        let operands = by_byte(|a| add.scaled_a(a), |b| add.scaled_b(b));
        self.elementwise_int8(id, node, arithmetic, &operands)
    }

    pub(super) fn mul(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Mul,
    ) -> Result<Operand, CompileError> {
        let ((_, a), (_, b)) = (self.input(node, 0), self.input(node, 1));
        if a.element.is_float() {
            return self.elementwise_f32(id, node, op.activation, true);
        }
        let mul = QuantizedMul::new(&a.element, &b.element, &node.output.element, op.activation);
        let arithmetic = params::ElementwiseInt8 {
            is_product: 1,
            ..output_arithmetic(mul.output_multiplier, mul.output_zero_point, mul.range)
        };
        let operands =
            by_byte(|a| i32::from(a) - mul.a_zero_point, |b| i32::from(b) - mul.b_zero_point);
        self.elementwise_int8(id, node, arithmetic, &operands)
    }

    fn elementwise_f32(
        &mut self,
        id: NodeId,
        node: &Node,
        activation: Option<ActivationKind>,
        is_product: bool,
    ) -> Result<Operand, CompileError> {
        let ((a, a_type), (b, b_type)) = (self.input(node, 0), self.input(node, 1));
        let output = node.output.shape;
        let params = params::ElementwiseF32 {
            output_height: output.h as u32,
            output_width: output.w as u32,
            output_quads: quads(output.c),
            elements: elements(output),
            a_strides: strides(a_type.shape, output),
            b_strides: strides(b_type.shape, output),
            a_repeats_channel: repeats_channel(a_type.shape, output),
            b_repeats_channel: repeats_channel(b_type.shape, output),
            is_product: u32::from(is_product),
            activation: activation_number(activation),
        };
        let kernel = float_kernel(Shader::ElementwiseF32, activation);
        self.compute(id, kernel, &params, &[a, b], quad_work(output))
    }

    fn elementwise_int8(
        &mut self,
        id: NodeId,
        node: &Node,
        arithmetic: params::ElementwiseInt8,
        operands: &[i32; 512],
    ) -> Result<Operand, CompileError> {
        let ((a, a_type), (b, b_type)) = (self.input(node, 0), self.input(node, 1));
        let output = node.output.shape;
        let params = params::ElementwiseInt8 {
            output_height: output.h as u32,
            output_width: output.w as u32,
            output_quads: quads(output.c),
            elements: elements(output),
            a_strides: strides(a_type.shape, output),
            b_strides: strides(b_type.shape, output),
            a_repeats_channel: repeats_channel(a_type.shape, output),
            b_repeats_channel: repeats_channel(b_type.shape, output),
            ..arithmetic
        };
        let operands = self.blob(id, BlobKind::Table, operands)?;
        self.compute(id, Shader::ElementwiseInt8, &params, &[a, b, operands], quad_work(output))
    }

    pub(super) fn activation(
        &mut self,
        id: NodeId,
        node: &Node,
        kind: ActivationKind,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        if ty.element.is_float() {
            let params = params::ActivationF32 {
                elements: elements(node.output.shape),
                activation: activation_number(Some(kind)),
            };
            let work = quad_work(node.output.shape);
            let kernel = float_kernel(Shader::ActivationF32, Some(kind));
            return self.compute(id, kernel, &params, &[input], work);
        }
        let table = byte_function::table(self.graph, &[id]);
        self.look_up(id, node, input, &table)
    }
}

/// A shader that ends in an activation.
pub(super) fn float_kernel(shader: Shader, activation: Option<ActivationKind>) -> Kernel {
    let has_sigmoid = activation == Some(ActivationKind::Sigmoid);
    Kernel::new(shader, Variant { has_sigmoid, ..Variant::default() })
}

/// What a sum and a product share: from the exact result to an output element.
fn output_arithmetic(
    multiplier: Multiplier,
    output_zero_point: i32,
    (output_low, output_high): (i32, i32),
) -> params::ElementwiseInt8 {
    let (output_mantissa, output_shift_left, output_shift_right) = multiplier_words(multiplier);
    params::ElementwiseInt8 {
        output_mantissa,
        output_shift_left,
        output_shift_right,
        output_zero_point,
        output_low,
        output_high,
        ..params::ElementwiseInt8::default()
    }
}

/// A function of the first operand for each byte as stored, then one of the second.
fn by_byte(a: impl Fn(i8) -> i32, b: impl Fn(i8) -> i32) -> [i32; 512] {
    std::array::from_fn(|i| {
        let value = (i as u8).cast_signed();
        if i < 256 { a(value) } else { b(value) }
    })
}

/// Distances in quads between neighbours of an operand along each dimension of the output; 0
/// where the operand repeats.
fn strides(operand: Shape, output: Shape) -> [u32; 4] {
    let dense = Shape { c: super::layout::quads(operand.c), ..operand }.strides();
    std::array::from_fn(|d| {
        let repeats = operand.dims()[d] == 1 && output.dims()[d] != 1;
        if repeats { 0 } else { dense[d] as u32 }
    })
}

fn repeats_channel(operand: Shape, output: Shape) -> u32 {
    u32::from(operand.c == 1 && output.c != 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_dimensions_have_no_stride() {
        let output = Shape::new(2, 3, 5, 6);
        assert_eq!(strides(output, output), [30, 10, 2, 1]);
        assert_eq!(strides(Shape::new(1, 3, 1, 6), output), [0, 2, 0, 1]);
        let column = Shape::new(2, 1, 5, 1);
        assert_eq!(strides(column, output), [5, 0, 1, 0]);
        assert_eq!(repeats_channel(column, output), 1);
    }
}
