//! Pools.

use pocketvision_core::op::{IntegerRounding, Pool2d, PoolKind};
use pocketvision_core::quant::QuantizedMean;
use pocketvision_core::{CompileError, Element, Node, NodeId};
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
        let average = average(op, &ty.element, &node.output.element);
        let params = params::Pool2dInt8 { window, average };
        self.compute(id, Shader::Pool2dInt8, &params, &[input], work)
    }
}

/// How int8 numbers are pooled.
pub(super) fn average(op: &Pool2d, input: &Element, output: &Element) -> params::Average {
    let kind = match (op.kind, op.rounding) {
        (PoolKind::Max, _) => pool_kind::MAX,
        (PoolKind::Average, IntegerRounding::HalfAwayFromZero) => pool_kind::AVERAGE_AWAY,
        (PoolKind::Average, IntegerRounding::HalfUp) => pool_kind::AVERAGE_UP,
        (PoolKind::Mean, _) => {
            // A mean's window is the whole image.
            let mean = QuantizedMean::new(input, output, op.window.taps());
            let (mantissa, shift_left, shift_right) = multiplier_words(mean.multiplier);
            return params::Average {
                kind: pool_kind::MEAN,
                zero_sum: mean.zero_sum,
                mantissa,
                shift_left,
                shift_right,
                zero_point: mean.output_zero_point,
                ..params::Average::default()
            };
        }
    };
    params::Average { kind, ..params::Average::default() }
}
