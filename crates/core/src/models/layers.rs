//! The layers that definitions are written in, in float or int8.
//!
//! Random weights are drawn so that every layer's sums have variance 1 (the mean square of
//! the input is tracked instead of assumed). That fixes the range of every activation in
//! advance, so an int8 network of random weights needs no calibration.

use std::sync::Arc;

use super::BuildOptions;
use super::weights::{LayerName, LayerRequest, LayerWeights, WeightSource};
use crate::detection::{BoxCoder, Suppression};
use crate::op::{
    Activation, ActivationKind, Add, ArgMax, Axis, Concat, Conv2d, CoordinateMode, DepthwiseConv2d,
    DetectionPostprocess, IntegerRounding, Mul, Padding, Pool2d, PoolKind, Quantize, Reshape,
    Resize, ResizeKind, Softmax, Window,
};
use crate::{
    Element, Graph, GraphBuilder, GraphError, NodeId, Op, ParamId, Quantization, Shape, Tensor,
    TensorData, TensorError, TensorType,
};

/// Element type of a network's weights and activations.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions, Precision};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let bytes = |precision| {
///     let options = BuildOptions { precision, ..network.options() };
///     network.build(&options).map(|graph| graph.parameter_bytes())
/// };
/// assert!(bytes(Precision::Int8)? * 3 < bytes(Precision::F32)?);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Precision {
    /// 32-bit float.
    F32,
    /// 8-bit integers: one scale an output channel for weights, one a tensor for
    /// activations. Input and output are uint8. For random weights only: the ranges of
    /// trained ones must be measured (the quantize crate does).
    Int8,
}

/// Where the border of a convolution lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PaddingStyle {
    /// TensorFlow's SAME: the odd pixel at the bottom and right.
    Same,
    /// PyTorch's `kernel / 2` on every side: the same sizes, a grid shifted by a pixel where
    /// the stride is 2.
    Symmetric,
}

/// A network under construction.
pub(super) struct Layers<'a> {
    builder: GraphBuilder,
    source: &'a mut dyn WeightSource,
    options: BuildOptions,
    /// How many times smaller features may become, if that is limited.
    smallest: Option<usize>,
    /// How many times smaller they are.
    reached: usize,
    /// Distance between the taps of windows.
    dilation: usize,
}

/// An activation and the mean square of its (expected) values.
#[derive(Clone, Copy)]
pub(super) struct Feature {
    node: NodeId,
    mean_square: f32,
}

impl<'a> Layers<'a> {
    /// A network and its input image.
    pub(super) fn new(
        name: &str,
        options: &BuildOptions,
        source: &'a mut dyn WeightSource,
    ) -> Result<(Self, Feature), GraphError> {
        let mut builder = GraphBuilder::new(name);
        let shape =
            Shape::new(options.batch, options.input_size.height, options.input_size.width, 3);
        let node = match options.precision {
            Precision::F32 => builder.input("image", TensorType::new(shape, Element::F32))?,
            Precision::Int8 => {
                let photo = TensorType::new(shape, Element::uint8(1.0 / 128.0, 128));
                let photo = builder.input("image", photo)?;
                let int8 = Element::int8(1.0 / 128.0, 0);
                builder.push_as("image/int8", Op::Quantize(Quantize), &[photo], int8)?
            }
        };
        let options = *options;
        let (smallest, reached, dilation) = (None, 2, 1);
        let layers = Self { builder, source, options, smallest, reached, dilation };
        Ok((layers, Feature { node, mean_square: 1.0 / 3.0 }))
    }

    /// Channels of a feature.
    pub(super) fn channels(&self, x: Feature) -> usize {
        self.builder.ty(x.node).shape.c
    }

    /// A normalised convolution with a square kernel.
    pub(super) fn conv(
        &mut self,
        name: LayerName,
        x: Feature,
        output_channels: usize,
        (kernel, stride): (usize, usize),
        groups: usize,
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        let window = self.window(kernel, stride);
        let shape = Shape::new(output_channels, kernel, kernel, self.channels(x) / groups);
        let request = self.request(name, x, shape);
        self.dense_layer(&request, x, window, groups, activation)
    }

    /// A pointwise layer with a bias and no normalisation.
    pub(super) fn dense(
        &mut self,
        name: LayerName,
        x: Feature,
        output_channels: usize,
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        let shape = Shape::new(output_channels, 1, 1, self.channels(x));
        let request = LayerRequest { normalized: false, ..self.request(name, x, shape) };
        self.dense_layer(&request, x, self.window(1, 1), 1, activation)
    }

    /// A normalised depthwise convolution with a square kernel.
    pub(super) fn depthwise(
        &mut self,
        name: LayerName,
        x: Feature,
        (kernel, stride): (usize, usize),
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        let shape = Shape::new(1, kernel, kernel, self.channels(x));
        let request = LayerRequest { depthwise: true, ..self.request(name, x, shape) };
        let window = self.window(kernel, stride);
        let (weight, bias) = self.weights(&request, x)?;
        let op = |activation| {
            let bias = Some(bias);
            Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias, activation })
        };
        self.push_computed(&name.to_string(), op, &[x], request.variance, activation)
    }

    /// Each channel weighed by a gate that all channels' averages decide (Hu et al., 2018;
    /// with MobileNetV3's hard sigmoid).
    pub(super) fn squeeze_excite(
        &mut self,
        name: &str,
        [squeeze, excite]: [LayerName; 2],
        x: Feature,
        squeezed_channels: usize,
    ) -> Result<Feature, GraphError> {
        let channels = self.channels(x);
        let y = self.global_average_pool(&format!("{name}/squeeze_pool"), x)?;
        let y = self.dense(squeeze, y, squeezed_channels, Some(ActivationKind::Relu))?;
        let y = self.dense(excite, y, channels, None)?;
        let gate = self.gate(&format!("{name}/gate"), y)?;
        self.weighed(&format!("{name}/scale"), x, gate)
    }

    /// The sum of two features.
    pub(super) fn add(
        &mut self,
        name: &str,
        a: Feature,
        b: Feature,
    ) -> Result<Feature, GraphError> {
        let mean_square = a.mean_square + b.mean_square;
        self.push_computed(
            name,
            |activation| Op::Add(Add { activation }),
            &[a, b],
            mean_square,
            None,
        )
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
        let shape = Shape::new(self.options.classes, 1, 1, self.channels(x));
        let request = LayerRequest {
            normalized: false,
            variance: LOGIT_VARIANCE,
            ..self.request(LayerName::Logits, x, shape)
        };
        let logits = self.dense_layer(&request, x, self.window(1, 1), 1, None)?;
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

    /// Keeps features from becoming more than so many times smaller than the image: later blocks
    /// keep their size, and windows have gaps for what they would have skipped.
    pub(super) const fn keep_size_beyond(&mut self, output_stride: usize) {
        self.smallest = Some(output_stride);
    }

    /// The stride that a block is left of its own.
    pub(super) fn stride(&self, own: usize) -> usize {
        if self.smallest.is_some_and(|smallest| self.reached * own > smallest) { 1 } else { own }
    }

    /// Notes that a block of a stride is over.
    pub(super) fn end_block(&mut self, own: usize) {
        if self.stride(own) == own {
            self.reached *= own;
        } else {
            self.dilation *= own;
        }
    }

    /// Height and width of a feature.
    pub(super) fn size(&self, x: Feature) -> [usize; 2] {
        let shape = self.builder.ty(x.node).shape;
        [shape.h, shape.w]
    }

    /// A feature at another size, interpolated, corners aligned.
    pub(super) fn resize(
        &mut self,
        name: &str,
        x: Feature,
        [height, width]: [usize; 2],
    ) -> Result<Feature, GraphError> {
        let op = Resize {
            kind: ResizeKind::Bilinear,
            coordinates: CoordinateMode::AlignCorners,
            ..Resize::repeat(height, width)
        };
        let element = self.builder.ty(x.node).element.clone();
        let node = self.push(name, Op::Resize(op), &[x.node], element)?;
        Ok(Feature { node, ..x })
    }

    /// Averages of windows, of the whole image where it is smaller.
    pub(super) fn average_pool(
        &mut self,
        name: &str,
        x: Feature,
        kernel: usize,
        [stride_h, stride_w]: [usize; 2],
    ) -> Result<Feature, GraphError> {
        let TensorType { shape, element } = self.builder.ty(x.node).clone();
        let window = Window {
            kernel_h: kernel.min(shape.h),
            kernel_w: kernel.min(shape.w),
            stride_h,
            stride_w,
            ..Window::square(1, 1, Padding::Valid)
        };
        let rounding = IntegerRounding::HalfAwayFromZero;
        let op = Op::Pool2d(Pool2d { kind: PoolKind::Average, window, rounding });
        let node = self.push(name, op, &[x.node], element)?;
        Ok(Feature { node, ..x })
    }

    /// A number from 0 to 1 for each of a feature's.
    pub(super) fn gate(&mut self, name: &str, x: Feature) -> Result<Feature, GraphError> {
        let op = Op::Activation(Activation { kind: ActivationKind::HardSigmoid });
        let node = self.push(name, op, &[x.node], Element::int8(1.0 / 256.0, -128))?;
        Ok(Feature { node, mean_square: GATE_MEAN_SQUARE })
    }

    /// A feature times a gate, which is at most 1: the product has the feature's range.
    pub(super) fn weighed(
        &mut self,
        name: &str,
        x: Feature,
        gate: Feature,
    ) -> Result<Feature, GraphError> {
        let element = self.builder.ty(x.node).element.clone();
        let op = Op::Mul(Mul { activation: None });
        let node = self.push(name, op, &[x.node, gate.node], element)?;
        Ok(Feature { node, mean_square: x.mean_square * gate.mean_square })
    }

    /// Features side by side, all of one scale.
    pub(super) fn beside(&mut self, name: &str, parts: &[Feature]) -> Result<Feature, GraphError> {
        let nodes: Vec<NodeId> = parts.iter().map(|part| part.node).collect();
        let element = self.builder.ty(nodes[0]).element.clone();
        let op = Op::Concat(Concat::along(Axis::Channels));
        Ok(Feature { node: self.push(name, op, &nodes, element)?, ..parts[0] })
    }

    /// The finished segmentation network: the class of the largest score of each pixel.
    pub(super) fn finish_classes(mut self, logits: Feature) -> Result<Graph, GraphError> {
        let node = self.builder.push("classes", Op::ArgMax(ArgMax), &[logits.node])?;
        self.builder.finish(&[node])
    }

    /// The numbers of a feature as rows of so many, pixel by pixel.
    pub(super) fn rows(
        &mut self,
        name: &str,
        x: Feature,
        numbers: usize,
    ) -> Result<Feature, GraphError> {
        let elements = self.builder.ty(x.node).shape.elements();
        let shape = Shape::new(1, 1, elements / numbers.max(1), numbers);
        let node = self.builder.push(name, Op::Reshape(Reshape { shape }), &[x.node])?;
        Ok(Feature { node, ..x })
    }

    /// Rows below each other, all of one scale.
    pub(super) fn stacked(&mut self, name: &str, parts: &[Feature]) -> Result<Feature, GraphError> {
        let nodes: Vec<NodeId> = parts.iter().map(|part| part.node).collect();
        let element = self.builder.ty(nodes[0]).element.clone();
        let op = Op::Concat(Concat::along(Axis::Width));
        Ok(Feature { node: self.push(name, op, &nodes, element)?, ..parts[0] })
    }

    /// Scores from logits, each for itself.
    pub(super) fn sigmoid(&mut self, name: &str, x: Feature) -> Result<Feature, GraphError> {
        let op = Op::Activation(Activation { kind: ActivationKind::Sigmoid });
        let node = self.push(name, op, &[x.node], Element::int8(1.0 / 256.0, -128))?;
        Ok(Feature { node, mean_square: SCORE_MEAN_SQUARE })
    }

    /// The finished detector, from rows of box encodings and of scores, the background's first.
    pub(super) fn finish_detections(
        mut self,
        (boxes, scores): (Feature, Feature),
        anchors: &[[f32; 4]],
        coder: BoxCoder,
        suppression: Suppression,
    ) -> Result<Graph, GraphError> {
        let shape = Shape::new(1, 1, anchors.len(), 4);
        let anchors = Tensor::from_f32(shape, anchors.as_flattened().to_vec())
            .map_err(|source| GraphError::Tensor { name: "anchors".into(), source })?;
        let anchors = self.builder.param("anchors", anchors);
        let classes = self.channels(scores).saturating_sub(1);
        let op = DetectionPostprocess { anchors, coder, suppression, classes };
        let op = Op::DetectionPostprocess(op);
        let node = self.builder.push("detections", op, &[boxes.node, scores.node])?;
        self.builder.finish(&[node])
    }

    fn window(&self, kernel: usize, stride: usize) -> Window {
        let dilation = if kernel > 1 { self.dilation } else { 1 };
        let border = kernel / 2 * dilation;
        let padding = match self.options.padding {
            PaddingStyle::Symmetric if border > 0 => {
                Padding::Explicit { top: border, bottom: border, left: border, right: border }
            }
            _ => Padding::Same,
        };
        let (dilation_h, dilation_w) = (dilation, dilation);
        Window { dilation_h, dilation_w, ..Window::square(kernel, stride, padding) }
    }

    fn request(&self, name: LayerName, x: Feature, shape: Shape) -> LayerRequest {
        LayerRequest {
            name,
            shape,
            depthwise: false,
            normalized: true,
            input_mean_square: x.mean_square,
            variance: 1.0,
        }
    }

    fn dense_layer(
        &mut self,
        request: &LayerRequest,
        x: Feature,
        window: Window,
        groups: usize,
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        let (weight, bias) = self.weights(request, x)?;
        let op = |activation| {
            Op::Conv2d(Conv2d { window, weight, bias: Some(bias), groups, activation })
        };
        self.push_computed(&request.name.to_string(), op, &[x], request.variance, activation)
    }

    /// A node whose values have the given variance before the activation. In int8 an
    /// activation that is more than a clamp is a node of its own.
    fn push_computed(
        &mut self,
        name: &str,
        op: impl Fn(Option<ActivationKind>) -> Op,
        inputs: &[Feature],
        variance: f32,
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        let inputs: Vec<NodeId> = inputs.iter().map(|x| x.node).collect();
        let largest = RANGE_IN_DEVIATIONS * variance.sqrt();
        let symmetric = Element::int8(2.0 * largest / 255.0, 0);
        let (element, mean_square) = match activation {
            None => (symmetric, variance),
            Some(ActivationKind::HardSwish) => {
                let scale = (largest + HARD_SWISH_DEPTH) / 255.0;
                let zero_point = (HARD_SWISH_DEPTH / scale).round() as i32 - 128;
                let int8 = Element::int8(scale, zero_point);
                let is_int8 = self.options.precision == Precision::Int8;
                let mut node = self.push(
                    &if is_int8 { format!("{name}/sum") } else { name.to_owned() },
                    op(activation.filter(|_| !is_int8)),
                    &inputs,
                    symmetric,
                )?;
                if is_int8 {
                    let kind = ActivationKind::HardSwish;
                    node = self.push(name, Op::Activation(Activation { kind }), &[node], int8)?;
                }
                return Ok(Feature { node, mean_square: variance / 3.0 });
            }
            Some(ActivationKind::Relu6) => {
                (Element::int8(largest.min(6.0) / 255.0, -128), variance / 2.0)
            }
            Some(_) => (Element::int8(largest / 255.0, -128), variance / 2.0),
        };
        let node = self.push(name, op(activation), &inputs, element)?;
        Ok(Feature { node, mean_square })
    }

    /// A node, of this element where the network is int8.
    fn push(
        &mut self,
        name: &str,
        op: Op,
        inputs: &[NodeId],
        int8: Element,
    ) -> Result<NodeId, GraphError> {
        match self.options.precision {
            Precision::F32 => self.builder.push(name, op, inputs),
            Precision::Int8 => self.builder.push_as(name, op, inputs, int8),
        }
    }

    /// A layer's weights and bias in the network's precision.
    fn weights(
        &mut self,
        request: &LayerRequest,
        x: Feature,
    ) -> Result<(ParamId, ParamId), GraphError> {
        let (name, shape) = (request.name.to_string(), request.shape);
        let invalid = |source| GraphError::Tensor { name: name.clone(), source };
        shape.checked_elements().ok_or_else(|| invalid(TensorError::Size { shape }))?;
        let LayerWeights { weight, bias } = self.source.layer(request);
        let output_channels = request.channels();
        let (weight, bias) = match self.options.precision {
            Precision::F32 => (
                Tensor::from_f32(shape, weight),
                Tensor::from_f32(Shape::vector(output_channels), bias),
            ),
            Precision::Int8 => {
                let (input_scale, _) =
                    self.builder.ty(x.node).element.per_tensor().expect("an int8 feature");
                quantized(request, &weight, &bias, input_scale)
            }
        };
        let weight = self.builder.param(format!("{name}/weight"), weight.map_err(invalid)?);
        let bias = self.builder.param(format!("{name}/bias"), bias.map_err(invalid)?);
        Ok((weight, bias))
    }
}

/// Weights in int8 with one scale an output channel, and the bias at the scale of their sums.
fn quantized(
    request: &LayerRequest,
    weights: &[f32],
    bias: &[f32],
    input_scale: f32,
) -> (Result<Tensor, TensorError>, Result<Tensor, TensorError>) {
    let output_channels = request.channels();
    // Dense weights have the output channel outermost, depthwise weights innermost.
    let per_channel = (weights.len() / output_channels.max(1)).max(1);
    let channel = |index: usize| {
        if request.depthwise { index % output_channels } else { index / per_channel }
    };
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
        Tensor::new(request.shape, element, TensorData::I8(integers.collect())),
        Tensor::new(Shape::vector(output_channels), bias_element, bias),
    )
}

/// Largest activation that int8 can hold, in standard deviations.
const RANGE_IN_DEVIATIONS: f32 = 4.0;
/// The least value of hard-swish is minus this, at -1.5.
const HARD_SWISH_DEPTH: f32 = 0.375;
/// Expected mean square of squeeze-and-excite's gates: 1/2 squared, and the sums' variance of
/// 1 after hard-sigmoid's slope of 1/6.
const GATE_MEAN_SQUARE: f32 = 0.25 + 1.0 / 36.0;
/// Expected mean square of a sigmoid of logits of variance 1.
const SCORE_MEAN_SQUARE: f32 = 0.29;
/// Variance of the scores: enough for a softmax with a clear first.
const LOGIT_VARIANCE: f32 = 9.0;
