//! Convolutions and the fully connected layer: operators with weights.

use std::sync::Arc;

use pocketvision_core::op::{Conv2d, DepthwiseConv2d, Linear, Reshape, Window};
use pocketvision_core::{Element, Op, ParamId, Quantization, Shape};

use super::{FileOperator, fused_activation, padding_of, pixels};
use crate::error::{Problem, Result};
use crate::importer::{Constants, Importer, Role, Value};
use crate::schema::options::{conv_2d, depthwise_conv_2d, fully_connected};
use crate::tensor::FileTensor;

impl<'a> Importer<'a> {
    pub(super) fn conv_2d(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        use conv_2d::{
            DILATION_H, DILATION_W, FUSED_ACTIVATION, PADDING, STRIDE_H, STRIDE_W, UNION_TYPE,
        };
        let options = operator.required_options(UNION_TYPE)?;
        let input = self.input(operator, 0, 2..=3, WEIGHTED_INPUTS)?;
        let input = self.image_operand(&input)?;
        let kernel = self.kernel(operator, 2..=3, WEIGHTED_INPUTS)?;
        let weight = self.constant(
            &kernel.tensor,
            kernel.shape,
            Role::Convolution { dimension: 0, channels: kernel.shape.n },
        )?;
        let input_channels = self.builder.ty(input.node).shape.c;
        let op = Conv2d {
            window: Window {
                kernel_h: kernel.shape.h,
                kernel_w: kernel.shape.w,
                stride_h: pixels(&options, STRIDE_H, "stride_h", 0)?,
                stride_w: pixels(&options, STRIDE_W, "stride_w", 0)?,
                dilation_h: pixels(&options, DILATION_H, "dilation_h_factor", 1)?,
                dilation_w: pixels(&options, DILATION_W, "dilation_w_factor", 1)?,
                padding: padding_of(options.scalar(PADDING, 0)?)?,
            },
            weight: weight.param,
            bias: self.optional_bias(operator, 2, input, &weight, kernel.shape.n, output)?,
            groups: input_channels / kernel.shape.c,
            activation: fused_activation(options.scalar(FUSED_ACTIVATION, 0)?)?,
        };
        Ok(Value::new(self.push(output, Op::Conv2d(op), &[input.node])?, 4))
    }

    pub(super) fn depthwise_conv_2d(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        use depthwise_conv_2d::{
            DILATION_H, DILATION_W, FUSED_ACTIVATION, PADDING, STRIDE_H, STRIDE_W, UNION_TYPE,
        };
        let options = operator.required_options(UNION_TYPE)?;
        let input = self.input(operator, 0, 2..=3, WEIGHTED_INPUTS)?;
        let input = self.image_operand(&input)?;
        let kernel = self.kernel(operator, 2..=3, WEIGHTED_INPUTS)?;
        let weight = self.constant(
            &kernel.tensor,
            kernel.shape,
            Role::Convolution { dimension: 3, channels: kernel.shape.c },
        )?;
        let op = DepthwiseConv2d {
            window: Window {
                kernel_h: kernel.shape.h,
                kernel_w: kernel.shape.w,
                stride_h: pixels(&options, STRIDE_H, "stride_h", 0)?,
                stride_w: pixels(&options, STRIDE_W, "stride_w", 0)?,
                dilation_h: pixels(&options, DILATION_H, "dilation_h_factor", 1)?,
                dilation_w: pixels(&options, DILATION_W, "dilation_w_factor", 1)?,
                padding: padding_of(options.scalar(PADDING, 0)?)?,
            },
            weight: weight.param,
            bias: self.optional_bias(operator, 2, input, &weight, kernel.shape.c, output)?,
            activation: fused_activation(options.scalar(FUSED_ACTIVATION, 0)?)?,
        };
        Ok(Value::new(self.push(output, Op::DepthwiseConv2d(op), &[input.node])?, 4))
    }

    /// The layer sees its input as rows of as many numbers as the weights take, whatever its
    /// shape, and yields as many rows.
    pub(super) fn fully_connected(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        use fully_connected::{FUSED_ACTIVATION, KEEP_NUM_DIMS, UNION_TYPE, WEIGHTS_FORMAT};
        let options = operator.required_options(UNION_TYPE)?;
        let format = options.scalar(WEIGHTS_FORMAT, 0i8)?;
        if format != 0 {
            return Err(Problem::attribute("weights_format", format, "0 (not shuffled)"));
        }
        let input = self.input(operator, 0, 2..=3, WEIGHTED_INPUTS)?;
        let mut input = self.operand(&input)?;
        let tensor = self.input(operator, 1, 2..=3, WEIGHTED_INPUTS)?;
        let dims = self.constant_source(&tensor)?.dims()?;
        let &[channels, width] = dims.as_slice() else {
            let shape = crate::tensor::format_dims(dims.iter());
            return Err(tensor.wrong(Problem::attribute("shape", shape, "two dimensions")));
        };
        let shape = Shape::new(channels, 1, 1, width);
        let weight = self.constant(&tensor, shape, Role::Linear { channels })?;

        let keep_dims = options.scalar(KEEP_NUM_DIMS, 0u8)? != 0;
        if !keep_dims {
            let numbers = self.builder.ty(input.node).shape;
            let rows = Shape::new(1, 1, numbers.elements() / width, width);
            if rows != numbers {
                let name = self.name(output, "_rows")?;
                let op = Op::Reshape(Reshape { shape: rows });
                input.node = self.builder.push(name, op, &[input.node])?;
            }
            input.rank = 2;
        }
        let op = Linear {
            weight: weight.param,
            bias: self.optional_bias(operator, 2, input, &weight, channels, output)?,
            activation: fused_activation(options.scalar(FUSED_ACTIVATION, 0)?)?,
        };
        Ok(Value::new(self.push(output, Op::Linear(op), &[input.node])?, input.rank))
    }

    /// The four-dimensional weights of a convolution, its second input.
    pub(super) fn kernel(
        &self,
        operator: &FileOperator<'a>,
        counts: std::ops::RangeInclusive<usize>,
        expected: &'static str,
    ) -> Result<Kernel<'a>> {
        let tensor = self.input(operator, 1, counts, expected)?;
        let dims = self.constant_source(&tensor)?.dims()?;
        match <[usize; 4]>::try_from(dims.as_slice()) {
            Ok(dims) => Ok(Kernel { tensor, shape: dims.into() }),
            Err(_) => {
                let shape = crate::tensor::format_dims(dims.iter());
                Err(tensor.wrong(Problem::attribute("shape", shape, "four dimensions")))
            }
        }
    }

    /// The bias, if the operator has so many inputs.
    pub(super) fn optional_bias(
        &mut self,
        operator: &FileOperator<'a>,
        position: usize,
        input: Value,
        weight: &Constants,
        channels: usize,
        output: &FileTensor<'a>,
    ) -> Result<Option<ParamId>> {
        let Some(index) = operator.inputs.get(position).filter(|&index| index >= 0) else {
            return Ok(None);
        };
        let tensor = self.tensor(index)?;
        let input = self.builder.ty(input.node).element.clone();
        let bias = self.bias(&tensor, channels, || accumulator_scale(&input, &weight.element))?;
        let elements = [&bias.element, &input, &weight.element, &output.element()?];
        if let [Some((bias, _)), Some((input, _)), Some((weight, _)), Some((output, _))] =
            elements.map(Element::per_tensor)
            && (bias - input * weight).abs() > LARGEST_BIAS_SCALE_ERROR * output
        {
            let text = format!("scale {bias} is not {}, input times weights", input * weight);
            return Err(tensor.wrong(Problem::Quantization(text)));
        }
        Ok(Some(bias.param))
    }
}

/// The weights of a convolution.
pub(super) struct Kernel<'a> {
    pub(super) tensor: FileTensor<'a>,
    pub(super) shape: Shape,
}

/// What one unit of a sum of products stands for: the scale that a bias must have.
fn accumulator_scale(input: &Element, weight: &Element) -> Quantization {
    let input_scale = input.per_tensor().map_or(1.0, |(scale, _)| scale);
    match weight.quantization() {
        Some(Quantization::PerChannel { scales }) => Quantization::PerChannel {
            scales: scales.iter().map(|scale| input_scale * scale).collect::<Arc<[f32]>>(),
        },
        Some(Quantization::PerTensor { scale, .. }) => {
            Quantization::PerTensor { scale: input_scale * scale, zero_point: 0 }
        }
        None => Quantization::PerTensor { scale: 1.0, zero_point: 0 },
    }
}

const WEIGHTED_INPUTS: &str = "2 or 3 (input, weights, bias)";

/// TFLite's own tolerance, in units of the output's scale.
const LARGEST_BIAS_SCALE_ERROR: f32 = 0.02;
