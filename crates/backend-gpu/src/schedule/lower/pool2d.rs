//! Pools.

use pocketvision_core::op::{IntegerRounding, Pool2d, PoolKind};
use pocketvision_core::quant::QuantizedMean;
use pocketvision_core::{CompileError, Node, NodeId};
use pocketvision_shaders::params::pool_kind;
use pocketvision_shaders::{Shader, params};

use super::super::Operand;
use super::{Lowering, multiplier_words, quad_work, window_params};

impl Lowering<'_> {
    pub(super) fn pool2d(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Pool2d,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (shape, output) = (ty.shape, node.output.shape);
        let window = window_params(&op.window, shape, output);
        let work = quad_work(output);
        if ty.element.is_float() {
            let params = params::Pool2dF32 { window, is_max: u32::from(op.kind == PoolKind::Max) };
            return self.compute(id, Shader::Pool2dF32, &params, &[input], work);
        }
        let mut params = params::Pool2dInt8 { window, ..params::Pool2dInt8::default() };
        params.kind = match (op.kind, op.rounding) {
            (PoolKind::Max, _) => pool_kind::MAX,
            (PoolKind::Average, IntegerRounding::HalfAwayFromZero) => pool_kind::AVERAGE_AWAY,
            (PoolKind::Average, IntegerRounding::HalfUp) => pool_kind::AVERAGE_UP,
            (PoolKind::Mean, _) => {
                // A mean's window is the whole image.
                let count = op.window.taps();
                let mean = QuantizedMean::new(&ty.element, &node.output.element, count);
                params.zero_sum = mean.zero_sum;
                (params.mantissa, params.shift_left, params.shift_right) =
                    multiplier_words(mean.multiplier);
                params.output_zero_point = mean.output_zero_point;
                pool_kind::MEAN
            }
        };
        self.compute(id, Shader::Pool2dInt8, &params, &[input], work)
    }
}
