//! Convolutions and fully connected layers.

use pocketvision_core::op::{ActivationKind, Conv2d, DepthwiseConv2d, Linear, Window};
use pocketvision_core::quant::{activation_range, output_multipliers};
use pocketvision_core::{
    CompileError, Element, Node, NodeId, ParamId, Quantization, Shape, Tensor,
};
use pocketvision_shaders::{Shader, Work, params};

use super::super::{BlobKind, Kernel, Operand};
use super::{Lowering, activation_number, pixels, quads, weights, window_params, zero_point};

/// What all convolutions have.
struct Convolution {
    window: Window,
    weight: ParamId,
    bias: Option<ParamId>,
    activation: Option<ActivationKind>,
}

impl Lowering<'_> {
    pub(super) fn conv2d(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Conv2d,
    ) -> Result<Operand, CompileError> {
        let Conv2d { window, weight, bias, groups, activation } = *op;
        let convolution = Convolution { window, weight, bias, activation };
        if groups > 1 {
            let weight = self.graph.param(weight).clone();
            self.grouped(id, node, &convolution, &weight, weight.shape().n / groups)
        } else if window.is_pointwise() {
            self.pointwise(id, node, &convolution)
        } else {
            self.dense(id, node, &convolution)
        }
    }

    pub(super) fn linear(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Linear,
    ) -> Result<Operand, CompileError> {
        let Linear { weight, bias, activation } = *op;
        let window = Window::square(1, 1, pocketvision_core::op::Padding::Valid);
        self.pointwise(id, node, &Convolution { window, weight, bias, activation })
    }

    pub(super) fn depthwise_conv2d(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &DepthwiseConv2d,
    ) -> Result<Operand, CompileError> {
        let DepthwiseConv2d { window, weight, bias, activation } = *op;
        let convolution = Convolution { window, weight, bias, activation };
        let weight = self.graph.param(weight);
        let filters = weight.shape().c / self.input(node, 0).1.shape.c;
        if filters > 1 {
            let weight = as_grouped(weight);
            return self.grouped(id, node, &convolution, &weight, filters);
        }
        self.depthwise(id, node, &convolution)
    }

    fn pointwise(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Convolution,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (pixels, input_quads) = (pixels(node.output.shape), quads(ty.shape.c));
        let element = ty.element.clone();
        let output_channels = node.output.shape.c as u32;
        let output_quads = quads(node.output.shape.c);
        let work = Work::Invocations(pixels.div_ceil(TILE_PIXELS) * output_quads);
        if element.is_float() {
            let reads = [input, self.tiles_f32(id, op)?, self.bias_f32(id, node, op)?];
            let params = params::PointwiseF32 {
                pixels,
                input_quads,
                output_quads,
                output_channels,
                activation: activation_number(op.activation),
            };
            return self.compute(id, Shader::PointwiseF32, &params, &reads, work);
        }
        let (weight, weight_zero_point) = self.tiles_int8(id, op)?;
        let reads = [input, weight, self.channels(id, node, op, &element)?];
        let (output_low, output_high) = activation_range(op.activation, &node.output.element);
        let params = params::PointwiseInt8 {
            pixels,
            input_quads,
            output_quads,
            weight_zero_point,
            output_zero_point: zero_point(&node.output.element),
            output_low,
            output_high,
        };
        let kernel = tile_kernel(Shader::PointwiseInt8, weight_zero_point);
        self.compute(id, kernel, &params, &reads, work)
    }

    fn dense(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Convolution,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (shape, element) = (ty.shape, ty.element.clone());
        let output = node.output.shape;
        let window = window_params(&op.window, shape, output);
        let work = Work::Invocations(pixels(output).div_ceil(TILE_PIXELS) * quads(output.c));
        if element.is_float() {
            let reads = [input, self.tiles_f32(id, op)?, self.bias_f32(id, node, op)?];
            let params = params::Conv2dF32 { window, activation: activation_number(op.activation) };
            return self.compute(id, Shader::Conv2dF32, &params, &reads, work);
        }
        let (weight, weight_zero_point) = self.tiles_int8(id, op)?;
        let reads = [input, weight, self.channels(id, node, op, &element)?];
        let (output_low, output_high) = activation_range(op.activation, &node.output.element);
        let params = params::Conv2dInt8 {
            window,
            input_zero_point: zero_point(&element),
            weight_zero_point,
            output_zero_point: zero_point(&node.output.element),
            output_low,
            output_high,
        };
        let kernel = tile_kernel(Shader::Conv2dInt8, weight_zero_point);
        self.compute(id, kernel, &params, &reads, work)
    }

    fn depthwise(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Convolution,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (shape, element) = (ty.shape, ty.element.clone());
        let output = node.output.shape;
        let window = window_params(&op.window, shape, output);
        let work = Work::Invocations(pixels(output).div_ceil(TILE_PIXELS) * quads(output.c));
        let weight = self.graph.param(op.weight);
        if let Some(values) = weight.as_f32() {
            let rows = weights::padded_rows(output.c, values, |x| x);
            let weight = self.blob(id, BlobKind::Weights, &rows)?;
            let reads = [input, weight, self.bias_f32(id, node, op)?];
            let params =
                params::DepthwiseConv2dF32 { window, activation: activation_number(op.activation) };
            return self.compute(id, Shader::DepthwiseConv2dF32, &params, &reads, work);
        }
        let zero = weight_zero_point(weight);
        let values = weight.as_i8().unwrap_or_default();
        let rows = weights::padded_rows(output.c, values, |x| i32::from(x) - zero);
        let weight = self.blob(id, BlobKind::Weights, &rows)?;
        let reads = [input, weight, self.channels(id, node, op, &element)?];
        let (output_low, output_high) = activation_range(op.activation, &node.output.element);
        let params = params::DepthwiseConv2dInt8 {
            window,
            input_zero_point: zero_point(&element),
            output_zero_point: zero_point(&node.output.element),
            output_low,
            output_high,
        };
        self.compute(id, Shader::DepthwiseConv2dInt8, &params, &reads, work)
    }

    fn grouped(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Convolution,
        weight: &Tensor,
        group_outputs: usize,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (shape, element) = (ty.shape, ty.element.clone());
        let output = node.output.shape;
        let window = window_params(&op.window, shape, output);
        let work = super::quad_work(output);
        let group_inputs = weight.shape().c as u32;
        let group_outputs = group_outputs as u32;
        if let Some(values) = weight.as_f32() {
            let lanes = weights::lanes(weight.shape(), values, |x| x);
            let weight = self.blob(id, BlobKind::Weights, &lanes)?;
            let reads = [input, weight, self.bias_f32(id, node, op)?];
            let params = params::GroupedConv2dF32 {
                window,
                group_inputs,
                group_outputs,
                activation: activation_number(op.activation),
            };
            return self.compute(id, Shader::GroupedConv2dF32, &params, &reads, work);
        }
        let zero = weight_zero_point(weight);
        let values = weight.as_i8().unwrap_or_default();
        let lanes = weights::lanes(weight.shape(), values, |x| i32::from(x) - zero);
        let weight = self.blob(id, BlobKind::Weights, &lanes)?;
        let reads = [input, weight, self.channels(id, node, op, &element)?];
        let (output_low, output_high) = activation_range(op.activation, &node.output.element);
        let params = params::GroupedConv2dInt8 {
            window,
            group_inputs,
            group_outputs,
            input_zero_point: zero_point(&element),
            output_zero_point: zero_point(&node.output.element),
            output_low,
            output_high,
        };
        self.compute(id, Shader::GroupedConv2dInt8, &params, &reads, work)
    }

    fn tiles_f32(&mut self, id: NodeId, op: &Convolution) -> Result<Operand, CompileError> {
        let tiles = weights::tiles_f32(self.graph.param(op.weight));
        self.blob(id, BlobKind::Weights, &tiles)
    }

    /// The tiles and the zero point of the weights.
    fn tiles_int8(&mut self, id: NodeId, op: &Convolution) -> Result<(Operand, i32), CompileError> {
        let weight = self.graph.param(op.weight);
        let zero = weight_zero_point(weight);
        let tiles = weights::tiles_int8(weight, zero);
        Ok((self.blob(id, BlobKind::Weights, &tiles)?, zero))
    }

    fn bias_f32(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Convolution,
    ) -> Result<Operand, CompileError> {
        let channels = node.output.shape.c;
        let bias = op.bias.and_then(|bias| self.graph.param(bias).as_f32());
        let zeros = vec![0.0; channels];
        let padded = weights::padded_rows(channels, bias.unwrap_or(&zeros), |x: f32| x);
        self.blob(id, BlobKind::Weights, &padded)
    }

    /// Biases and multipliers. Shaders sum products of weights and stored inputs: what the
    /// input's zero point adds to each sum is taken off the bias here.
    fn channels(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Convolution,
        input: &Element,
    ) -> Result<Operand, CompileError> {
        let weight = self.graph.param(op.weight);
        let (weight_zero, input_zero) = (weight_zero_point(weight), zero_point(input));
        let mut bias = self.bias_int32(node, op);
        let outputs = bias.len();
        for (channel, bias) in bias.iter_mut().enumerate() {
            let weights = weights_of_output(weight, channel, outputs);
            let sum: i64 = weights.map(|w| i64::from(i32::from(w) - weight_zero)).sum();
            // Sums wrap as 32-bit integers do, so the low 32 bits are all there is to it.
            *bias = bias.wrapping_sub((sum * i64::from(input_zero)) as i32);
        }
        let output = &node.output.element;
        let scales = weight.element().quantization().expect("integer weights are quantized");
        let multipliers = output_multipliers(input, scales, output, outputs);
        let records = weights::output_channels(&bias, &multipliers);
        self.blob(id, BlobKind::Weights, &records)
    }

    fn bias_int32(&self, node: &Node, op: &Convolution) -> Vec<i32> {
        let bias = op.bias.and_then(|bias| self.graph.param(bias).as_i32());
        bias.map_or_else(|| vec![0; node.output.shape.c], <[i32]>::to_vec)
    }
}

/// Depthwise weights of several filters a channel as those of a grouped convolution: the same
/// numbers by output channel first.
fn as_grouped(weight: &Tensor) -> Tensor {
    let Shape { h, w, c, .. } = weight.shape();
    let taps = h * w;
    let shape = Shape::new(c, h, w, 1);
    let order = (0..c * taps).map(|i| i % taps * c + i / taps);
    let data = match weight.data() {
        pocketvision_core::TensorData::F32(values) => {
            pocketvision_core::TensorData::F32(order.map(|i| values[i]).collect())
        }
        pocketvision_core::TensorData::I8(values) => {
            pocketvision_core::TensorData::I8(order.map(|i| values[i]).collect())
        }
        other => other.clone(),
    };
    Tensor::new(shape, weight.element().clone(), data).expect("as many weights as before")
}

/// The int8 weights of one output channel of several: side by side, or, in depthwise weights,
/// one at each tap.
fn weights_of_output(weight: &Tensor, channel: usize, outputs: usize) -> impl Iterator<Item = i8> {
    let values = weight.as_i8().unwrap_or_default();
    let fan_in = values.len() / outputs;
    let is_depthwise = weight.shape().n != outputs;
    let (first, step) = if is_depthwise { (channel, outputs) } else { (channel * fan_in, 1) };
    values[first..].iter().step_by(step).take(fan_in).copied()
}

fn weight_zero_point(weight: &Tensor) -> i32 {
    weight.element().quantization().map_or(0, Quantization::zero_point)
}

fn tile_kernel(shader: Shader, weight_zero_point: i32) -> Kernel {
    Kernel { shader, has_weight_zero_point: Some(weight_zero_point != 0) }
}

/// Pixels that one invocation computes.
const TILE_PIXELS: u32 = 4;
