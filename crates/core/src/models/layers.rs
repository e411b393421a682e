//! The layers that definitions are written in, in float or int8, with seeded weights.
//!
//! Weights are drawn so that every layer's sums have variance 1 (He et al., 2015, with the
//! mean square of the input tracked instead of assumed). That fixes the range of every
//! activation in advance, so an int8 network needs no calibration.

use std::sync::Arc;

use super::{BuildOptions, SplitMix64};
use crate::op::{
    ActivationKind, Add, Conv2d, DepthwiseConv2d, IntegerRounding, Padding, Pool2d, PoolKind,
    Quantize, Softmax, Window,
};
use crate::{
    Element, Graph, GraphBuilder, GraphError, NodeId, Op, ParamId, Quantization, Shape, Tensor,
    TensorData, TensorError, TensorType,
};

/// Element type of a network's weights and activations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Precision {
    /// 32-bit float.
    F32,
    /// 8-bit integers: one scale an output channel for weights, one a tensor for
    /// activations. Input and output are uint8.
    Int8,
}

/// A network under construction.
pub(super) struct Layers {
    builder: GraphBuilder,
    random: SplitMix64,
    options: BuildOptions,
}

/// An activation and the mean square of its (expected) values.
#[derive(Clone, Copy)]
pub(super) struct Feature {
    node: NodeId,
    mean_square: f32,
}

impl Layers {
    /// A network and its input image.
    pub(super) fn new(name: &str, options: &BuildOptions) -> Result<(Self, Feature), GraphError> {
        let mut builder = GraphBuilder::new(name);
        let shape = Shape::new(options.batch, options.input_size, options.input_size, 3);
        let node = match options.precision {
            Precision::F32 => builder.input("image", TensorType::new(shape, Element::F32))?,
            Precision::Int8 => {
                let photo = TensorType::new(shape, Element::uint8(1.0 / 128.0, 128));
                let photo = builder.input("image", photo)?;
                let int8 = Element::int8(1.0 / 128.0, 0);
                builder.push_as("image/int8", Op::Quantize(Quantize), &[photo], int8)?
            }
        };
        let layers = Self { builder, random: SplitMix64::new(options.seed), options: *options };
        Ok((layers, Feature { node, mean_square: 1.0 / 3.0 }))
    }

    /// Channels of a feature.
    pub(super) fn channels(&self, x: Feature) -> usize {
        self.builder.ty(x.node).shape.c
    }

    /// A dense convolution with a square kernel and SAME padding.
    pub(super) fn conv(
        &mut self,
        name: &str,
        x: Feature,
        output_channels: usize,
        (kernel, stride): (usize, usize),
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        let input_channels = self.channels(x);
        let shape = Shape::new(output_channels, kernel, kernel, input_channels);
        let fan_in = kernel * kernel * input_channels;
        let (weight, bias) = self.weights(name, x, shape, output_channels, fan_in, 1.0)?;
        let window = Window::square(kernel, stride, Padding::Same);
        let op = Op::Conv2d(Conv2d { window, weight, bias: Some(bias), groups: 1, activation });
        self.push_computed(name, op, &[x], 1.0, activation)
    }

    /// A depthwise convolution with a square kernel and SAME padding.
    pub(super) fn depthwise(
        &mut self,
        name: &str,
        x: Feature,
        (kernel, stride): (usize, usize),
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        let channels = self.channels(x);
        let shape = Shape::new(1, kernel, kernel, channels);
        let (weight, bias) = self.weights(name, x, shape, channels, kernel * kernel, 1.0)?;
        let window = Window::square(kernel, stride, Padding::Same);
        let op =
            Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias: Some(bias), activation });
        self.push_computed(name, op, &[x], 1.0, activation)
    }

    /// The sum of two features.
    pub(super) fn add(
        &mut self,
        name: &str,
        a: Feature,
        b: Feature,
    ) -> Result<Feature, GraphError> {
        let mean_square = a.mean_square + b.mean_square;
        self.push_computed(name, Op::Add(Add { activation: None }), &[a, b], mean_square, None)
    }

    /// The average of each channel over the whole image.
    pub(super) fn global_average_pool(
        &mut self,
        name: &str,
        x: Feature,
    ) -> Result<Feature, GraphError> {
        let TensorType { shape, element } = self.builder.ty(x.node).clone();
        let window =
            Window { kernel_h: shape.h, kernel_w: shape.w, ..Window::square(1, 1, Padding::Valid) };
        let rounding = IntegerRounding::HalfAwayFromZero;
        let op = Op::Pool2d(Pool2d { kind: PoolKind::Average, window, rounding });
        let node = self.builder.push_as(name, op, &[x.node], element)?;
        Ok(Feature { node, ..x })
    }

    /// The classifier, a softmax over its scores, and the finished network.
    pub(super) fn finish(mut self, x: Feature) -> Result<Graph, GraphError> {
        let (classes, input_channels) = (self.options.classes, self.channels(x));
        let shape = Shape::new(classes, 1, 1, input_channels);
        let (weight, bias) =
            self.weights("logits", x, shape, classes, input_channels, LOGIT_VARIANCE)?;
        let window = Window::square(1, 1, Padding::Same);
        let op =
            Op::Conv2d(Conv2d { window, weight, bias: Some(bias), groups: 1, activation: None });
        let logits = self.push_computed("logits", op, &[x], LOGIT_VARIANCE, None)?;
        let softmax = Op::Softmax(Softmax { beta: 1.0 });
        let output = match self.options.precision {
            Precision::F32 => self.builder.push("probabilities", softmax, &[logits.node])?,
            Precision::Int8 => {
                let int8 = Element::int8(1.0 / 256.0, -128);
                let node =
                    self.builder.push_as("probabilities/int8", softmax, &[logits.node], int8)?;
                let uint8 = Element::uint8(1.0 / 256.0, 0);
                self.builder.push_as("probabilities", Op::Quantize(Quantize), &[node], uint8)?
            }
        };
        self.builder.finish(&[output])
    }

    /// A node whose values have the given variance before the activation.
    fn push_computed(
        &mut self,
        name: &str,
        op: Op,
        inputs: &[Feature],
        variance: f32,
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        let inputs: Vec<NodeId> = inputs.iter().map(|x| x.node).collect();
        let largest = RANGE_IN_DEVIATIONS * variance.sqrt();
        let (element, mean_square) = match activation {
            Some(_) => (Element::int8(largest / 255.0, -128), variance / 2.0),
            None => (Element::int8(2.0 * largest / 255.0, 0), variance),
        };
        let node = match self.options.precision {
            Precision::F32 => self.builder.push(name, op, &inputs)?,
            Precision::Int8 => self.builder.push_as(name, op, &inputs, element)?,
        };
        Ok(Feature { node, mean_square })
    }

    /// Weights that turn `x` into sums of the given variance, and a small bias.
    fn weights(
        &mut self,
        name: &str,
        x: Feature,
        shape: Shape,
        output_channels: usize,
        fan_in: usize,
        variance: f32,
    ) -> Result<(ParamId, ParamId), GraphError> {
        let deviation = (variance / (fan_in as f32 * x.mean_square)).sqrt();
        let count = shape.checked_elements().ok_or_else(|| GraphError::Tensor {
            name: name.to_owned(),
            source: TensorError::Size { shape },
        })?;
        // Numbers evenly spread over -1..1 have a deviation of 1 / sqrt(3).
        let largest = deviation * 3f32.sqrt();
        let weights: Vec<f32> = (0..count).map(|_| largest * self.random.signed_unit()).collect();
        let bias: Vec<f32> =
            (0..output_channels).map(|_| BIAS_RANGE * self.random.signed_unit()).collect();

        let (weight, bias) = match self.options.precision {
            Precision::F32 => (
                Tensor::from_f32(shape, weights),
                Tensor::from_f32(Shape::vector(output_channels), bias),
            ),
            Precision::Int8 => {
                let (input_scale, _) =
                    self.builder.ty(x.node).element.per_tensor().expect("an int8 feature");
                quantized(shape, output_channels, &weights, &bias, input_scale)
            }
        };
        let invalid = |source| GraphError::Tensor { name: name.to_owned(), source };
        let weight = self.builder.param(format!("{name}/weight"), weight.map_err(invalid)?);
        let bias = self.builder.param(format!("{name}/bias"), bias.map_err(invalid)?);
        Ok((weight, bias))
    }
}

/// Weights in int8 with one scale an output channel, and the bias at the scale of their sums.
fn quantized(
    shape: Shape,
    output_channels: usize,
    weights: &[f32],
    bias: &[f32],
    input_scale: f32,
) -> (Result<Tensor, TensorError>, Result<Tensor, TensorError>) {
    // Dense weights have the output channel outermost, depthwise weights innermost.
    let per_channel = weights.len() / output_channels;
    let channel = |index: usize| if shape.n == 1 { index % shape.c } else { index / per_channel };
    let mut largest = vec![f32::MIN_POSITIVE; output_channels];
    for (index, weight) in weights.iter().enumerate() {
        let largest = &mut largest[channel(index)];
        *largest = largest.max(weight.abs());
    }
    let scales: Arc<[f32]> = largest.iter().map(|largest| largest / 127.0).collect();
    let sum_scales: Arc<[f32]> = scales.iter().map(|scale| scale * input_scale).collect();
    let integers = weights.iter().enumerate().map(|(i, w)| (w / scales[channel(i)]).round() as i8);
    let bias = bias.iter().zip(&*sum_scales).map(|(b, scale)| (b / scale).round() as i32);
    let bias = TensorData::I32(bias.collect());
    let bias_element = Element::Int32(Quantization::PerChannel { scales: sum_scales });
    let element = Element::Int8(Quantization::PerChannel { scales: scales.clone() });
    (
        Tensor::new(shape, element, TensorData::I8(integers.collect())),
        Tensor::new(Shape::vector(output_channels), bias_element, bias),
    )
}

/// Largest activation that int8 can hold, in standard deviations.
const RANGE_IN_DEVIATIONS: f32 = 4.0;
/// Biases are evenly spread over minus to plus this.
const BIAS_RANGE: f32 = 0.1;
/// Variance of the scores: enough for a softmax with a clear first.
const LOGIT_VARIANCE: f32 = 9.0;
