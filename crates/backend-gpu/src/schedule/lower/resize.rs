//! Images at another size.

use pocketvision_core::op::{IntegerInterpolation, Resize, Sample};
use pocketvision_core::{CompileError, Node, NodeId};
use pocketvision_shaders::{Shader, params};

use super::super::{BlobKind, Operand};
use super::{Lowering, elements, quad_work, quads};

impl Lowering<'_> {
    pub(super) fn resize(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Resize,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (shape, is_float) = (ty.shape, ty.element.is_float());
        let output = node.output.shape;
        let is_fixed_point = !is_float && op.interpolation == IntegerInterpolation::FixedPoint;
        let (rows, columns) = if is_fixed_point {
            let bits = |weight: i32| weight.cast_unsigned();
            (words(&op.fixed_point_rows(shape), bits), words(&op.fixed_point_columns(shape), bits))
        } else {
            (words(&op.rows(shape), f32::to_bits), words(&op.columns(shape), f32::to_bits))
        };
        let rows = self.blob(id, BlobKind::Table, &rows)?;
        let columns = self.blob(id, BlobKind::Table, &columns)?;
        let (reads, work) = ([input, rows, columns], quad_work(output));
        let (input_height, input_width) = (shape.h as u32, shape.w as u32);
        let (output_height, output_width) = (output.h as u32, output.w as u32);
        let (quads, elements) = (quads(output.c), elements(output));
        if is_float {
            let params = params::ResizeF32 {
                input_height,
                input_width,
                quads,
                output_height,
                output_width,
                elements,
            };
            return self.compute(id, Shader::ResizeF32, &params, &reads, work);
        }
        let params = params::ResizeInt8 {
            input_height,
            input_width,
            quads,
            output_height,
            output_width,
            elements,
            is_fixed_point: u32::from(is_fixed_point),
            zero: 0,
        };
        self.compute(id, Shader::ResizeInt8, &params, &reads, work)
    }
}

/// Samples as shaders read them: before, after, the bits of the weight, nothing.
fn words<W: Copy>(samples: &[Sample<W>], bits: impl Fn(W) -> u32) -> Vec<[u32; 4]> {
    samples.iter().map(|s| [s.lower as u32, s.upper as u32, bits(s.weight), 0]).collect()
}
