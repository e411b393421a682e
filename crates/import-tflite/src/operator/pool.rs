//! Pools over windows and the mean over the whole image.

use pocketvision_core::op::{
    Activation, IntegerRounding, Padding, Pool2d, PoolKind, Reshape, Window,
};
use pocketvision_core::{Op, Shape};

use super::{FileOperator, axis, fused_activation, padding_of, pixels};
use crate::error::{Problem, Result};
use crate::importer::{Importer, Value};

use crate::schema::options::{pool_2d, reducer};
use crate::schema::tensor_type;
use crate::tensor::{FileTensor, format_dims};

impl<'a> Importer<'a> {
    pub(super) fn pool_2d(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
        kind: PoolKind,
    ) -> Result<Value> {
        use pool_2d::{
            FILTER_HEIGHT, FILTER_WIDTH, FUSED_ACTIVATION, PADDING, STRIDE_H, STRIDE_W, UNION_TYPE,
        };
        let options = operator.required_options(UNION_TYPE)?;
        let tensor = self.only_input(operator)?;
        let input = self.image_operand(&tensor)?;
        same_quantization(&tensor, output)?;
        let window = Window {
            kernel_h: pixels(&options, FILTER_HEIGHT, "filter_height", 0)?,
            kernel_w: pixels(&options, FILTER_WIDTH, "filter_width", 0)?,
            stride_h: pixels(&options, STRIDE_H, "stride_h", 0)?,
            stride_w: pixels(&options, STRIDE_W, "stride_w", 0)?,
            dilation_h: 1,
            dilation_w: 1,
            padding: padding_of(options.scalar(PADDING, 0)?)?,
        };
        check_sums(&window)?;
        let op = Op::Pool2d(Pool2d { kind, window, rounding: rounding(&tensor) });
        let Some(kind) = fused_activation(options.scalar(FUSED_ACTIVATION, 0)?)? else {
            return Ok(Value::new(self.push(output, op, &[input.node])?, 4));
        };
        let name = self.name(output, "_pool")?;
        let pooled = self.builder.push_as(name, op, &[input.node], output.element()?)?;
        let op = Op::Activation(Activation { kind });
        Ok(Value::new(self.push(output, op, &[pooled])?, 4))
    }

    /// The mean over height and width.
    pub(super) fn mean(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let keep_dims = match operator.options(reducer::UNION_TYPE)? {
            Some(options) => options.scalar(reducer::KEEP_DIMS, 0u8)? != 0,
            None => false,
        };
        let tensor = self.input(operator, 0, 2..=2, "2 (input, axes)")?;
        let axes = self.input(operator, 1, 2..=2, "2 (input, axes)")?;
        let input = self.operand(&tensor)?;
        let axes = self.integers(&axes)?;
        let dimensions: Vec<usize> = axes
            .iter()
            .map(|&value| Ok(axis(value, input.rank, "axis")? + 4 - input.rank))
            .collect::<Result<_>>()?;
        if ![1, 2].iter().all(|d| dimensions.contains(d))
            || !dimensions.iter().all(|d| [1, 2].contains(d))
        {
            let value = format_dims(axes.iter());
            return Err(Problem::attribute("axes", value, "height and width"));
        }
        let shape = self.builder.ty(input.node).shape;
        let (kernel_h, kernel_w) = (shape.h, shape.w);
        let window = Window { kernel_h, kernel_w, ..Window::square(1, 1, Padding::Valid) };
        check_sums(&window)?;
        let op = Op::Pool2d(Pool2d { kind: PoolKind::Mean, window, rounding: rounding(&tensor) });
        if keep_dims || shape.n == 1 {
            let rank = if keep_dims { input.rank } else { input.rank - 2 };
            return Ok(Value::new(self.push(output, op, &[input.node])?, rank));
        }
        let name = self.name(output, "_mean")?;
        let mean = self.builder.push_as(name, op, &[input.node], output.element()?)?;
        let op = Op::Reshape(Reshape { shape: Shape::new(1, 1, shape.n, shape.c) });
        Ok(Value::new(self.push(output, op, &[mean])?, 2))
    }
}

/// TFLite rounds the averages of the two 8-bit types differently.
const fn rounding(input: &FileTensor<'_>) -> IntegerRounding {
    match input.kind {
        tensor_type::UINT8 => IntegerRounding::HalfUp,
        _ => IntegerRounding::HalfAwayFromZero,
    }
}

/// A pool of integers takes its input's scale for its output's.
fn same_quantization(input: &FileTensor<'_>, output: &FileTensor<'_>) -> Result<()> {
    match (input.element()?.per_tensor(), output.element()?.per_tensor()) {
        (Some((a, zero_a)), Some((b, zero_b))) if zero_a != zero_b || (a - b).abs() > a * 1e-6 => {
            let text = format!("scale {b}, zero {zero_b}; the input's is {a}, zero {zero_a}");
            Err(output.wrong(Problem::Quantization(text)))
        }
        _ => Ok(()),
    }
}

/// The sum of a window's bytes must fit 32 bits.
fn check_sums(window: &Window) -> Result<()> {
    let taps = window.kernel_h.saturating_mul(window.kernel_w);
    if taps > LARGEST_WINDOW {
        return Err(Problem::attribute("window", taps, format!("at most {LARGEST_WINDOW} taps")));
    }
    Ok(())
}

const LARGEST_WINDOW: usize = i32::MAX as usize / 255;
