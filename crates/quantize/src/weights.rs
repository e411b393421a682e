//! Weights and biases as integers.

use std::sync::Arc;

use pocketvision_core::{Element, Quantization, Shape, Tensor, TensorData, TensorError};

use crate::layer::Layer;

/// A layer's weights in int8 and its bias in int32.
#[derive(Clone, Debug)]
pub(crate) struct QuantizedWeights {
    /// Symmetric int8, from -127 to 127.
    pub(crate) weight: Tensor,
    /// Int32 of scale `input scale * weight scale`.
    pub(crate) bias: Tensor,
    scales: Arc<[f32]>,
    sum_scales: Arc<[f32]>,
}

impl QuantizedWeights {
    /// The integers nearest to a layer's weights and bias.
    ///
    /// A channel's scale is its largest weight over 127, or that of the whole layer. It is
    /// larger where the bias would not fit its integer: in a channel of zeros, and in one
    /// whose weights are next to nothing beside its bias.
    ///
    /// # Errors
    /// Never, for weights and a bias of the layer's own shapes.
    pub(crate) fn new(
        layer: &Layer,
        weight: &Tensor,
        bias: &[f32],
        input: &Element,
        per_channel: bool,
    ) -> Result<Self, TensorError> {
        let values = weight.to_f32();
        let (input_scale, _) = input.per_tensor().expect("activations have one scale");
        let mut scales = largest_weights(layer, &values);
        let largest = scales.iter().copied().fold(0.0, f32::max);
        for (scale, bias) in scales.iter_mut().zip(bias) {
            let magnitude = if per_channel && *scale > 0.0 { *scale } else { largest };
            let step = magnitude / LARGEST_INTEGER;
            let step_of_bias = bias.abs() / input_scale / LARGEST_BIAS;
            *scale = step.max(step_of_bias).clamp(LEAST_SCALE, f32::MAX);
        }
        if !per_channel {
            let shared = scales.iter().copied().fold(LEAST_SCALE, f32::max);
            scales.fill(shared);
        }
        let count = values.len();
        let integers = values.iter().enumerate().map(|(index, value)| {
            let scale = scales[layer.output_channel(index, count)];
            (value / scale).round().clamp(-LARGEST_INTEGER, LARGEST_INTEGER) as i8
        });
        let integers = TensorData::I8(integers.collect());
        let sum_scales: Arc<[f32]> =
            scales.iter().map(|scale| (scale * input_scale).max(f32::MIN_POSITIVE)).collect();
        let sums = bias.iter().zip(&*sum_scales);
        let sums = sums.map(|(bias, scale)| (f64::from(*bias) / f64::from(*scale)).round() as i32);
        let sums = TensorData::I32(sums.collect());
        let quantization = |scales: Arc<[f32]>| match per_channel {
            true => Quantization::PerChannel { scales },
            false => Quantization::PerTensor { scale: scales[0], zero_point: 0 },
        };
        let scales: Arc<[f32]> = scales.into();
        let int8 = Element::Int8(quantization(scales.clone()));
        let int32 = Element::Int32(quantization(sum_scales.clone()));
        Ok(Self {
            weight: Tensor::new(weight.shape(), int8, integers)?,
            bias: Tensor::new(Shape::vector(layer.channels), int32, sums)?,
            scales,
            sum_scales,
        })
    }

    /// The real numbers that weights and bias now stand for.
    ///
    /// # Errors
    /// Never, as for [`Self::new`].
    pub(crate) fn real(&self, layer: &Layer) -> Result<(Tensor, Tensor), TensorError> {
        let integers = self.weight.as_i8().expect("int8 weights");
        let weight = integers.iter().enumerate().map(|(index, &integer)| {
            f32::from(integer) * self.scales[layer.output_channel(index, integers.len())]
        });
        let sums = self.bias.as_i32().expect("an int32 bias");
        let bias = sums.iter().zip(&*self.sum_scales).map(|(&sum, scale)| sum as f32 * scale);
        Ok((
            Tensor::from_f32(self.weight.shape(), weight.collect())?,
            Tensor::from_f32(self.bias.shape(), bias.collect())?,
        ))
    }
}

/// The largest magnitude of each output channel's weights.
pub(crate) fn largest_weights(layer: &Layer, weights: &[f32]) -> Vec<f32> {
    let mut largest = vec![0.0f32; layer.channels];
    for (index, weight) in weights.iter().enumerate() {
        let largest = &mut largest[layer.output_channel(index, weights.len())];
        *largest = largest.max(weight.abs());
    }
    largest
}

/// Weights use -127 to 127, so that a product of two never needs the 16th bit twice.
const LARGEST_INTEGER: f32 = 127.0;
/// Half of what int32 holds, so that the sum itself cannot overflow: a layer would need 33
/// thousand inputs at their largest to fill the other half.
const LARGEST_BIAS: f32 = (1 << 30) as f32;
/// A scale that is still a normal f32 after it is multiplied by that of a usual input.
const LEAST_SCALE: f32 = 1e-30;

#[cfg(test)]
mod tests {
    use pocketvision_core::op::Linear;
    use pocketvision_core::{GraphBuilder, Op, TensorType};

    use super::*;

    fn quantized(weights: &[f32], bias: &[f32], per_channel: bool) -> QuantizedWeights {
        let channels = bias.len();
        let shape = Shape::new(channels, 1, 1, weights.len() / channels);
        let weight = Tensor::from_f32(shape, weights.to_vec()).unwrap();
        let mut builder = GraphBuilder::new("layer");
        let ty = TensorType::new(Shape::vector(shape.c), Element::F32);
        let input = builder.input("input", ty).unwrap();
        let linear = Linear {
            weight: builder.param("weight", weight.clone()),
            bias: None,
            activation: None,
        };
        let output = builder.push("linear", Op::Linear(linear), &[input]).unwrap();
        let graph = builder.finish(&[output]).unwrap();
        let layer = Layer::of(&graph, graph.node(output)).unwrap();
        QuantizedWeights::new(&layer, &weight, bias, &Element::int8(0.02, 3), per_channel).unwrap()
    }

    #[test]
    fn a_dead_channel_keeps_its_bias() {
        for weights in [[0.0, 0.0, 1.0, -2.0], [1e-20, 0.0, 1.0, -2.0], [0.0; 4]] {
            let found = quantized(&weights, &[0.5, -30_000.0], true);
            for (channel, bias) in [0.5, -30_000.0].into_iter().enumerate() {
                let integer = found.bias.as_i32().unwrap()[channel];
                let real = f64::from(integer) * f64::from(found.sum_scales[channel]);
                assert!((real / bias - 1.0).abs() < 0.01, "{weights:?}: {real} {bias}");
            }
        }
    }

    #[test]
    fn one_scale_a_layer_is_that_of_its_largest_weight() {
        let found = quantized(&[0.1, -0.2, 1.0, -2.54], &[0.0, 0.0], false);
        assert_eq!(found.weight.element().per_tensor(), Some((0.02, 0)));
        assert_eq!(found.weight.as_i8().unwrap(), [5, -10, 50, -127]);
    }
}
