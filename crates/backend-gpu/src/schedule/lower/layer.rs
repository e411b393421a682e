//! What convolutions and fully connected layers have in common: their weights and biases as
//! shaders read them.

use half::f16;
use pocketvision_core::op::{ActivationKind, Conv2d, DepthwiseConv2d, Linear, Padding, Window};
use pocketvision_core::quant::{Multiplier, activation_range, output_multipliers};
use pocketvision_core::{CompileError, Element, Node, NodeId, Op, ParamId, Quantization, Tensor};

use super::super::groups::Activated;
use super::super::{BlobKind, Operand, byte_function};
use super::{Lowering, weights, zero_point};
use crate::layout::LANES;

/// A convolution or fully connected layer.
#[derive(Clone, Copy)]
pub(super) struct Layer {
    pub(super) id: NodeId,
    pub(super) window: Window,
    pub(super) weight: ParamId,
    pub(super) bias: Option<ParamId>,
    pub(super) activation: Option<ActivationKind>,
}

impl Layer {
    pub(super) fn of(id: NodeId, node: &Node) -> Option<Self> {
        let (window, weight, bias, activation) = match node.op {
            Op::Conv2d(Conv2d { window, weight, bias, activation, .. })
            | Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias, activation }) => {
                (window, weight, bias, activation)
            }
            Op::Linear(Linear { weight, bias, activation }) => {
                (Window::square(1, 1, Padding::Valid), weight, bias, activation)
            }
            _ => return None,
        };
        Some(Self { id, window, weight, bias, activation })
    }

    /// Whether its activation is the one that needs exponentials.
    pub(super) fn has_sigmoid(&self) -> bool {
        self.activation == Some(ActivationKind::Sigmoid)
    }
}

impl Lowering<'_> {
    pub(super) fn layer_of(&self, id: NodeId) -> Layer {
        Layer::of(id, self.graph.node(id)).expect("a convolution or linear layer")
    }

    /// The table of the functions that follow a layer; without any, what is bound in its place.
    pub(super) fn table_or(
        &mut self,
        activated: &Activated,
        unused: Operand,
    ) -> Result<Operand, CompileError> {
        if activated.functions.is_empty() {
            return Ok(unused);
        }
        let table = byte_function::table(self.graph, &activated.functions);
        self.blob(activated.layer, BlobKind::Table, &table)
    }

    pub(super) fn weight(&self, layer: &Layer) -> &Tensor {
        self.graph.param(layer.weight)
    }

    pub(super) fn weight_zero_point(&self, layer: &Layer) -> i32 {
        self.weight(layer).element().quantization().map_or(0, Quantization::zero_point)
    }

    /// Float weights on the device, in the precision that tensors have.
    pub(super) fn float_weights(
        &mut self,
        id: NodeId,
        values: Vec<f32>,
    ) -> Result<Operand, CompileError> {
        if self.limits.is_half {
            let halves: Vec<f16> = values.into_iter().map(f16::from_f32).collect();
            return self.blob(id, BlobKind::Weights, halves);
        }
        self.blob(id, BlobKind::Weights, values)
    }

    /// The biases of layers one after the other, each padded to quads, and one quad more.
    pub(super) fn bias_f32(&mut self, layers: &[&Layer]) -> Result<Operand, CompileError> {
        let mut all = Vec::new();
        for layer in layers {
            let channels = self.graph.ty(layer.id).shape.c;
            let bias = layer.bias.and_then(|bias| self.graph.param(bias).as_f32());
            let zeros = vec![0.0; channels];
            let bias = bias.unwrap_or(&zeros);
            all.extend(weights::padded_rows(channels, bias, |x: f32| x));
        }
        // Invocations of two or more quads may look beyond the last.
        all.resize(all.len() + SPARE_QUADS * LANES, 0.0);
        let last = layers[layers.len() - 1];
        self.blob(last.id, BlobKind::Weights, all)
    }

    /// `OutputChannels` of layers one after the other.
    pub(super) fn channels(&mut self, layers: &[&Layer]) -> Result<Operand, CompileError> {
        let mut all = Vec::new();
        for layer in layers {
            all.extend(self.channel_records(layer));
        }
        all.resize(all.len() + SPARE_QUADS * LANES * LANES, 0);
        let last = layers[layers.len() - 1];
        self.blob(last.id, BlobKind::Weights, all)
    }

    /// Biases and multipliers. Shaders sum products of weights and stored inputs: what the
    /// input's zero point adds to each sum is taken off the bias here.
    fn channel_records(&self, layer: &Layer) -> Vec<i32> {
        let node = self.graph.node(layer.id);
        let input = &self.graph.ty(node.inputs[0]).element;
        let weight = self.weight(layer);
        let (weight_zero, input_zero) = (self.weight_zero_point(layer), zero_point(input));
        let outputs = node.output.shape.c;
        let bias = layer.bias.and_then(|bias| self.graph.param(bias).as_i32());
        let mut bias = bias.map_or_else(|| vec![0; outputs], <[i32]>::to_vec);
        for (channel, bias) in bias.iter_mut().enumerate() {
            let weights = weights_of_output(weight, channel, outputs);
            let sum: i64 = weights.map(|w| i64::from(i32::from(w) - weight_zero)).sum();
            // Sums wrap as 32-bit integers do, so the low 32 bits are all there is to it.
            *bias = bias.wrapping_sub((sum * i64::from(input_zero)) as i32);
        }
        let scales = weight.element().quantization().expect("integer weights are quantized");
        let multipliers: Vec<Multiplier> =
            output_multipliers(input, scales, &node.output.element, outputs);
        weights::output_channels(&bias, &multipliers)
    }

    /// Dense weights of f32, in tiles or in rows.
    pub(super) fn dense_f32(&self, layer: &Layer) -> Vec<f32> {
        match self.has_tiles() {
            true => weights::tiles_f32(self.weight(layer)),
            false => weights::rows_f32(self.weight(layer)),
        }
    }

    /// Dense weights as tiles of int8, four bytes a word.
    pub(super) fn tiles_int8(&self, layer: &Layer) -> Vec<i32> {
        let tiles = weights::tiles_int8(self.weight(layer), self.weight_zero_point(layer));
        tiles
            .as_chunks::<LANES>()
            .0
            .iter()
            .map(|word| i32::from_le_bytes(word.map(|b| b as u8)))
            .collect()
    }

    /// Depthwise weights `[tap][quad]`.
    pub(super) fn rows_f32(&self, layer: &Layer) -> Vec<f32> {
        let weight = self.weight(layer);
        weights::padded_rows(weight.shape().c, weight.as_f32().unwrap_or_default(), |x| x)
    }

    /// Depthwise weights `[tap][quad]` less their zero point.
    pub(super) fn rows_int8(&self, layer: &Layer) -> Vec<i32> {
        let weight = self.weight(layer);
        let zero = self.weight_zero_point(layer);
        let values = weight.as_i8().unwrap_or_default();
        weights::padded_rows(weight.shape().c, values, |x| i32::from(x) - zero)
    }

    /// Zero point, smallest and largest output.
    pub(super) fn output_range(&self, layer: &Layer) -> (i32, i32, i32) {
        let element: &Element = &self.graph.ty(layer.id).element;
        let (low, high) = activation_range(layer.activation, element);
        (zero_point(element), low, high)
    }
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

/// Quads behind the last that invocations may read and do not use.
const SPARE_QUADS: usize = 4;
