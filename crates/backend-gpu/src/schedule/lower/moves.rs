//! Operators that move numbers without computing any.

use pocketvision_core::op::{Axis, Concat, Constant, Pad};
use pocketvision_core::quant::concat_table;
use pocketvision_core::{CompileError, Element, Node, NodeId, TensorType};
use pocketvision_shaders::{Shader, Work, params};

use super::super::{BlobKind, Operand};
use super::{Lowering, elements, layout, pixels, quad_work, quads, zero_point};

impl Lowering<'_> {
    pub(super) fn constant(&mut self, id: NodeId, op: &Constant) -> Result<Operand, CompileError> {
        let tensor = self.graph.param(op.value);
        let TensorType { shape, element } = tensor.ty();
        if let Some(values) = tensor.as_f32() {
            let padded = super::weights::padded_rows(shape.c, values, |x| x);
            return self.float_weights(id, padded);
        }
        let bytes = layout::device_bytes(*shape, element);
        self.limits.check(&self.graph.node(id).name, bytes)?;
        let mut padded = vec![0u8; bytes as usize];
        layout::pack(shape.c, element.bytes(), tensor.bytes(), &mut padded);
        self.blob(id, BlobKind::Weights, &padded)
    }

    /// Free where no padding moves: then the output is found where the input is.
    pub(super) fn reshape(&mut self, id: NodeId, node: &Node) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (from, to) = (ty.shape.c, node.output.shape.c);
        if from == to || (from % layout::LANES == 0 && to % layout::LANES == 0) {
            return Ok(input);
        }
        let params = params::Reshape {
            input_channels: from as u32,
            input_quads: quads(from),
            output_channels: to as u32,
            output_quads: quads(to),
            elements: elements(node.output.shape),
        };
        let shader = by_element(&ty.element, Shader::ReshapeF32, Shader::ReshapeInt8);
        self.compute(id, shader, &params, &[input], quad_work(node.output.shape))
    }

    pub(super) fn pad(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Pad,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let output = node.output.shape;
        let fill = if ty.element.is_float() {
            0.0f32.to_bits()
        } else {
            u32::from_ne_bytes([zero_point(&ty.element) as u8; 4])
        };
        let params = params::Pad {
            input_height: ty.shape.h as u32,
            input_width: ty.shape.w as u32,
            quads: quads(output.c),
            output_height: output.h as u32,
            output_width: output.w as u32,
            elements: elements(output),
            top: op.top as u32,
            left: op.left as u32,
            fill,
        };
        let shader = by_element(&ty.element, Shader::PadF32, Shader::PadInt8);
        self.compute(id, shader, &params, &[input], quad_work(output))
    }

    /// One dispatch for each input, which writes its box of the output; before it, one that
    /// brings the input to the output's scale where that differs.
    pub(super) fn concat(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Concat,
    ) -> Result<Operand, CompileError> {
        let output = node.output.shape;
        let value = self.value(id, &node.output)?;
        let (mut first_row, mut first_column, mut first_channel) = (0, 0, 0);
        for index in 0..node.inputs.len() {
            let (input, ty) = self.input(node, index);
            let (shape, element) = (ty.shape, ty.element.clone());
            let ty = TensorType::new(shape, element.clone());
            let input = self.rescaled(id, node, op, input, &ty)?;
            let box_quads = quads(first_channel + shape.c) - first_channel as u32 / 4;
            let params = params::Concat {
                input_height: shape.h as u32,
                input_width: shape.w as u32,
                input_channels: shape.c as u32,
                input_quads: quads(shape.c),
                output_height: output.h as u32,
                output_width: output.w as u32,
                output_quads: quads(output.c),
                first_row: first_row as u32,
                first_column: first_column as u32,
                first_channel: first_channel as u32,
                box_quads,
                elements: pixels(shape) * box_quads,
            };
            let shader = by_element(&element, Shader::ConcatF32, Shader::ConcatInt8);
            let work = Work::Invocations(params.elements);
            self.dispatch(id, shader, &params, &[input], &[value], work);
            match op.axis {
                Axis::Height => first_row += shape.h,
                Axis::Width => first_column += shape.w,
                Axis::Channels => first_channel += shape.c,
            }
        }
        Ok(Operand::Value(value))
    }

    /// An operand at the scale of a node's output.
    fn rescaled(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Concat,
        input: Operand,
        ty: &TensorType,
    ) -> Result<Operand, CompileError> {
        let by_byte = concat_table(op.rescaling, &ty.element, &node.output.element);
        let Some(by_byte) = by_byte else { return Ok(input) };
        let table = self.blob(id, BlobKind::Table, &by_byte[..])?;
        let value = self.value(id, ty)?;
        let params = params::Table { elements: elements(ty.shape) };
        self.dispatch(id, Shader::Table, &params, &[input, table], &[value], quad_work(ty.shape));
        Ok(Operand::Value(value))
    }
}

const fn by_element(element: &Element, float: Shader, byte: Shader) -> Shader {
    if element.is_float() { float } else { byte }
}
