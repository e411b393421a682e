//! Transposed convolutions, TFLite's and MediaPipe's.

use pocketvision_core::op::{ActivationKind, ConvTranspose2d, Padding, Window};
use pocketvision_core::{Op, Shape};

use super::{FileOperator, fused_activation, padding_of, pixels};
use crate::error::{Problem, Result};
use crate::flatbuffer::Vector;
use crate::importer::{Importer, Role, Value};
use crate::schema::options::transpose_conv;
use crate::tensor::{FileTensor, format_dims};

impl<'a> Importer<'a> {
    pub(super) fn transpose_conv(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        use transpose_conv::{FUSED_ACTIVATION, PADDING, STRIDE_H, STRIDE_W, UNION_TYPE};
        let options = operator.required_options(UNION_TYPE)?;
        let (stride_h, stride_w) = (
            pixels(&options, STRIDE_H, "stride_h", 0)?,
            pixels(&options, STRIDE_W, "stride_w", 0)?,
        );
        let padding = padding_of(options.scalar(PADDING, 0)?)?;
        let size = self.input(operator, 0, 3..=4, TRANSPOSE_CONV_INPUTS)?;
        let stated = self.integers(&size)?;
        let dims: Option<Vec<usize>> = stated.iter().map(|&d| usize::try_from(d).ok()).collect();
        let Some(&[_, height, width, _]) = dims.as_deref() else {
            let value = format_dims(stated.iter());
            return Err(size.wrong(Problem::attribute("output_shape", value, "four dimensions")));
        };
        let kernel = self.kernel(operator, 3..=4, TRANSPOSE_CONV_INPUTS)?;
        let crop = |output: usize, kernel: usize, stride: usize| match padding {
            // What a convolution of this stride would pad to get back to the input.
            Padding::Same => ConvTranspose2d::same_crop(output, kernel, stride),
            _ => 0,
        };
        let geometry = Geometry {
            stride: [stride_h, stride_w],
            crop: [crop(height, kernel.shape.h, stride_h), crop(width, kernel.shape.w, stride_w)],
            output: [height, width],
            activation: fused_activation(options.scalar(FUSED_ACTIVATION, 0)?)?,
        };
        self.transposed(operator, output, [2, 3], geometry)
    }

    /// MediaPipe's: a bias, and attributes as three integers: padding (1 is SAME, 2 is VALID),
    /// columns and rows between the outputs of two inputs.
    pub(super) fn transpose_conv_bias(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let integers = Vector::<i32>::from_bytes(operator.custom_options);
        let read: Vec<i32> = integers.iter().take(3).collect();
        let &[padding, stride_w, stride_h] = read.as_slice() else {
            let bytes = format!("{} bytes", operator.custom_options.len());
            return Err(Problem::attribute("custom_options", bytes, "12 bytes"));
        };
        let stride = |value: i32| {
            let stride = usize::try_from(value).ok();
            stride
                .filter(|stride| (1..=Window::MAX_ATTRIBUTE).contains(stride))
                .ok_or_else(|| Problem::attribute("stride", value, "1 to 16384"))
        };
        let (stride_h, stride_w) = (stride(stride_h)?, stride(stride_w)?);
        let image = self.input(operator, 0, 3..=3, BIASED_INPUTS)?;
        let image = self.image_operand(&image)?;
        let input = self.builder.ty(image.node).shape;
        let kernel = self.kernel(operator, 3..=3, BIASED_INPUTS)?.shape;
        let cut = |input: usize, kernel: usize, stride: usize| match padding {
            SAME => Ok(kernel.saturating_sub((input - 1) % stride + 1)),
            VALID => Ok(0),
            _ => Err(Problem::attribute("padding", padding, "1 (SAME) or 2 (VALID)")),
        };
        let (cut_h, cut_w) = (cut(input.h, kernel.h, stride_h)?, cut(input.w, kernel.w, stride_w)?);
        let size = |input: usize, kernel: usize, stride: usize, cut: usize| {
            (input - 1).saturating_mul(stride).saturating_add(kernel) - cut
        };
        let geometry = Geometry {
            stride: [stride_h, stride_w],
            crop: [cut_h / 2, cut_w / 2],
            output: [
                size(input.h, kernel.h, stride_h, cut_h),
                size(input.w, kernel.w, stride_w, cut_w),
            ],
            activation: None,
        };
        self.transposed(operator, output, [0, 2], geometry)
    }

    /// The operator with its weights; image and bias are its inputs of these positions.
    fn transposed(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
        [image, bias]: [usize; 2],
        geometry: Geometry,
    ) -> Result<Value> {
        let image = self.input(operator, image, 3..=4, TRANSPOSE_CONV_INPUTS)?;
        let input = self.image_operand(&image)?;
        let kernel = self.kernel(operator, 3..=4, TRANSPOSE_CONV_INPUTS)?;
        let Shape { n: channels, .. } = kernel.shape;
        let role = Role::Convolution { dimension: 0, channels };
        let weight = self.constant(&kernel.tensor, kernel.shape, role)?;
        let op = ConvTranspose2d {
            weight: weight.param,
            bias: self.optional_bias(operator, bias, input, &weight, channels, output)?,
            stride_h: geometry.stride[0],
            stride_w: geometry.stride[1],
            crop_top: geometry.crop[0],
            crop_left: geometry.crop[1],
            output_h: geometry.output[0],
            output_w: geometry.output[1],
            activation: geometry.activation,
        };
        Ok(Value::new(self.push(output, Op::ConvTranspose2d(op), &[input.node])?, 4))
    }
}

/// All but the weights; rows before columns.
struct Geometry {
    stride: [usize; 2],
    crop: [usize; 2],
    output: [usize; 2],
    activation: Option<ActivationKind>,
}

const TRANSPOSE_CONV_INPUTS: &str = "3 or 4 (output shape, weights, image, bias)";
const BIASED_INPUTS: &str = "3 (image, weights, bias)";

/// `TfLitePadding` of TFLite's C interface, which is not the schema's.
const SAME: i32 = 1;
const VALID: i32 = 2;
