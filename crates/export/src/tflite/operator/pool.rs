//! Pools over windows and the mean over the whole image.

use pocketvision_core::op::{Activation, ActivationKind, Pool2d, PoolKind};
use pocketvision_core::{Graph, NodeId, Op};
use pocketvision_import_tflite::schema::options::{pool_2d, reducer};
use pocketvision_import_tflite::schema::{activation, builtin, padding};

use super::convolution::padding_code;
use crate::tflite::model::Options;
use crate::tflite::translation::{Translation, refuse};
use crate::{ExportError, Problem};

impl Translation<'_> {
    pub(in crate::tflite) fn pool_2d(
        &mut self,
        id: NodeId,
        op: &Pool2d,
    ) -> Result<(), ExportError> {
        let node = self.graph.node(id);
        if op.kind == PoolKind::Mean {
            self.mean(id);
            return Ok(());
        }
        let window = op.window;
        let (dilation_h, dilation_w) = (window.dilation_h, window.dilation_w);
        let skips = |kernel, dilation| kernel > 1 && dilation > 1;
        if skips(window.kernel_h, dilation_h) || skips(window.kernel_w, dilation_w) {
            return Err(refuse(node, Problem::PoolDilation { dilation_h, dilation_w }));
        }
        let mut input = self.input(id, 0);
        let source = node.inputs[0];
        let shape = self.graph.ty(source).shape;
        let padding = match padding_code(window, shape) {
            Ok(code) => code,
            // The largest of a window is the same with zeros in it if nothing is below zero.
            Err(border) if op.kind == PoolKind::Max && is_never_negative(self.graph, source) => {
                input = self.padded(format!("{}/border", node.name), shape, input, border);
                padding::VALID
            }
            Err(_) => return Err(refuse(node, Problem::PoolPadding { window })),
        };
        let output = self.output(id);
        let options = Options::new(pool_2d::UNION_TYPE)
            .byte(pool_2d::PADDING, padding)
            .int(pool_2d::STRIDE_W, window.stride_w)
            .int(pool_2d::STRIDE_H, window.stride_h)
            .int(pool_2d::FILTER_WIDTH, window.kernel_w)
            .int(pool_2d::FILTER_HEIGHT, window.kernel_h)
            .byte(pool_2d::FUSED_ACTIVATION, activation::NONE);
        let builtin = match op.kind {
            PoolKind::Max => builtin::MAX_POOL_2D,
            PoolKind::Average | PoolKind::Mean => builtin::AVERAGE_POOL_2D,
        };
        self.emit(builtin, input.storage.version(2), vec![input.tensor], output, Some(options));
        Ok(())
    }

    fn mean(&mut self, id: NodeId) {
        let input = self.input(id, 0);
        let output = self.output(id);
        let name = format!("{}/axes", self.graph.node(id).name);
        let axes = self.integers(name, vec![2], &[1, 2]);
        let options = Options::new(reducer::UNION_TYPE).byte(reducer::KEEP_DIMS, 1);
        let version = input.storage.version(2);
        self.emit(builtin::MEAN, version, vec![input.tensor, axes], output, Some(options));
    }
}

/// Whether a node's output can be told to have no number below zero.
fn is_never_negative(graph: &Graph, id: NodeId) -> bool {
    use ActivationKind::{HardSigmoid, Relu, Relu6, Sigmoid};

    let node = graph.node(id);
    let activation = match node.op {
        Op::Softmax(_) => return true,
        Op::Activation(Activation { kind }) => Some(kind),
        _ => node.op.fused_activation(),
    };
    let lowest = node.output.element.per_tensor().zip(node.output.element.integer_range());
    matches!(activation, Some(Relu | Relu6 | HardSigmoid | Sigmoid))
        || lowest.is_some_and(|((_, zero_point), (lowest, _))| zero_point == lowest)
}
