//! What a node computes: one file an operator, with its attributes, shape rule and cost.
//!
//! To add one, write its file, give it a line in each `match` below, a function in the
//! reference backend and a conformance case; `docs/adding-an-op.md` walks through it.

mod activation;
mod arg_max;
mod conv2d;
mod conv_transpose2d;
mod depthwise_conv2d;
mod detection_postprocess;
mod elementwise;
mod layout;
mod linear;
mod normalize;
mod pool2d;
mod quantize;
mod resize;
mod softmax;
mod window;

pub use activation::{Activation, ActivationKind};
pub use arg_max::ArgMax;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv2d::Conv2d;
pub use depthwise_conv2d::DepthwiseConv2d;
pub use detection_postprocess::DetectionPostprocess;
pub use elementwise::{Add, Mul};
pub use layout::{Axis, Concat, Constant, Pad, Rescaling, Reshape};
pub use linear::Linear;
pub use normalize::Normalize;
pub use pool2d::{IntegerRounding, Pool2d, PoolKind};
pub use quantize::{Dequantize, Quantize};
pub use resize::{
    CoordinateMode, FIXED_POINT_ONE, IntegerInterpolation, Resize, ResizeKind, Sample,
};
pub use softmax::Softmax;
pub use window::{Padding, ResolvedPadding, Window};

use crate::{Element, Graph, ParamId, ShapeError, TensorType};

/// The closed set of operators.
///
/// ```
/// use pocketvision_core::models;
///
/// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
/// let graph = network.build(&network.options())?;
/// let convolutions = graph.nodes().iter().filter(|node| node.op.name() == "Conv2d");
/// assert!(convolutions.clone().count() > 10);
/// assert!(convolutions.clone().all(|node| node.op.params().len() == 2), "weights and a bias");
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// A tensor that the caller feeds.
    Input,
    /// A tensor that never changes.
    Constant(Constant),
    /// Dense or grouped 2-D convolution.
    Conv2d(Conv2d),
    /// 2-D convolution of each channel with its own filters.
    DepthwiseConv2d(DepthwiseConv2d),
    /// Transposed 2-D convolution.
    ConvTranspose2d(ConvTranspose2d),
    /// Fully connected layer over the channels.
    Linear(Linear),
    /// Average, maximum or mean over a window.
    Pool2d(Pool2d),
    /// Sum of two tensors.
    Add(Add),
    /// Product of two tensors.
    Mul(Mul),
    /// An elementwise function.
    Activation(Activation),
    /// Normalised exponentials over the channels.
    Softmax(Softmax),
    /// Index of the largest channel.
    ArgMax(ArgMax),
    /// An image at another size.
    Resize(Resize),
    /// Tensors side by side.
    Concat(Concat),
    /// A border of zeros.
    Pad(Pad),
    /// The same numbers in another shape.
    Reshape(Reshape),
    /// Float to integer, or one integer type to another.
    Quantize(Quantize),
    /// Integer to float.
    Dequantize(Dequantize),
    /// A picture's bytes to the numbers that a network was trained on.
    Normalize(Normalize),
    /// Box encodings and scores to detections.
    DetectionPostprocess(DetectionPostprocess),
}

impl Op {
    /// The operator's name, as in error messages and tables.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Input => "Input",
            Self::Constant(_) => "Constant",
            Self::Conv2d(_) => "Conv2d",
            Self::DepthwiseConv2d(_) => "DepthwiseConv2d",
            Self::ConvTranspose2d(_) => "ConvTranspose2d",
            Self::Linear(_) => "Linear",
            Self::Pool2d(_) => "Pool2d",
            Self::Add(_) => "Add",
            Self::Mul(_) => "Mul",
            Self::Activation(_) => "Activation",
            Self::Softmax(_) => "Softmax",
            Self::ArgMax(_) => "ArgMax",
            Self::Resize(_) => "Resize",
            Self::Concat(_) => "Concat",
            Self::Pad(_) => "Pad",
            Self::Reshape(_) => "Reshape",
            Self::Quantize(_) => "Quantize",
            Self::Dequantize(_) => "Dequantize",
            Self::Normalize(_) => "Normalize",
            Self::DetectionPostprocess(_) => "DetectionPostprocess",
        }
    }

    /// Shape and element of the output, from those of the inputs.
    ///
    /// `element` is the output element that the graph's author states; without one it
    /// follows from the inputs where that is defined.
    ///
    /// ```
    /// use pocketvision_core::op::{Activation, ActivationKind};
    /// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
    /// # let mut builder = GraphBuilder::new("example");
    /// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
    /// # let id = builder.input("image", image.clone())?;
    /// # let graph = builder.finish(&[id])?;
    /// let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    /// assert_eq!(relu.infer(&[&image], &graph, None), Ok(image.clone()));
    /// assert!(relu.infer(&[&image, &image], &graph, None).is_err());
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// If the operator does not fit its inputs, its parameters or the stated element.
    pub fn infer(
        &self,
        inputs: &[&TensorType],
        graph: &Graph,
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        match self {
            Self::Input => Err(ShapeError::InputCount { expected: 0, actual: inputs.len() }),
            Self::Constant(op) => op.infer(inputs, graph, element),
            Self::Conv2d(op) => op.infer(inputs, graph, element),
            Self::DepthwiseConv2d(op) => op.infer(inputs, graph, element),
            Self::ConvTranspose2d(op) => op.infer(inputs, graph, element),
            Self::Linear(op) => op.infer(inputs, graph, element),
            Self::Pool2d(op) => op.infer(inputs, element),
            Self::Add(op) => op.infer(inputs, element),
            Self::Mul(op) => op.infer(inputs, element),
            Self::Activation(op) => op.infer(inputs, element),
            Self::Softmax(op) => op.infer(inputs, element),
            Self::ArgMax(op) => op.infer(inputs, element),
            Self::Resize(op) => op.infer(inputs, element),
            Self::Concat(op) => op.infer(inputs, element),
            Self::Pad(op) => op.infer(inputs, element),
            Self::Reshape(op) => op.infer(inputs, element),
            Self::Quantize(op) => op.infer(inputs, element),
            Self::Dequantize(op) => op.infer(inputs, element),
            Self::Normalize(op) => op.infer(inputs, element),
            Self::DetectionPostprocess(op) => op.infer(inputs, graph, element),
        }
    }

    /// Multiply-accumulates: convolutions and linear layers, as papers count them.
    ///
    /// ```
    /// use pocketvision_core::models;
    ///
    /// let network = models::find("mobilenet-edgetpu-cifar10").unwrap();
    /// let graph = network.build(&network.options())?;
    /// let stem = graph.nodes().iter().find(|node| node.op.name() == "Conv2d").expect("a stem");
    /// let macs = stem.op.macs(&graph.input_types(stem), &stem.output, &graph);
    /// // A 3x3 window over three channels for each number.
    /// assert_eq!(macs, 27 * stem.output.shape.elements() as u64);
    /// # Ok::<(), pocketvision_core::GraphError>(())
    /// ```
    pub fn macs(&self, inputs: &[&TensorType], output: &TensorType, graph: &Graph) -> u64 {
        match self {
            Self::Conv2d(op) => op.macs(output, graph),
            Self::DepthwiseConv2d(op) => op.macs(output),
            Self::ConvTranspose2d(op) => op.macs(output, graph),
            Self::Linear(op) => op.macs(inputs, output),
            Self::Input
            | Self::Constant(_)
            | Self::Pool2d(_)
            | Self::Add(_)
            | Self::Mul(_)
            | Self::Activation(_)
            | Self::Softmax(_)
            | Self::ArgMax(_)
            | Self::Resize(_)
            | Self::Concat(_)
            | Self::Pad(_)
            | Self::Reshape(_)
            | Self::Quantize(_)
            | Self::Dequantize(_)
            | Self::Normalize(_)
            | Self::DetectionPostprocess(_) => 0,
        }
    }

    /// The constant tensors that the operator names.
    pub fn params(&self) -> Vec<ParamId> {
        let weight_and_bias = |weight: ParamId, bias: Option<ParamId>| {
            std::iter::once(weight).chain(bias).collect::<Vec<_>>()
        };
        match self {
            Self::Constant(op) => vec![op.value],
            Self::Conv2d(op) => weight_and_bias(op.weight, op.bias),
            Self::DepthwiseConv2d(op) => weight_and_bias(op.weight, op.bias),
            Self::ConvTranspose2d(op) => weight_and_bias(op.weight, op.bias),
            Self::Linear(op) => weight_and_bias(op.weight, op.bias),
            Self::DetectionPostprocess(op) => vec![op.anchors],
            _ => vec![],
        }
    }

    /// Replaces the constant tensors that the operator names.
    pub(crate) fn rename_params(&mut self, mut rename: impl FnMut(ParamId) -> ParamId) {
        let mut both = |weight: &mut ParamId, bias: &mut Option<ParamId>| {
            *weight = rename(*weight);
            *bias = bias.map(&mut rename);
        };
        match self {
            Self::Constant(op) => op.value = rename(op.value),
            Self::Conv2d(op) => both(&mut op.weight, &mut op.bias),
            Self::DepthwiseConv2d(op) => both(&mut op.weight, &mut op.bias),
            Self::ConvTranspose2d(op) => both(&mut op.weight, &mut op.bias),
            Self::Linear(op) => both(&mut op.weight, &mut op.bias),
            Self::DetectionPostprocess(op) => op.anchors = rename(op.anchors),
            _ => {}
        }
    }

    /// The activation fused into the operator, if any.
    pub const fn fused_activation(&self) -> Option<ActivationKind> {
        match self {
            Self::Conv2d(op) => op.activation,
            Self::DepthwiseConv2d(op) => op.activation,
            Self::ConvTranspose2d(op) => op.activation,
            Self::Linear(op) => op.activation,
            Self::Add(op) => op.activation,
            Self::Mul(op) => op.activation,
            _ => None,
        }
    }

    /// The operator with this activation fused, or with none: what [`Op::fused_activation`] says
    /// of it. `None` if no activation can be fused into such an operator.
    ///
    /// ```
    /// use pocketvision_core::Op;
    /// use pocketvision_core::op::{ActivationKind, Add};
    ///
    /// let sum = Op::Add(Add { activation: None });
    /// let positive = sum.with_activation(Some(ActivationKind::Relu)).expect("sums can have one");
    /// assert_eq!(positive.fused_activation(), Some(ActivationKind::Relu));
    /// assert_eq!(positive.with_activation(None), Some(sum));
    /// assert_eq!(Op::Input.with_activation(None), None);
    /// ```
    pub fn with_activation(&self, activation: Option<ActivationKind>) -> Option<Self> {
        let mut op = self.clone();
        let slot = match &mut op {
            Self::Conv2d(op) => &mut op.activation,
            Self::DepthwiseConv2d(op) => &mut op.activation,
            Self::ConvTranspose2d(op) => &mut op.activation,
            Self::Linear(op) => &mut op.activation,
            Self::Add(op) => &mut op.activation,
            Self::Mul(op) => &mut op.activation,
            _ => return None,
        };
        *slot = activation;
        Some(op)
    }
}

/// The operator's inputs, if there are just as many as it takes.
pub(crate) fn exactly<'a, const N: usize>(
    inputs: &[&'a TensorType],
) -> Result<[&'a TensorType; N], ShapeError> {
    inputs.try_into().map_err(|_| ShapeError::InputCount { expected: N, actual: inputs.len() })
}

/// The element of an operator that computes with numbers: float follows the input; int8
/// must be stated by the author and stays int8.
pub(crate) fn computed_element(
    input: &Element,
    stated: Option<&Element>,
) -> Result<Element, ShapeError> {
    let wrong = |expected: &str| {
        Err(ShapeError::Element {
            what: "the output's element",
            actual: stated.map_or("none".into(), ToString::to_string),
            expected: expected.into(),
        })
    };
    match (input, stated) {
        (Element::F32 | Element::F16, None) => Ok(input.clone()),
        (Element::F32 | Element::F16, Some(stated)) if stated == input => Ok(input.clone()),
        (Element::F32 | Element::F16, Some(_)) => wrong(input.name()),
        (Element::Int8(_), Some(Element::Int8(q))) if valid_activation(q) => {
            Ok(Element::Int8(q.clone()))
        }
        (Element::Int8(_), _) => wrong("int8 with one scale and a zero point from -128 to 127"),
        (Element::UInt8(_) | Element::Int32(_), _) => Err(ShapeError::Element {
            what: "the input's element",
            actual: input.to_string(),
            expected: "float or int8 (quantize it first)".into(),
        }),
    }
}

/// The element of an operator that only moves numbers: the input's own.
pub(crate) fn moved_element(
    input: &Element,
    stated: Option<&Element>,
) -> Result<Element, ShapeError> {
    match stated {
        Some(stated) if stated != input => Err(ShapeError::Element {
            what: "the output's element",
            actual: stated.to_string(),
            expected: input.to_string(),
        }),
        _ => Ok(input.clone()),
    }
}

/// In integer arithmetic a fused activation is a clamp; anything else is a node of its own.
pub(crate) fn check_fused(
    activation: Option<ActivationKind>,
    element: &Element,
) -> Result<(), ShapeError> {
    match activation {
        Some(kind) if !element.is_float() && !kind.is_clamp() => Err(ShapeError::Element {
            what: "the fused activation of an integer operator",
            actual: format!("{kind:?}"),
            expected: "Relu or Relu6; make it a node of its own".into(),
        }),
        _ => Ok(()),
    }
}

/// Weights and bias must be of the input's kind: float with float, or int8 with int32.
pub(crate) fn check_weights(
    graph: &Graph,
    input: &Element,
    weight: ParamId,
    bias: Option<ParamId>,
    output_channels: usize,
) -> Result<(), ShapeError> {
    let weight = crate::builder::param(graph, weight)?;
    let fits = match (input, weight.element()) {
        (Element::F32, Element::F32) | (Element::F16, Element::F16) => true,
        (Element::Int8(_), Element::Int8(crate::Quantization::PerChannel { scales })) => {
            scales.len() == output_channels
        }
        (Element::Int8(_), Element::Int8(q)) => valid_activation(q),
        _ => false,
    };
    if !fits {
        return Err(ShapeError::Element {
            what: "the weights",
            actual: weight.element().to_string(),
            expected: format!("weights for {} activations", input.name()),
        });
    }
    let Some(bias) = bias else { return Ok(()) };
    let bias = crate::builder::param(graph, bias)?;
    let expected = crate::Shape::vector(output_channels);
    if bias.shape() != expected {
        let (left, right) = (bias.shape(), expected);
        return Err(ShapeError::Mismatch { what: "the bias", left, right });
    }
    match (input, bias.element()) {
        (Element::F32, Element::F32)
        | (Element::F16, Element::F16 | Element::F32)
        | (Element::Int8(_), Element::Int32(_)) => Ok(()),
        _ => Err(ShapeError::Element {
            what: "the bias",
            actual: bias.element().to_string(),
            expected: format!("a bias for {} activations", input.name()),
        }),
    }
}

const fn valid_activation(quantization: &crate::Quantization) -> bool {
    matches!(quantization, crate::Quantization::PerTensor { scale, zero_point }
        if scale.is_finite() && *scale > 0.0 && *zero_point >= -128 && *zero_point <= 127)
}
