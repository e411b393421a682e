//! Groups of layers that are one dispatch.

use pocketvision_core::{CompileError, NodeId, Op};
use pocketvision_shaders::{Shader, Work, params};

use super::super::groups::{Activated, Group};
use super::super::{BlobKind, Kernel, Operand, tiles};
use super::{Lowering, activation_number, pool2d, quads, window_params, zero_point};
use crate::layout::LANES;

impl Lowering<'_> {
    /// The dispatch of a group; the operand is its last node's output.
    pub(super) fn group(&mut self, group: &Group) -> Result<Operand, CompileError> {
        match *group {
            Group::Layer(ref activated) => self.layer(activated),
            Group::Product { ref convolution, scaled, sum } => {
                self.product(convolution, scaled, sum)
            }
            Group::Dense { pixels, convolution } => {
                self.dense(&Activated::alone(convolution), Some(pixels))
            }
            Group::Project { pixels, ref first, project, sum } => {
                self.project(pixels, first, project, sum)
            }
            Group::ExpandDepthwise { expand, depthwise } => {
                self.expand_depthwise(expand, depthwise)
            }
            Group::DepthwisePool { depthwise } => self.depthwise_pool(depthwise),
            Group::Squeeze { depthwise, squeeze, .. } => self.squeeze(depthwise, squeeze),
            Group::SqueezeExcite { depthwise, squeeze, gate, .. } => {
                self.squeeze_excite(depthwise, squeeze, gate)
            }
            Group::SqueezeExciteInt8 { pool, ref squeeze, ref gate } => {
                self.squeeze_excite_int8(pool, squeeze, gate)
            }
            Group::ProductPool { ref convolution, pool } => self.product_pool(convolution, pool),
        }
    }

    fn project(
        &mut self,
        pixels: Option<NodeId>,
        first: &Activated,
        project: NodeId,
        sum: Option<NodeId>,
    ) -> Result<Operand, CompileError> {
        let end = sum.unwrap_or(project);
        let (hidden, last) = (self.layer_of(first.layer), self.layer_of(project));
        let node = self.graph.node(first.layer);
        let (input, ty) = self.input(node, 0);
        let (input_shape, element) = (ty.shape, ty.element.clone());
        let shape = node.output.shape;
        let is_depthwise = matches!(node.op, Op::DepthwiseConv2d(_));
        let (mut variant, tile_runs) =
            tiles::project(self.graph, first.layer, project, &self.limits)
                .expect("groups fit workgroup memory");
        let window = window_params(&hidden.window, input_shape, shape);
        let row_runs = shape.w.div_ceil(variant.tile_pixels as usize);
        let work = Work::Workgroups((shape.n * shape.h * row_runs).div_ceil(tile_runs) as u32);
        let residual = sum.map(|sum| self.other_operand(sum, project));
        let project_channels = self.graph.ty(project).shape.c;
        let (tile_runs, project_quads) = (tile_runs as u32, quads(project_channels));
        if element.is_float() {
            variant.has_sigmoid = hidden.has_sigmoid() || last.has_sigmoid();
            let shaders = [
                Shader::Conv2dProjectF32,
                Shader::Conv2dProjectColors,
                Shader::Conv2dProjectPixels,
            ];
            let (shader, input, normalization) = self.floats_or_picture(node, pixels, shaders);
            let mut all =
                if is_depthwise { self.rows_f32(&hidden) } else { self.dense_f32(&hidden) };
            let project_at = (all.len() / LANES) as u32;
            all.extend(self.dense_f32(&last));
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
                let kernel = Kernel::new(Shader::DepthwiseProjectF32, variant);
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
            let kernel = Kernel::new(shader, variant);
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
        variant.has_table = !first.functions.is_empty();
        let table = self.table_or(first, channels)?;
        let reads = [input, weight, channels, residual.unwrap_or(channels), table];
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
            let kernel = Kernel::new(Shader::DepthwiseProjectInt8, variant);
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
        let kernel = Kernel::new(Shader::Conv2dProjectInt8, variant);
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
        let mut all = self.dense_f32(&hidden);
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
        let kernel = Kernel::new(Shader::ExpandDepthwiseF32, variant);
        self.compute_pooled(depthwise, kernel, &params, &reads, bands, work)
    }

    /// How a pool's int8 numbers are averaged.
    pub(super) fn average(&self, pool: NodeId) -> params::Average {
        let node = self.graph.node(pool);
        let Op::Pool2d(op) = &node.op else { unreachable!("groups hold a pool") };
        pool2d::average(op, &self.graph.ty(node.inputs[0]).element, &node.output.element)
    }

    fn product_pool(
        &mut self,
        activated: &Activated,
        pool: NodeId,
    ) -> Result<Operand, CompileError> {
        let convolution = activated.layer;
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
            let rows = self.dense_f32(&layer);
            let reads = [input, self.float_weights(convolution, rows)?, self.bias_f32(&[&layer])?];
            let params = params::ProductPoolF32 {
                pixels,
                images,
                input_quads,
                output_quads,
                output_channels: output.c as u32,
                activation: activation_number(layer.activation),
            };
            let kernel = Kernel::new(Shader::ProductPoolF32, variant);
            return self.compute(pool, kernel, &params, &reads, work);
        }
        let weight_zero_point = self.weight_zero_point(&layer);
        variant.has_weight_zero_point = weight_zero_point != 0;
        let tiles = self.tiles_int8(&layer);
        let weight = self.blob(convolution, BlobKind::Weights, &tiles)?;
        let channels = self.channels(&[&layer])?;
        variant.has_table = !activated.functions.is_empty();
        let reads = [input, weight, channels, self.table_or(activated, channels)?];
        let (output_zero_point, output_low, output_high) = self.output_range(&layer);
        let params = params::ProductPoolInt8 {
            average: self.average(pool),
            pixels,
            images,
            input_quads,
            output_quads,
            weight_zero_point,
            output_zero_point,
            output_low,
            output_high,
        };
        let kernel = Kernel::new(Shader::ProductPoolInt8, variant);
        self.compute(pool, kernel, &params, &reads, work)
    }
}

/// Numbers behind the last weight that a slice may read: two tiles.
const SPARE_WEIGHTS: usize = 4 * LANES * LANES;
