//! Groups of layers that are one dispatch.

use pocketvision_core::{CompileError, NodeId, Op};
use pocketvision_shaders::{Shader, Work, params};

use super::super::groups::Group;
use super::super::{BlobKind, Kernel, Operand, tiles};
use super::layer::Layer;
use super::{Lowering, activation_number, pool2d, quads, window_params, zero_point};
use crate::layout::LANES;

impl Lowering<'_> {
    /// The dispatch of a group; the operand is its last node's output.
    pub(super) fn group(&mut self, group: Group) -> Result<Operand, CompileError> {
        match group {
            Group::Product { convolution, scaled, sum } => {
                let layer = self.layer_of(convolution);
                self.product(&layer, scaled, sum)
            }
            Group::Dense { pixels, convolution } => {
                self.dense(&self.layer_of(convolution), Some(pixels))
            }
            Group::Project { pixels, first, project, sum } => {
                self.project(pixels, first, project, sum)
            }
            Group::ExpandDepthwise { expand, depthwise } => {
                self.expand_depthwise(expand, depthwise)
            }
            Group::SqueezeExcite { depthwise, squeeze, gate, .. } => {
                self.squeeze_excite(depthwise, squeeze, gate)
            }
            Group::ProductPool { convolution, pool } => self.product_pool(convolution, pool),
        }
    }

    fn layer_of(&self, id: NodeId) -> Layer {
        Layer::of(id, self.graph.node(id)).expect("groups consist of convolutions")
    }

    fn project(
        &mut self,
        pixels: Option<NodeId>,
        first: NodeId,
        project: NodeId,
        sum: Option<NodeId>,
    ) -> Result<Operand, CompileError> {
        let end = sum.unwrap_or(project);
        let (hidden, last) = (self.layer_of(first), self.layer_of(project));
        let node = self.graph.node(first);
        let (input, ty) = self.input(node, 0);
        let (input_shape, element) = (ty.shape, ty.element.clone());
        let shape = node.output.shape;
        let is_depthwise = matches!(node.op, Op::DepthwiseConv2d(_));
        let (mut variant, tile_runs) = tiles::project(self.graph, first, project, &self.limits)
            .expect("groups fit workgroup memory");
        let window = window_params(&hidden.window, input_shape, shape);
        let row_runs = shape.w.div_ceil(variant.tile_pixels as usize);
        let work = Work::Workgroups((shape.n * shape.h * row_runs).div_ceil(tile_runs) as u32);
        let residual = sum.map(|sum| self.other_operand(sum, project));
        let project_channels = self.graph.ty(project).shape.c;
        let (tile_runs, project_quads) = (tile_runs as u32, quads(project_channels));
        if element.is_float() {
            variant.has_sigmoid = hidden.has_sigmoid() || last.has_sigmoid();
            let (shader, input, normalization) = match pixels.map(|id| self.pixels(id)) {
                None => (Shader::Conv2dProjectF32, input, params::Normalization::default()),
                Some((bytes, normalization)) => (Shader::Conv2dProjectPixels, bytes, normalization),
            };
            let mut all =
                if is_depthwise { self.rows_f32(&hidden) } else { self.tiles_f32(&hidden) };
            let project_at = (all.len() / LANES) as u32;
            all.extend(self.tiles_f32(&last));
            let weight = self.float_weights(project, all)?;
            let bias = self.bias_f32(&[&hidden, &last])?;
            let reads = [input, weight, bias, residual.unwrap_or(weight)];
            let hidden_activation = activation_number(hidden.activation);
            let activation = activation_number(last.activation);
            let has_residual = u32::from(residual.is_some());
            let project_channels = project_channels as u32;
            if is_depthwise {
                let params = params::DepthwiseProjectF32 {
                    window,
                    depthwise_at: 0,
                    hidden_activation,
                    tile_runs,
                    project_at,
                    project_quads,
                    project_channels,
                    activation,
                    has_residual,
                };
                let kernel = Kernel { shader: Shader::DepthwiseProjectF32, variant };
                return self.compute(end, kernel, &params, &reads, work);
            }
            let params = params::Conv2dProjectF32 {
                window,
                normalization,
                hidden_activation,
                tile_runs,
                project_at,
                project_quads,
                project_channels,
                activation,
                has_residual,
            };
            let kernel = Kernel { shader, variant };
            return self.compute(end, kernel, &params, &reads, work);
        }
        let weight_zero_point = self.weight_zero_point(&hidden);
        let project_weight_zero_point = self.weight_zero_point(&last);
        variant.has_weight_zero_point =
            project_weight_zero_point != 0 || (!is_depthwise && weight_zero_point != 0);
        let mut all = if is_depthwise { self.rows_int8(&hidden) } else { self.tiles_int8(&hidden) };
        let project_at = (all.len() / LANES) as u32;
        all.extend(self.tiles_int8(&last));
        let weight = self.blob(project, BlobKind::Weights, &all)?;
        let channels = self.channels(&[&hidden, &last])?;
        let reads = [input, weight, channels, residual.unwrap_or(channels)];
        let (hidden_zero_point, hidden_low, hidden_high) = self.output_range(&hidden);
        let (output_zero_point, output_low, output_high) = self.output_range(&last);
        let residual = self.residual_params(project, sum);
        let input_zero_point = zero_point(&element);
        if is_depthwise {
            let params = params::DepthwiseProjectInt8 {
                window,
                residual,
                input_zero_point,
                depthwise_at: 0,
                hidden_zero_point,
                hidden_low,
                hidden_high,
                tile_runs,
                project_at,
                project_quads,
                project_weight_zero_point,
                output_zero_point,
                output_low,
                output_high,
            };
            let kernel = Kernel { shader: Shader::DepthwiseProjectInt8, variant };
            return self.compute(end, kernel, &params, &reads, work);
        }
        let params = params::Conv2dProjectInt8 {
            window,
            residual,
            input_zero_point,
            weight_zero_point,
            hidden_zero_point,
            hidden_low,
            hidden_high,
            tile_runs,
            project_at,
            project_quads,
            project_weight_zero_point,
            output_zero_point,
            output_low,
            output_high,
        };
        let kernel = Kernel { shader: Shader::Conv2dProjectInt8, variant };
        self.compute(end, kernel, &params, &reads, work)
    }

    fn expand_depthwise(
        &mut self,
        expand: NodeId,
        depthwise: NodeId,
    ) -> Result<Operand, CompileError> {
        let (hidden, last) = (self.layer_of(expand), self.layer_of(depthwise));
        let (input, ty) = self.input(self.graph.node(expand), 0);
        let source_quads = quads(ty.shape.c);
        let tiles::Band { mut variant, slice, rows, bands } =
            tiles::band(self.graph, depthwise, &self.limits).expect("groups fit workgroup memory");
        variant.has_sigmoid = hidden.has_sigmoid() || last.has_sigmoid();
        let output = self.graph.ty(depthwise).shape;
        let mut all = self.tiles_f32(&hidden);
        let depthwise_at = (all.len() / LANES) as u32;
        all.extend(self.rows_f32(&last));
        // A slice may reach beyond the last quad, and so read beyond the last weights.
        all.resize(all.len() + SPARE_WEIGHTS, 0.0);
        let reads = [input, self.float_weights(depthwise, all)?, self.bias_f32(&[&hidden, &last])?];
        let params = params::ExpandDepthwiseF32 {
            window: window_params(&last.window, self.graph.ty(expand).shape, output),
            source_quads,
            hidden_activation: activation_number(hidden.activation),
            depthwise_at,
            activation: activation_number(last.activation),
            band_rows: rows as u32,
            bands: bands as u32,
            slice_shift: slice.ilog2(),
        };
        let slices = quads(output.c).div_ceil(slice as u32);
        let work = Work::Workgroups((output.n * bands) as u32 * slices);
        let value = self.value(depthwise, self.graph.ty(depthwise))?;
        let pooled_bytes = (output.n * bands) as u64 * u64::from(quads(output.c)) * 16;
        let pooled = self.value_of_bytes(depthwise, pooled_bytes)?;
        let kernel = Kernel { shader: Shader::ExpandDepthwiseF32, variant };
        self.dispatch(depthwise, kernel, &params, &reads, &[value, pooled], work);
        self.pooled.insert(depthwise, (Operand::Value(pooled), bands as u32));
        Ok(Operand::Value(value))
    }

    fn squeeze_excite(
        &mut self,
        depthwise: NodeId,
        squeeze: NodeId,
        gate: NodeId,
    ) -> Result<Operand, CompileError> {
        let (first, last) = (self.layer_of(squeeze), self.layer_of(gate));
        let (pooled, bands) = self.pooled[&depthwise];
        let image = self.graph.ty(depthwise).shape;
        let mut all = self.tiles_f32(&first);
        let gate_at = (all.len() / LANES) as u32;
        all.extend(self.tiles_f32(&last));
        let reads = [pooled, self.float_weights(gate, all)?, self.bias_f32(&[&first, &last])?];
        let params = params::SqueezeExciteF32 {
            images: image.n as u32,
            bands,
            quads: quads(image.c),
            squeezed_quads: quads(self.graph.ty(squeeze).shape.c),
            per_pixel: 1.0 / image.pixels() as f32,
            squeeze_activation: activation_number(first.activation),
            gate_at,
            gate_activation: activation_number(last.activation),
            channels: image.c as u32,
        };
        let variant = pocketvision_shaders::Variant {
            has_sigmoid: first.has_sigmoid() || last.has_sigmoid(),
            ..Default::default()
        };
        let kernel = Kernel { shader: Shader::SqueezeExciteF32, variant };
        self.compute(gate, kernel, &params, &reads, Work::Workgroups(image.n as u32))
    }

    fn product_pool(&mut self, convolution: NodeId, pool: NodeId) -> Result<Operand, CompileError> {
        let layer = self.layer_of(convolution);
        let (input, ty) = self.input(self.graph.node(convolution), 0);
        let (input_quads, is_float) = (quads(ty.shape.c), ty.element.is_float());
        let output = self.graph.ty(convolution).shape;
        let mut variant = tiles::product_pool(output.pixels(), output.c, &self.limits);
        let (pixels, images) = (output.pixels() as u32, output.n as u32);
        let output_quads = quads(output.c);
        let work = Work::Workgroups(images * output_quads.div_ceil(variant.tile_quads));
        if is_float {
            variant.has_sigmoid = layer.has_sigmoid();
            let tiles = self.tiles_f32(&layer);
            let reads = [input, self.float_weights(convolution, tiles)?, self.bias_f32(&[&layer])?];
            let params = params::ProductPoolF32 {
                pixels,
                images,
                input_quads,
                output_quads,
                output_channels: output.c as u32,
                activation: activation_number(layer.activation),
            };
            let kernel = Kernel { shader: Shader::ProductPoolF32, variant };
            return self.compute(pool, kernel, &params, &reads, work);
        }
        let weight_zero_point = self.weight_zero_point(&layer);
        variant.has_weight_zero_point = weight_zero_point != 0;
        let tiles = self.tiles_int8(&layer);
        let weight = self.blob(convolution, BlobKind::Weights, &tiles)?;
        let reads = [input, weight, self.channels(&[&layer])?];
        let (output_zero_point, output_low, output_high) = self.output_range(&layer);
        let Op::Pool2d(op) = &self.graph.node(pool).op else { unreachable!("groups hold a pool") };
        let average =
            pool2d::average(op, &self.graph.ty(convolution).element, &self.graph.ty(pool).element);
        let params = params::ProductPoolInt8 {
            average,
            pixels,
            images,
            input_quads,
            output_quads,
            weight_zero_point,
            output_zero_point,
            output_low,
            output_high,
        };
        let kernel = Kernel { shader: Shader::ProductPoolInt8, variant };
        self.compute(pool, kernel, &params, &reads, work)
    }
}

/// Numbers behind the last weight that a slice may read: two tiles.
const SPARE_WEIGHTS: usize = 4 * LANES * LANES;
