//! A picture's bytes as floats, by a dispatch of their own or in the convolution that reads them.

use pocketvision_core::op::Normalize;
use pocketvision_core::{CompileError, Node, NodeId, Op};
use pocketvision_shaders::{Shader, params};

use super::super::Operand;
use super::{Lowering, elements, quad_work};

impl Lowering<'_> {
    pub(super) fn normalize(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Normalize,
    ) -> Result<Operand, CompileError> {
        let (input, _) = self.input(node, 0);
        let shape = node.output.shape;
        let normalization = normalization(op);
        let params = params::Normalize { normalization, elements: elements(shape) };
        self.compute(id, Shader::Normalize, &params, &[input], quad_work(shape))
    }

    /// What a dense convolution reads: its input as it is stored, the caller's floats, or the bytes
    /// that `pixels` makes floats of; and which of three shaders reads that.
    pub(super) fn floats_or_picture(
        &self,
        convolution: &Node,
        pixels: Option<NodeId>,
        [of_floats, of_colors, of_pixels]: [Shader; 3],
    ) -> (Shader, Operand, params::Normalization) {
        let Some(pixels) = pixels else {
            let input = self.input(convolution, 0).0;
            let is_picture = self.pictures.contains(&convolution.inputs[0]);
            let shader = if is_picture { of_colors } else { of_floats };
            return (shader, input, params::Normalization::default());
        };
        let node = self.graph.node(pixels);
        let Op::Normalize(op) = &node.op else { unreachable!("groups hold what normalizes") };
        (of_pixels, self.input(node, 0).0, normalization(op))
    }
}

/// By channel; the fourth lane, whose byte is arbitrary, becomes 0.
fn normalization(op: &Normalize) -> params::Normalization {
    let [red, green, blue] = op.mean;
    let scale = op.std.map(f32::recip);
    params::Normalization {
        mean: [red, green, blue, 0.0],
        scale: [scale[0], scale[1], scale[2], 0.0],
    }
}
