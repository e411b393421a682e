//! Which channel is the largest.

use pocketvision_core::{CompileError, Node, NodeId};
use pocketvision_shaders::{Shader, Work, params};

use super::super::Operand;
use super::{Lowering, pixels, quads};

impl Lowering<'_> {
    pub(super) fn arg_max(&mut self, id: NodeId, node: &Node) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (channels, is_float) = (ty.shape.c, ty.element.is_float());
        let pixels = pixels(node.output.shape);
        let params = params::ArgMax { pixels, quads: quads(channels), channels: channels as u32 };
        let shader = if is_float { Shader::ArgMaxF32 } else { Shader::ArgMaxInt8 };
        self.compute(id, shader, &params, &[input], Work::Invocations(pixels))
    }
}
