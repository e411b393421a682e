//! Squeeze-and-excitation: the sums that are pooled before it, and its layers.

use pocketvision_core::{CompileError, NodeId};
use pocketvision_shaders::params::{self, ParamsLayout};
use pocketvision_shaders::{LARGE_WORKGROUP_SIZE, POOLED_SLICE, Shader, Variant, Work};

use super::super::groups::Activated;
use super::super::{BlobKind, Kernel, Operand, byte_function, tiles};
use super::{Lowering, activation_number, quads, window_params};
use crate::layout::LANES;

impl Lowering<'_> {
    pub(super) fn depthwise_pool(&mut self, depthwise: NodeId) -> Result<Operand, CompileError> {
        let layer = self.layer_of(depthwise);
        let (input, ty) = self.input(self.graph.node(depthwise), 0);
        let (input_shape, output_type) = (ty.shape, self.graph.ty(depthwise));
        let output = output_type.shape;
        let mut variant = tiles::depthwise(&layer.window, output_type, &self.limits);
        variant.has_sigmoid = layer.has_sigmoid();
        let rows = self.rows_f32(&layer);
        let reads = [input, self.float_weights(depthwise, rows)?, self.bias_f32(&[&layer])?];
        let image_runs = output.h * output.w.div_ceil(variant.tile_pixels as usize);
        let bands = image_runs.div_ceil((LARGE_WORKGROUP_SIZE / POOLED_SLICE) as usize);
        let params = params::DepthwisePoolF32 {
            window: window_params(&layer.window, input_shape, output),
            depthwise_at: 0,
            activation: activation_number(layer.activation),
            bands: bands as u32,
        };
        let slices = quads(output.c).div_ceil(POOLED_SLICE);
        let work = Work::Workgroups((output.n * bands) as u32 * slices);
        let kernel = Kernel::new(Shader::DepthwisePoolF32, variant);
        self.compute_pooled(depthwise, kernel, &params, &reads, bands, work)
    }

    /// A dispatch that writes a new value of the node's type, and its sums over bands.
    pub(super) fn compute_pooled<P: ParamsLayout>(
        &mut self,
        depthwise: NodeId,
        kernel: Kernel,
        params: &P,
        reads: &[Operand],
        bands: usize,
        work: Work,
    ) -> Result<Operand, CompileError> {
        let output = self.graph.ty(depthwise);
        let value = self.value(depthwise, output)?;
        let pooled_bytes = (output.shape.n * bands) as u64 * u64::from(quads(output.shape.c)) * 16;
        let pooled = self.value_of_bytes(depthwise, pooled_bytes)?;
        self.dispatch(depthwise, kernel, params, reads, &[value, pooled], work);
        self.pooled.insert(depthwise, (Operand::Value(pooled), bands as u32));
        Ok(Operand::Value(value))
    }

    pub(super) fn squeeze(
        &mut self,
        depthwise: NodeId,
        squeeze: NodeId,
    ) -> Result<Operand, CompileError> {
        let layer = self.layer_of(squeeze);
        let (pooled, bands) = self.pooled[&depthwise];
        let (image, squeezed) = (self.graph.ty(depthwise).shape, self.graph.ty(squeeze).shape);
        let rows = self.dense_f32(&layer);
        let reads = [pooled, self.float_weights(squeeze, rows)?, self.bias_f32(&[&layer])?];
        let params = params::SqueezeF32 {
            images: image.n as u32,
            bands,
            quads: quads(image.c),
            squeezed_quads: quads(squeezed.c),
            squeezed_channels: squeezed.c as u32,
            per_pixel: 1.0 / image.pixels() as f32,
            activation: activation_number(layer.activation),
        };
        let variant = Variant { has_sigmoid: layer.has_sigmoid(), ..self.sharing() };
        let kernel = Kernel::new(Shader::SqueezeF32, variant);
        let work = Work::Workgroups(image.n as u32 * quads(squeezed.c));
        self.compute(squeeze, kernel, &params, &reads, work)
    }

    pub(super) fn squeeze_excite(
        &mut self,
        depthwise: NodeId,
        squeeze: NodeId,
        gate: NodeId,
    ) -> Result<Operand, CompileError> {
        let (first, last) = (self.layer_of(squeeze), self.layer_of(gate));
        let (pooled, bands) = self.pooled[&depthwise];
        let image = self.graph.ty(depthwise).shape;
        let mut all = self.dense_f32(&first);
        let gate_at = (all.len() / LANES) as u32;
        all.extend(self.dense_f32(&last));
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
        let variant =
            Variant { has_sigmoid: first.has_sigmoid() || last.has_sigmoid(), ..self.sharing() };
        let kernel = Kernel::new(Shader::SqueezeExciteF32, variant);
        self.compute(gate, kernel, &params, &reads, Work::Workgroups(image.n as u32))
    }

    pub(super) fn squeeze_excite_int8(
        &mut self,
        pool: NodeId,
        squeeze: &Activated,
        gate: &Activated,
    ) -> Result<Operand, CompileError> {
        let (first, last) = (self.layer_of(squeeze.layer), self.layer_of(gate.layer));
        let (input, image) = self.input(self.graph.node(pool), 0);
        let image = image.shape;
        let mut all = self.tiles_int8(&first);
        let gate_at = (all.len() / LANES) as u32;
        all.extend(self.tiles_int8(&last));
        let weight = self.blob(last.id, BlobKind::Weights, &all)?;
        let channels = self.channels(&[&first, &last])?;
        let tables = [self.table_after(squeeze), self.table_after(gate)].concat();
        let table = self.blob(last.id, BlobKind::Table, &tables)?;
        let weight_zero_points = [&first, &last].map(|layer| self.weight_zero_point(layer));
        let variant =
            Variant { has_weight_zero_point: weight_zero_points != [0, 0], ..self.sharing() };
        let params = params::SqueezeExciteInt8 {
            average: self.average(pool),
            images: image.n as u32,
            pixels: image.pixels() as u32,
            quads: quads(image.c),
            squeezed_quads: quads(self.graph.ty(first.id).shape.c),
            squeeze_weight_zero_point: weight_zero_points[0],
            squeeze_zero_point: self.output_range(&first).0,
            gate_at,
            gate_weight_zero_point: weight_zero_points[1],
            gate_zero_point: self.output_range(&last).0,
        };
        let reads = [input, weight, channels, table];
        let kernel = Kernel::new(Shader::SqueezeExciteInt8, variant);
        self.compute(gate.last(), kernel, &params, &reads, Work::Workgroups(image.n as u32))
    }

    /// What becomes of a layer's bytes before they are clamped: the clamp, and all functions.
    fn table_after(&self, layer: &Activated) -> [u8; 256] {
        let table = byte_function::table(self.graph, &layer.functions);
        let (_, low, high) = self.output_range(&self.layer_of(layer.layer));
        std::array::from_fn(|byte| {
            let clamped = i32::from((byte as u8).cast_signed()).clamp(low, high);
            table[usize::from(clamped as u8)]
        })
    }
}
