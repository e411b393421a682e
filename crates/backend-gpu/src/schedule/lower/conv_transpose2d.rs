//! Transposed convolutions.

use pocketvision_core::op::ConvTranspose2d;
use pocketvision_core::quant::{activation_range, output_multipliers};
use pocketvision_core::{CompileError, Node, NodeId};
use pocketvision_shaders::{Shader, params};

use super::super::{BlobKind, Operand};
use super::elementwise::float_kernel;
use super::{Lowering, activation_number, elements, quad_work, quads, weights, zero_point};

impl Lowering<'_> {
    pub(super) fn conv_transpose2d(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &ConvTranspose2d,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (shape, element) = (ty.shape, ty.element.clone());
        let output = node.output.shape;
        let weight = self.graph.param(op.weight);
        let taps = weight.shape();
        let bias = op.bias.map(|bias| self.graph.param(bias));
        let work = quad_work(output);
        if let Some(values) = weight.as_f32() {
            let lanes = weights::lanes(taps, values, |x| x);
            let zeros = vec![0.0; output.c];
            let bias = bias.and_then(|bias| bias.as_f32()).unwrap_or(&zeros);
            let bias = weights::padded_rows(output.c, bias, |x: f32| x);
            let reads =
                [input, self.float_weights(id, lanes)?, self.blob(id, BlobKind::Weights, &bias)?];
            let params = params::ConvTranspose2dF32 {
                input_height: shape.h as u32,
                input_width: shape.w as u32,
                input_channels: shape.c as u32,
                input_quads: quads(shape.c),
                output_height: output.h as u32,
                output_width: output.w as u32,
                output_channels: output.c as u32,
                output_quads: quads(output.c),
                elements: elements(output),
                kernel_height: taps.h as u32,
                kernel_width: taps.w as u32,
                stride_height: op.stride_h as u32,
                stride_width: op.stride_w as u32,
                crop_top: op.crop_top as u32,
                crop_left: op.crop_left as u32,
                activation: activation_number(op.activation),
            };
            let kernel = float_kernel(Shader::ConvTranspose2dF32, op.activation);
            return self.compute(id, kernel, &params, &reads, work);
        }
        let scales = weight.element().quantization().expect("integer weights are quantized");
        let weight_zero = scales.zero_point();
        let values = weight.as_i8().unwrap_or_default();
        let lanes = weights::lanes(taps, values, |x| i32::from(x) - weight_zero);
        let zeros = vec![0; output.c];
        let bias = bias.and_then(|bias| bias.as_i32()).unwrap_or(&zeros);
        let multipliers = output_multipliers(&element, scales, &node.output.element, output.c);
        let channels = weights::output_channels(bias, &multipliers);
        let reads = [
            input,
            self.blob(id, BlobKind::Weights, &lanes)?,
            self.blob(id, BlobKind::Weights, &channels)?,
        ];
        let (output_low, output_high) = activation_range(op.activation, &node.output.element);
        let params = params::ConvTranspose2dInt8 {
            input_height: shape.h as u32,
            input_width: shape.w as u32,
            input_channels: shape.c as u32,
            input_quads: quads(shape.c),
            output_height: output.h as u32,
            output_width: output.w as u32,
            output_quads: quads(output.c),
            elements: elements(output),
            kernel_height: taps.h as u32,
            kernel_width: taps.w as u32,
            stride_height: op.stride_h as u32,
            stride_width: op.stride_w as u32,
            crop_top: op.crop_top as u32,
            crop_left: op.crop_left as u32,
            input_zero_point: zero_point(&element),
            output_zero_point: zero_point(&node.output.element),
            output_low,
            output_high,
        };
        self.compute(id, Shader::ConvTranspose2dInt8, &params, &reads, work)
    }
}
