//! From what a case says to a graph and numbers to feed it.

mod numbers;
mod operands;

use pocketvision_core::detection::{BoxCoder, Suppression, SuppressionKind};
use pocketvision_core::models::SplitMix64;
use pocketvision_core::op::{
    Activation, ActivationKind, Add, ArgMax, Concat, Conv2d, ConvTranspose2d, DepthwiseConv2d,
    Dequantize, DetectionPostprocess, Linear, Mul, Normalize, Pad, Padding, Pool2d, PoolKind,
    Quantize, Reshape, Resize, Softmax, Window,
};
use pocketvision_core::{Element, Graph, GraphBuilder, GraphError, NodeId, Op, Shape, Tensor};

use crate::case::{Case, CaseOp, Elements, Fill};
use numbers::{grid, numbers};

/// A case as a graph.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_conformance::{build, cases};
///
/// let case = &cases()?[0];
/// let built = build(case, case.elements[0])?;
/// let inputs = built.inputs(7);
/// assert_eq!(inputs.len(), built.graph.inputs().len());
/// assert_eq!(inputs, built.inputs(7));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BuiltCase {
    /// The graph.
    pub graph: Graph,
    fill: Fill,
}

impl BuiltCase {
    /// Numbers for every input of the graph; each seed gives others.
    pub fn inputs(&self, seed: u64) -> Vec<Tensor> {
        let mut random = SplitMix64::new(seed);
        let draw = |id: &NodeId| numbers(&mut random, self.graph.ty(*id), self.fill);
        self.graph.inputs().iter().map(draw).collect()
    }
}

/// Builds a case in one element type.
///
/// # Errors
/// If the case describes a graph that cannot be.
pub fn build(case: &Case, elements: Elements) -> Result<BuiltCase, GraphError> {
    let name = format!("{}/{}/{}", case.group, case.name, elements.name());
    // The seed follows from the name, so that adding a case changes no other.
    let seed = name.bytes().fold(17u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
    let mut build = Build {
        builder: GraphBuilder::new(name),
        random: SplitMix64::new(seed),
        elements,
        fill: case.fill,
        features: Vec::new(),
    };
    let input = match case.ops.first() {
        Some(CaseOp::Normalize { .. }) => build.picture("input", Shape::from(case.input))?,
        _ => build.input("input", Shape::from(case.input))?,
    };
    build.features.push(input);
    for (position, op) in case.ops.iter().enumerate() {
        let feature = build.push(position + 1, op)?;
        build.features.push(feature);
    }
    let output = build.features[case.ops.len()].node;
    Ok(BuiltCase { graph: build.builder.finish(&[output])?, fill: case.fill })
}

struct Build {
    builder: GraphBuilder,
    random: SplitMix64,
    elements: Elements,
    fill: Fill,
    /// The input and the result of each operator so far.
    features: Vec<Feature>,
}

/// A node and the expected standard deviation of its values, from which the scale of the
/// next int8 result follows.
#[derive(Clone, Copy)]
struct Feature {
    node: NodeId,
    deviation: f32,
}

impl Build {
    fn push(&mut self, position: usize, op: &CaseOp) -> Result<Feature, GraphError> {
        let x = self.features[position - 1];
        let shape = self.builder.ty(x.node).shape;
        let name = format!("{position}");
        match *op {
            CaseOp::Conv2d {
                channels,
                kernel,
                stride,
                dilation,
                padding,
                groups,
                bias,
                activation,
            } => {
                let weight = Shape::new(channels, kernel[0], kernel[1], shape.c / groups);
                let fan_in = kernel[0] * kernel[1] * weight.c;
                let window = window(kernel, stride, dilation, padding);
                let (weight, bias_param, deviation) = self.weights(x, weight, channels, fan_in);
                let bias = bias.then_some(bias_param);
                let op = Op::Conv2d(Conv2d { window, weight, bias, groups, activation });
                self.push_computed(name, op, &[x.node], deviation, activation)
            }
            CaseOp::DepthwiseConv2d {
                multiplier,
                kernel,
                stride,
                dilation,
                padding,
                activation,
            } => {
                let channels = shape.c * multiplier;
                let weight = Shape::new(1, kernel[0], kernel[1], channels);
                let window = window(kernel, stride, dilation, padding);
                let (weight, bias, deviation) =
                    self.weights(x, weight, channels, kernel[0] * kernel[1]);
                let bias = Some(bias);
                let op = Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias, activation });
                self.push_computed(name, op, &[x.node], deviation, activation)
            }
            CaseOp::Linear { channels, activation } => {
                let weight = Shape::new(channels, 1, 1, shape.c);
                let (weight, bias, deviation) = self.weights(x, weight, channels, shape.c);
                let op = Op::Linear(Linear { weight, bias: Some(bias), activation });
                self.push_computed(name, op, &[x.node], deviation, activation)
            }
            CaseOp::ConvTranspose2d { channels, kernel, stride, crop, activation } => {
                let weight = Shape::new(channels, kernel[0], kernel[1], shape.c);
                let fan_in = kernel[0] * kernel[1] * shape.c / (stride[0] * stride[1]);
                let (weight, bias, deviation) = self.weights(x, weight, channels, fan_in.max(1));
                let size = |input: usize, side: usize, before: usize, after: usize| {
                    (input - 1) * stride[side] + kernel[side] - before - after
                };
                let op = Op::ConvTranspose2d(ConvTranspose2d {
                    weight,
                    bias: Some(bias),
                    stride_h: stride[0],
                    stride_w: stride[1],
                    crop_top: crop[0],
                    crop_left: crop[2],
                    output_h: size(shape.h, 0, crop[0], crop[1]),
                    output_w: size(shape.w, 1, crop[2], crop[3]),
                    activation,
                });
                self.push_computed(name, op, &[x.node], deviation, activation)
            }
            CaseOp::Pool2d { pool, kernel, stride, padding, rounding } => {
                let kernel = kernel.unwrap_or([shape.h, shape.w]);
                let window = window(kernel, stride, [1, 1], padding);
                let op = Op::Pool2d(Pool2d { kind: pool, window, rounding });
                if pool == PoolKind::Mean {
                    return self.push_computed(name, op, &[x.node], x.deviation, None);
                }
                self.push_moved(name, op, &[x.node], x.deviation)
            }
            CaseOp::Add { ref with, activation } => {
                let y = self.operand(&name, with)?;
                let deviation = x.deviation.hypot(y.deviation);
                let op = Op::Add(Add { activation });
                self.push_computed(name, op, &[x.node, y.node], deviation, activation)
            }
            CaseOp::Mul { ref with, activation } => {
                let y = self.operand(&name, with)?;
                let deviation = x.deviation * y.deviation;
                let op = Op::Mul(Mul { activation });
                self.push_computed(name, op, &[x.node, y.node], deviation, activation)
            }
            CaseOp::Activation { function } => {
                let op = Op::Activation(Activation { kind: function });
                let bounded =
                    matches!(function, ActivationKind::Sigmoid | ActivationKind::HardSigmoid);
                let deviation = if bounded { 0.25 } else { x.deviation };
                self.push_computed(name, op, &[x.node], deviation, Some(function))
            }
            CaseOp::Softmax { beta } => {
                let op = Op::Softmax(Softmax { beta });
                match self.builder.ty(x.node).element {
                    Element::Int8(_) => {
                        let element = Element::int8(1.0 / 256.0, -128);
                        self.push_as(name, op, &[x.node], element, 0.1)
                    }
                    _ => self.push_computed(name, op, &[x.node], 0.1, None),
                }
            }
            CaseOp::ArgMax => {
                let node = self.builder.push(name, Op::ArgMax(ArgMax), &[x.node])?;
                Ok(Feature { node, deviation: shape.c as f32 })
            }
            CaseOp::Resize { resize: kind, size: [height, width], coordinates, interpolation } => {
                let op = Resize { kind, height, width, coordinates, interpolation };
                self.push_moved(name, Op::Resize(op), &[x.node], x.deviation)
            }
            CaseOp::DetectionPostprocess { ref with, classes, per_class, max_detections } => {
                let scores = self.operand(&name, with)?;
                let kind = match per_class {
                    Some(detections_per_class) => SuppressionKind::Regular { detections_per_class },
                    None => SuppressionKind::Fast { classes_per_detection: 1 },
                };
                let suppression =
                    Suppression { kind, score_threshold: 1.0, iou_threshold: 0.4, max_detections };
                let anchors = Tensor::from_f32(shape, grid(shape.w)).expect("four a box");
                let anchors = self.builder.param(format!("{name}/anchors"), anchors);
                let coder = BoxCoder::SSD;
                let op = DetectionPostprocess { anchors, coder, suppression, classes };
                let op = Op::DetectionPostprocess(op);
                let node = self.builder.push(name, op, &[x.node, scores.node])?;
                Ok(Feature { node, deviation: 1.0 })
            }
            CaseOp::Concat { axis, rescaling, ref with } => {
                let y = self.operand(&name, with)?;
                let deviation = x.deviation.max(y.deviation);
                let op = Op::Concat(Concat { axis, rescaling });
                self.push_computed(name, op, &[x.node, y.node], deviation, None)
            }
            CaseOp::Pad { border: [top, bottom, left, right] } => {
                let op = Op::Pad(Pad { top, bottom, left, right });
                self.push_moved(name, op, &[x.node], x.deviation)
            }
            CaseOp::Reshape { shape } => {
                let op = Op::Reshape(Reshape { shape: shape.into() });
                self.push_moved(name, op, &[x.node], x.deviation)
            }
            CaseOp::ThroughUint8 => {
                let (scale, _) = self.builder.ty(x.node).element.per_tensor().expect("int8 case");
                let uint8 = Element::uint8(scale * 1.3, 117);
                let op = Op::Quantize(Quantize);
                let y = self.push_as(format!("{name}/uint8"), op, &[x.node], uint8, x.deviation)?;
                let int8 = Element::int8(scale * 1.1, -9);
                self.push_as(name, Op::Quantize(Quantize), &[y.node], int8, x.deviation)
            }
            CaseOp::SwitchFloat => match self.builder.ty(x.node).element {
                Element::F32 => {
                    let element = Element::int8(x.deviation * RANGE / 127.5, 3);
                    self.push_as(name, Op::Quantize(Quantize), &[x.node], element, x.deviation)
                }
                _ => {
                    let node = self.builder.push(name, Op::Dequantize(Dequantize), &[x.node])?;
                    Ok(Feature { node, ..x })
                }
            },
            CaseOp::Normalize { mean, std } => {
                let op = Op::Normalize(Normalize { mean, std });
                let node = self.builder.push(name, op, &[x.node])?;
                Ok(Feature { node, deviation: x.deviation / std[0] })
            }
        }
    }

    fn push_computed(
        &mut self,
        name: String,
        op: Op,
        inputs: &[NodeId],
        deviation: f32,
        activation: Option<ActivationKind>,
    ) -> Result<Feature, GraphError> {
        if self.builder.ty(inputs[0]).element.is_float() {
            let node = self.builder.push(name, op, inputs)?;
            return Ok(Feature { node, deviation });
        }
        let largest = RANGE * deviation;
        let element = match activation {
            Some(ActivationKind::Relu | ActivationKind::Relu6) => {
                Element::int8(largest / 255.0, -128)
            }
            _ => Element::int8(2.0 * largest / 255.0, self.random.integer(-30, 30)),
        };
        self.push_as(name, op, inputs, element, deviation)
    }

    /// A node whose element is its input's.
    fn push_moved(
        &mut self,
        name: String,
        op: Op,
        inputs: &[NodeId],
        deviation: f32,
    ) -> Result<Feature, GraphError> {
        let element = self.builder.ty(inputs[0]).element.clone();
        self.push_as(name, op, inputs, element, deviation)
    }

    fn push_as(
        &mut self,
        name: String,
        op: Op,
        inputs: &[NodeId],
        element: Element,
        deviation: f32,
    ) -> Result<Feature, GraphError> {
        let node = self.builder.push_as(name, op, inputs, element)?;
        Ok(Feature { node, deviation })
    }
}

const fn window(
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
) -> Window {
    Window {
        kernel_h: kernel[0],
        kernel_w: kernel[1],
        stride_h: stride[0],
        stride_w: stride[1],
        dilation_h: dilation[0],
        dilation_w: dilation[1],
        padding,
    }
}

/// Deviations that an int8 result covers on either side: some results saturate, as they do
/// in networks.
const RANGE: f32 = 3.0;
