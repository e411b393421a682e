//! Convolutions and fully connected layers, alone or with what comes right before and after.

use pocketvision_core::op::Conv2d;
use pocketvision_core::quant::{QuantizedAdd, QuantizedMul};
use pocketvision_core::{CompileError, Node, NodeId, Op, Shape, Tensor};
use pocketvision_shaders::{Shader, Variant, Work, params};

use super::super::groups::Activated;
use super::super::{BlobKind, Kernel, Operand, grouping, tiles};
use super::layer::Layer;
use super::{Lowering, activation_number, quad_work, quads, weights, window_params, zero_point};

impl Lowering<'_> {
    /// A layer by itself.
    pub(super) fn layer(&mut self, activated: &Activated) -> Result<Operand, CompileError> {
        let layer = self.layer_of(activated.layer);
        let node = self.graph.node(layer.id);
        match &node.op {
            Op::Conv2d(Conv2d { groups, .. }) if *groups > 1 => {
                let weight = self.weight(&layer).clone();
                let group_outputs = weight.shape().n / groups;
                self.grouped(node, &layer, &weight, group_outputs)
            }
            Op::DepthwiseConv2d(_) => {
                let filters = node.output.shape.c / self.input(node, 0).1.shape.c;
                if filters > 1 || !tiles::can_unroll(&layer.window) {
                    let weight = as_grouped(self.weight(&layer));
                    return self.grouped(node, &layer, &weight, filters);
                }
                self.depthwise(activated)
            }
            Op::Conv2d(_) if !layer.window.is_pointwise() => {
                if !tiles::can_unroll(&layer.window) {
                    let weight = self.weight(&layer).clone();
                    return self.grouped(node, &layer, &weight, node.output.shape.c);
                }
                self.dense(activated, None)
            }
            _ => self.product(activated, None, None),
        }
    }

    /// A 1x1 convolution or fully connected layer, of an input that `scaled` multiplies, to
    /// which `sum` adds.
    pub(super) fn product(
        &mut self,
        activated: &Activated,
        scaled: Option<NodeId>,
        sum: Option<NodeId>,
    ) -> Result<Operand, CompileError> {
        let (layer, own) = (&self.layer_of(activated.layer), activated.last());
        let end = sum.unwrap_or(own);
        let node = self.graph.node(layer.id);
        let ty = self.graph.ty(node.inputs[0]).clone();
        let output = node.output.shape;
        let pixels = output.n * output.pixels();
        let mut variant = tiles::product(pixels, ty.shape.c, &node.output, &self.limits);
        let residual = sum.map(|sum| self.other_operand(sum, own));
        let (input, scale) = match scaled {
            None => (self.input(node, 0).0, None),
            Some(scaled) => {
                let factors = self.image_and_scale(scaled);
                let [image, scale] = factors.map(|id| self.operands[id.index()]);
                (image, Some(scale))
            }
        };
        variant.has_scale = scale.is_some();
        // Tiles may not straddle images where each image has a scale of its own.
        let images = if scale.is_some() { output.n } else { 1 };
        let pixel_tiles = images * (pixels / images).div_ceil(variant.tile_pixels as usize);
        let quad_tiles = quads(output.c).div_ceil(variant.team_quads()) as usize;
        let work = tiles::work(&variant, pixel_tiles * quad_tiles);
        if ty.element.is_float() {
            variant.has_sigmoid = layer.has_sigmoid();
            let rows = self.dense_f32(layer);
            let weight = self.float_weights(layer.id, rows)?;
            let bias = self.bias_f32(&[layer])?;
            let unused = weight;
            let reads = [input, weight, bias, scale.unwrap_or(unused), residual.unwrap_or(unused)];
            let params = params::ProductF32 {
                pixels: (pixels / images) as u32,
                images: images as u32,
                input_quads: quads(ty.shape.c),
                output_quads: quads(output.c),
                output_channels: output.c as u32,
                activation: activation_number(layer.activation),
                has_residual: u32::from(residual.is_some()),
            };
            let kernel = Kernel::new(Shader::ProductF32, variant);
            return self.compute(end, kernel, &params, &reads, work);
        }
        let weight_zero_point = self.weight_zero_point(layer);
        variant.has_weight_zero_point = weight_zero_point != 0;
        let tiles = self.tiles_int8(layer);
        let weight = self.blob(layer.id, BlobKind::Weights, &tiles)?;
        let channels = self.channels(&[layer])?;
        let unused = channels;
        variant.has_table = !activated.functions.is_empty();
        let table = self.table_or(activated, unused)?;
        let (scale, residual) = (scale.unwrap_or(unused), residual.unwrap_or(unused));
        let reads = [input, weight, channels, scale, residual, table];
        let (output_zero_point, output_low, output_high) = self.output_range(layer);
        let params = params::ProductInt8 {
            scaling: scaled.map_or_else(params::Scaling::default, |id| self.scaling_params(id)),
            residual: self.residual_params(own, sum),
            pixels: (pixels / images) as u32,
            images: images as u32,
            input_quads: quads(ty.shape.c),
            output_quads: quads(output.c),
            weight_zero_point,
            output_zero_point,
            output_low,
            output_high,
        };
        let kernel = Kernel::new(Shader::ProductInt8, variant);
        self.compute(end, kernel, &params, &reads, work)
    }

    /// A dense convolution, of an input whose bytes `pixels` normalizes.
    pub(super) fn dense(
        &mut self,
        activated: &Activated,
        pixels: Option<NodeId>,
    ) -> Result<Operand, CompileError> {
        let layer = &self.layer_of(activated.layer);
        let node = self.graph.node(layer.id);
        let (input, ty) = self.input(node, 0);
        let (shape, element) = (ty.shape, ty.element.clone());
        let output = node.output.shape;
        let window = window_params(&layer.window, shape, output);
        let mut variant = tiles::convolution(&layer.window, shape.c, &node.output, &self.limits);
        let runs = tiles::runs(&node.output, variant.tile_pixels as usize);
        let run_tiles = runs.div_ceil(variant.loaders() as usize);
        let quad_tiles = quads(output.c).div_ceil(variant.tile_quads) as usize;
        let work = tiles::work(&variant, run_tiles * quad_tiles);
        if element.is_float() {
            variant.has_sigmoid = layer.has_sigmoid();
            let shaders = [Shader::Conv2dF32, Shader::Conv2dColors, Shader::Conv2dPixels];
            let (shader, input, normalization) = self.floats_or_picture(node, pixels, shaders);
            let rows = self.dense_f32(layer);
            let reads = [input, self.float_weights(layer.id, rows)?, self.bias_f32(&[layer])?];
            let activation = activation_number(layer.activation);
            let params = params::Conv2dF32 { window, normalization, activation };
            let kernel = Kernel::new(shader, variant);
            return self.compute(layer.id, kernel, &params, &reads, work);
        }
        let weight_zero_point = self.weight_zero_point(layer);
        variant.has_weight_zero_point = weight_zero_point != 0;
        let tiles = self.tiles_int8(layer);
        let weight = self.blob(layer.id, BlobKind::Weights, &tiles)?;
        let channels = self.channels(&[layer])?;
        variant.has_table = !activated.functions.is_empty();
        let reads = [input, weight, channels, self.table_or(activated, channels)?];
        let (output_zero_point, output_low, output_high) = self.output_range(layer);
        let params = params::Conv2dInt8 {
            window,
            input_zero_point: zero_point(&element),
            weight_zero_point,
            output_zero_point,
            output_low,
            output_high,
        };
        let kernel = Kernel::new(Shader::Conv2dInt8, variant);
        self.compute(activated.last(), kernel, &params, &reads, work)
    }

    fn depthwise(&mut self, activated: &Activated) -> Result<Operand, CompileError> {
        let layer = &self.layer_of(activated.layer);
        let node = self.graph.node(layer.id);
        let (input, ty) = self.input(node, 0);
        let (shape, element) = (ty.shape, ty.element.clone());
        let output = node.output.shape;
        let window = window_params(&layer.window, shape, output);
        let mut variant = tiles::depthwise(&layer.window, &node.output, &self.limits);
        let runs = tiles::runs(&node.output, variant.tile_pixels as usize);
        let loaders = variant.loaders();
        let work = Work::Invocations((runs as u32).next_multiple_of(loaders) * quads(output.c));
        if element.is_float() {
            variant.has_sigmoid = layer.has_sigmoid();
            let rows = self.rows_f32(layer);
            let reads = [input, self.float_weights(layer.id, rows)?, self.bias_f32(&[layer])?];
            let activation = activation_number(layer.activation);
            let params = params::DepthwiseConv2dF32 { window, depthwise_at: 0, activation };
            let kernel = Kernel::new(Shader::DepthwiseConv2dF32, variant);
            return self.compute(layer.id, kernel, &params, &reads, work);
        }
        let rows = self.rows_int8(layer);
        let weight = self.blob(layer.id, BlobKind::Weights, &rows)?;
        let channels = self.channels(&[layer])?;
        variant.has_table = !activated.functions.is_empty();
        let reads = [input, weight, channels, self.table_or(activated, channels)?];
        let (output_zero_point, output_low, output_high) = self.output_range(layer);
        let params = params::DepthwiseConv2dInt8 {
            window,
            depthwise_at: 0,
            input_zero_point: zero_point(&element),
            output_zero_point,
            output_low,
            output_high,
        };
        let kernel = Kernel::new(Shader::DepthwiseConv2dInt8, variant);
        self.compute(activated.last(), kernel, &params, &reads, work)
    }

    /// Groups, several filters a channel, and windows too wide to be written out.
    fn grouped(
        &mut self,
        node: &Node,
        layer: &Layer,
        weight: &Tensor,
        group_outputs: usize,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let (shape, element) = (ty.shape, ty.element.clone());
        let output = node.output.shape;
        let window = window_params(&layer.window, shape, output);
        let work = quad_work(output);
        let group_inputs = weight.shape().c as u32;
        let group_outputs = group_outputs as u32;
        if let Some(values) = weight.as_f32() {
            let variant = Variant { has_sigmoid: layer.has_sigmoid(), ..Variant::default() };
            let lanes = weights::lanes(weight.shape(), values, |x| x);
            let reads = [input, self.float_weights(layer.id, lanes)?, self.bias_f32(&[layer])?];
            let params = params::GroupedConv2dF32 {
                window,
                group_inputs,
                group_outputs,
                activation: activation_number(layer.activation),
            };
            let kernel = Kernel::new(Shader::GroupedConv2dF32, variant);
            return self.compute(layer.id, kernel, &params, &reads, work);
        }
        let zero = self.weight_zero_point(layer);
        let values = weight.as_i8().unwrap_or_default();
        let lanes = weights::lanes(weight.shape(), values, |x| i32::from(x) - zero);
        let weight = self.blob(layer.id, BlobKind::Weights, &lanes)?;
        let reads = [input, weight, self.channels(&[layer])?];
        let (output_zero_point, output_low, output_high) = self.output_range(layer);
        let params = params::GroupedConv2dInt8 {
            window,
            group_inputs,
            group_outputs,
            input_zero_point: zero_point(&element),
            output_zero_point,
            output_low,
            output_high,
        };
        self.compute(layer.id, Shader::GroupedConv2dInt8, &params, &reads, work)
    }

    /// What a sum adds to `own`.
    pub(super) fn other_operand(&self, sum: NodeId, own: NodeId) -> Operand {
        let inputs = &self.graph.node(sum).inputs;
        let other = if inputs[0] == own { inputs[1] } else { inputs[0] };
        self.operands[other.index()]
    }

    /// The two factors of a scaled image.
    fn image_and_scale(&self, scaled: NodeId) -> [NodeId; 2] {
        let inputs = &self.graph.node(scaled).inputs;
        let scale = grouping::scale_operand(self.graph, scaled).expect("a scaled image");
        [inputs[1 - scale], inputs[scale]]
    }

    /// How an int8 image is scaled.
    fn scaling_params(&self, scaled: NodeId) -> params::Scaling {
        let node = self.graph.node(scaled);
        let Op::Mul(op) = &node.op else { return params::Scaling::default() };
        let [image, scale] = self.image_and_scale(scaled).map(|id| &self.graph.ty(id).element);
        let mul = QuantizedMul::new(image, scale, &node.output.element, op.activation);
        params::Scaling {
            image_zero_point: mul.a_zero_point,
            scale_zero_point: mul.b_zero_point,
            mantissa: mul.output_multiplier.mantissa.cast_unsigned(),
            shift_right: mul.output_multiplier.shifts().1,
            zero_point: mul.output_zero_point,
            low: mul.range.0,
            high: mul.range.1,
            unused_0: 0,
        }
    }

    /// How an int8 sum scales its operands.
    pub(super) fn residual_params(&self, own: NodeId, sum: Option<NodeId>) -> params::Residual {
        let Some(sum) = sum else { return params::Residual::default() };
        let node = self.graph.node(sum);
        let Op::Add(op) = &node.op else { return params::Residual::default() };
        let [a, b] = [0, 1].map(|i| &self.graph.ty(node.inputs[i]).element);
        let add = QuantizedAdd::new(a, b, &node.output.element, op.activation);
        let mut operands =
            [(add.a_zero_point, add.a_multiplier), (add.b_zero_point, add.b_multiplier)];
        if node.inputs[0] != own {
            operands.reverse();
        }
        let [(own_zero_point, own), (zero_point, other)] = operands;
        // All three are below 1, so none shifts to the left.
        let right = |multiplier: pocketvision_core::quant::Multiplier| multiplier.shifts().1;
        params::Residual {
            is_added: 1,
            own_zero_point,
            own_mantissa: own.mantissa,
            own_shift_right: right(own),
            zero_point,
            mantissa: other.mantissa,
            shift_right: right(other),
            sum_mantissa: add.output_multiplier.mantissa,
            sum_shift_right: right(add.output_multiplier),
            sum_zero_point: add.output_zero_point,
            sum_low: add.range.0,
            sum_high: add.range.1,
        }
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
