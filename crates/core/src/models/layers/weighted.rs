//! Layers with weights, in the network's precision.

use std::sync::Arc;

use super::{Feature, Layers, PaddingStyle, Precision};
use crate::models::weights::{LayerName, LayerRequest, LayerWeights};
use crate::op::{ActivationKind, Conv2d, DepthwiseConv2d, Padding, Window};
use crate::{
    Element, GraphError, Op, ParamId, Quantization, Shape, Tensor, TensorData, TensorError,
};

impl Layers<'_> {
    /// A normalised convolution with a square kernel.
    pub(in crate::models) fn conv(
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
    pub(in crate::models) fn dense(
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
    pub(in crate::models) fn depthwise(
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
    pub(in crate::models) fn squeeze_excite(
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

    pub(super) fn dense_layer(
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

    pub(super) fn window(&self, kernel: usize, stride: usize) -> Window {
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

    pub(super) fn request(&self, name: LayerName, x: Feature, shape: Shape) -> LayerRequest {
        LayerRequest {
            name,
            shape,
            depthwise: false,
            normalized: true,
            input_mean_square: x.mean_square,
            variance: 1.0,
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
