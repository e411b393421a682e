//! Pools.

use pocketvision_core::op::{IntegerRounding, Pool2d, PoolKind, Window};
use pocketvision_core::quant::QuantizedMean;
use pocketvision_core::{CompileError, Node, NodeId, Shape};
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
                let (rows, columns) = covered(&op.window, shape, output);
                let count = rows[0] * columns[0];
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

/// How many rows of the image the window covers in each output row, and how many columns in
/// each output column.
pub(crate) fn covered(window: &Window, input: Shape, output: Shape) -> (Vec<usize>, Vec<usize>) {
    let padding = window.resolve(input);
    let count = |position: usize, stride, before: usize, kernel, dilation, size: usize| {
        let inside = |tap: usize| {
            let at = position * stride + tap * dilation;
            (before..before + size).contains(&at)
        };
        (0..kernel).filter(|&tap| inside(tap)).count()
    };
    let rows = (0..output.h).map(|y| {
        let Window { stride_h, kernel_h, dilation_h, .. } = *window;
        count(y, stride_h, padding.top, kernel_h, dilation_h, input.h)
    });
    let columns = (0..output.w).map(|x| {
        let Window { stride_w, kernel_w, dilation_w, .. } = *window;
        count(x, stride_w, padding.left, kernel_w, dilation_w, input.w)
    });
    (rows.collect(), columns.collect())
}

#[cfg(test)]
mod tests {
    use pocketvision_core::op::Padding;

    use super::*;

    #[test]
    fn windows_cover_less_at_the_edges() {
        let window =
            Window::square(3, 2, Padding::Explicit { top: 2, bottom: 1, left: 3, right: 0 });
        let input = Shape::new(1, 5, 5, 1);
        let (h, w) = window.output(input).unwrap();
        let output = Shape::new(1, h, w, 1);
        assert_eq!(covered(&window, input, output), (vec![1, 3, 3], vec![0, 2, 3]));
    }
}
