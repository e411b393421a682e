//! What each operator is in ONNX's words.

use pocketvision_core::op::{
    ActivationKind, Axis, ConvTranspose2d, CoordinateMode, Normalize, Pool2d, PoolKind, Resize,
    ResizeKind, Window,
};
use pocketvision_core::{Element, Node, NodeId, Op, ParamId, Shape};
use pocketvision_import_onnx::message::Attribute;

use super::model::{float, int, ints, nchw, text};
use super::translation::Translation;
use crate::{Format, Problem};

/// Adds a node's operators to the file: the name of its real numbers before any rounding, and
/// whether they have two dimensions.
pub(super) fn translate(
    to: &mut Translation<'_>,
    node: &Node,
    op: &Op,
) -> Result<(String, bool), Problem> {
    let name = node.name.as_str();
    match op {
        Op::Conv2d(op) => {
            let Shape { n: out, h, w, c } = to.graph.param(op.weight).shape();
            let weight = to.param(op.weight, &format!("{name}/weight"), &[out, c, h, w])?;
            let layer = Layer { weight, bias: op.bias, activation: op.activation };
            convolution(to, node, &op.window, op.groups, layer)
        }
        Op::DepthwiseConv2d(op) => {
            let Shape { h, w, c, .. } = to.graph.param(op.weight).shape();
            let weight = to.param(op.weight, &format!("{name}/weight"), &[c, 1, h, w])?;
            let layer = Layer { weight, bias: op.bias, activation: op.activation };
            let groups = to.shape(node.inputs[0]).c;
            convolution(to, node, &op.window, groups, layer)
        }
        Op::Linear(op) => {
            let Shape { n: out, c, .. } = to.graph.param(op.weight).shape();
            let input = to.shape(node.inputs[0]);
            let pixel = (input.h, input.w) == (1, 1);
            let dims = if pixel { vec![out, c] } else { vec![out, c, 1, 1] };
            let weight = to.param(op.weight, &format!("{name}/weight"), &dims)?;
            let layer = Layer { weight, bias: op.bias, activation: op.activation };
            if !pixel {
                let window = Window::square(1, 1, pocketvision_core::op::Padding::Valid);
                return convolution(to, node, &window, 1, layer);
            }
            let input = to.flat(node.inputs[0]);
            let sum = weighted(to, node, "Gemm", &input, &layer, vec![int("transB", 1)])?;
            Ok((activate(to, node, sum, layer.activation), true))
        }
        Op::Pool2d(op) => Ok((pool(to, node, op)?, false)),
        Op::Add(op) => binary(to, node, "Add", op.activation),
        Op::Mul(op) => binary(to, node, "Mul", op.activation),
        Op::Activation(op) => {
            let (input, flat) = to.either(node.inputs[0]);
            Ok((function(to, name, &input, op.kind), flat))
        }
        Op::Softmax(op) => {
            let (mut input, flat) = to.either(node.inputs[0]);
            #[allow(clippy::float_cmp, reason = "the graph says 1 or it does not")]
            if op.beta != 1.0 {
                let beta = to.file.floats(&format!("{name}/beta"), &[], &[op.beta]);
                input = to.file.node(&format!("{name}/scaled"), "Mul", &[&input, &beta], vec![]);
            }
            Ok((to.file.node(name, "Softmax", &[&input], vec![int("axis", 1)]), flat))
        }
        Op::Concat(op) => {
            let inputs: Vec<String> = node.inputs.iter().map(|&id| to.image(id)).collect();
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            let axis = match op.axis {
                Axis::Channels => 1,
                Axis::Height => 2,
                Axis::Width => 3,
            };
            Ok((to.file.node(name, "Concat", &inputs, vec![int("axis", axis)]), false))
        }
        Op::Pad(op) => {
            let input = to.image(node.inputs[0]);
            let pads = [0, 0, op.top, op.left, 0, 0, op.bottom, op.right];
            let pads = to.file.integers(&format!("{name}/pads"), &pads);
            Ok((to.file.node(name, "Pad", &[&input, &pads], vec![]), false))
        }
        Op::Reshape(op) => Ok((reshape(to, node, op.shape), false)),
        Op::Constant(op) => {
            let dims = nchw(to.graph.param(op.value).shape());
            Ok((to.param(op.value, name, &dims)?, false))
        }
        Op::Resize(op) => Ok((resize(to, node, op), false)),
        Op::ConvTranspose2d(op) => Ok((transposed(to, node, op)?, false)),
        Op::Normalize(op) => Ok(normalize(to, node, op)),
        Op::DetectionPostprocess(_) => Err(Problem::NotWritten { format: Format::Onnx }),
        // Indices are no real numbers: the caller says them.
        Op::ArgMax(_) => Ok((to.image(node.inputs[0]), false)),
        // What is rounded to follows for every node that yields integers.
        Op::Quantize(_) | Op::Dequantize(_) | Op::Input => Ok(to.either(node.inputs[0])),
    }
}

/// What a convolution and a linear layer have in common.
struct Layer {
    weight: String,
    bias: Option<ParamId>,
    activation: Option<ActivationKind>,
}

fn convolution(
    to: &mut Translation<'_>,
    node: &Node,
    window: &Window,
    groups: usize,
    layer: Layer,
) -> Result<(String, bool), Problem> {
    let input = to.image(node.inputs[0]);
    let mut attributes = sliding(window, to.shape(node.inputs[0]));
    attributes.push(ints("dilations", &[window.dilation_h, window.dilation_w]));
    attributes.push(int("group", groups));
    let sum = weighted(to, node, "Conv", &input, &layer, attributes)?;
    Ok((activate(to, node, sum, layer.activation), false))
}

fn weighted(
    to: &mut Translation<'_>,
    node: &Node,
    op_type: &str,
    input: &str,
    layer: &Layer,
    attributes: Vec<Attribute>,
) -> Result<String, Problem> {
    let bias = match layer.bias {
        None => None,
        Some(bias) => {
            let dims = [to.graph.param(bias).shape().c];
            Some(to.param(bias, &format!("{}/bias", node.name), &dims)?)
        }
    };
    let mut inputs = vec![input, layer.weight.as_str()];
    inputs.extend(bias.as_deref());
    let name = main_name(node, layer.activation);
    Ok(to.file.node(&name, op_type, &inputs, attributes))
}

fn binary(
    to: &mut Translation<'_>,
    node: &Node,
    op_type: &str,
    activation: Option<ActivationKind>,
) -> Result<(String, bool), Problem> {
    let [a, b]: [NodeId; 2] = [node.inputs[0], node.inputs[1]];
    let (left, right) = (to.either(a), to.either(b));
    let flat = left.1 && right.1;
    let (left, right) = if flat { (left.0, right.0) } else { (to.image(a), to.image(b)) };
    let name = main_name(node, activation);
    let result = to.file.node(&name, op_type, &[&left, &right], vec![]);
    Ok((activate(to, node, result, activation), flat))
}

/// The name of the operator that an activation is fused into. A reader that fuses the two again
/// calls the result by the activation's name in float, and by the operator's in integers.
fn main_name(node: &Node, activation: Option<ActivationKind>) -> String {
    match activation {
        Some(_) if node.output.element.is_float() => format!("{}/linear", node.name),
        _ => node.name.clone(),
    }
}

fn activate(
    to: &mut Translation<'_>,
    node: &Node,
    input: String,
    activation: Option<ActivationKind>,
) -> String {
    match activation {
        None => input,
        Some(kind) => function(to, &node.name, &input, kind),
    }
}

fn function(to: &mut Translation<'_>, name: &str, input: &str, kind: ActivationKind) -> String {
    match kind {
        ActivationKind::Relu => to.file.node(name, "Relu", &[input], vec![]),
        ActivationKind::Relu6 => {
            let low = to.file.floats(&format!("{name}/low"), &[], &[0.0]);
            let high = to.file.floats(&format!("{name}/high"), &[], &[6.0]);
            to.file.node(name, "Clip", &[input, &low, &high], vec![])
        }
        ActivationKind::HardSwish => to.file.node(name, "HardSwish", &[input], vec![]),
        ActivationKind::HardSigmoid => {
            let slope = vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)];
            to.file.node(name, "HardSigmoid", &[input], slope)
        }
        ActivationKind::Sigmoid => to.file.node(name, "Sigmoid", &[input], vec![]),
    }
}

fn pool(to: &mut Translation<'_>, node: &Node, op: &Pool2d) -> Result<String, Problem> {
    let (name, window) = (node.name.as_str(), &op.window);
    let input = to.image(node.inputs[0]);
    let mut attributes = sliding(window, to.shape(node.inputs[0]));
    let (dilation_h, dilation_w) = (window.dilation_h, window.dilation_w);
    Ok(match op.kind {
        PoolKind::Mean => to.file.node(name, "GlobalAveragePool", &[&input], vec![]),
        PoolKind::Max => {
            attributes.push(ints("dilations", &[dilation_h, dilation_w]));
            to.file.node(name, "MaxPool", &[&input], attributes)
        }
        PoolKind::Average if (dilation_h, dilation_w) != (1, 1) => {
            return Err(Problem::PoolDilation { dilation_h, dilation_w });
        }
        PoolKind::Average => to.file.node(name, "AveragePool", &[&input], attributes),
    })
}

fn sliding(window: &Window, input: Shape) -> Vec<Attribute> {
    let pad = window.resolve(input);
    vec![
        ints("kernel_shape", &[window.kernel_h, window.kernel_w]),
        ints("strides", &[window.stride_h, window.stride_w]),
        ints("pads", &[pad.top, pad.left, pad.bottom, pad.right]),
    ]
}

/// Our order of numbers is kept, which may not be ONNX's.
fn reshape(to: &mut Translation<'_>, node: &Node, shape: Shape) -> String {
    let name = node.name.as_str();
    let mut input = to.image(node.inputs[0]);
    let from = to.shape(node.inputs[0]);
    let same_order = |shape: Shape| shape.c == 1 || shape.pixels() == 1;
    if !same_order(from) {
        let order = vec![ints("perm", &[0, 2, 3, 1])];
        input = to.file.node(&format!("{name}/channels_last"), "Transpose", &[&input], order);
    }
    if same_order(shape) {
        let dims = to.file.integers(&format!("{name}/shape"), &nchw(shape));
        return to.file.node(name, "Reshape", &[&input, &dims], vec![]);
    }
    let dims = to.file.integers(&format!("{name}/shape"), &shape.dims());
    let rows = to.file.node(&format!("{name}/rows"), "Reshape", &[&input, &dims], vec![]);
    to.file.node(name, "Transpose", &[&rows], vec![ints("perm", &[0, 3, 1, 2])])
}

/// Height and width are stated, so that rounding a ratio cannot change them.
fn resize(to: &mut Translation<'_>, node: &Node, op: &Resize) -> String {
    let name = node.name.as_str();
    let input = to.image(node.inputs[0]);
    let sizes = to.file.integers(&format!("{name}/sizes"), &nchw(node.output.shape));
    let mode = match op.coordinates {
        CoordinateMode::Asymmetric => "asymmetric",
        CoordinateMode::AlignCorners => "align_corners",
        CoordinateMode::HalfPixel => "half_pixel",
    };
    let mut attributes = vec![text("coordinate_transformation_mode", mode)];
    match (op.kind, op.coordinates) {
        (ResizeKind::Bilinear, _) => attributes.push(text("mode", "linear")),
        (ResizeKind::Nearest, CoordinateMode::Asymmetric) => {
            attributes.extend([text("mode", "nearest"), text("nearest_mode", "floor")]);
        }
        (ResizeKind::Nearest, _) => {
            attributes.extend([text("mode", "nearest"), text("nearest_mode", "round_prefer_ceil")]);
        }
    }
    to.file.node(name, "Resize", &[&input, "", "", &sizes], attributes)
}

/// As it is defined, so that every runtime rounds alike.
fn normalize(to: &mut Translation<'_>, node: &Node, op: &Normalize) -> (String, bool) {
    let name = node.name.as_str();
    let (pixels, flat) = to.either(node.inputs[0]);
    let dims: &[usize] = if flat { &[3] } else { &[3, 1, 1] };
    let mean = to.file.floats(&format!("{name}/mean"), dims, &op.mean);
    let std = to.file.floats(&format!("{name}/std"), dims, &op.std);
    let centred = to.file.node(&format!("{name}/centred"), "Sub", &[&pixels, &mean], vec![]);
    (to.file.node(name, "Div", &[&centred, &std], vec![]), flat)
}

/// In float: ONNX's weights have the input's channels first.
fn transposed(
    to: &mut Translation<'_>,
    node: &Node,
    op: &ConvTranspose2d,
) -> Result<String, Problem> {
    let name = node.name.as_str();
    let weights = to.graph.param(op.weight);
    let Shape { n: out, h, w, c } = weights.shape();
    let Some(values) = weights.as_f32().filter(|_| node.output.element == Element::F32) else {
        return Err(Problem::Element { element: node.output.element.to_string() });
    };
    // From output, height, width, input.
    let mut turned = Vec::with_capacity(values.len());
    for input in 0..c {
        for output in 0..out {
            turned.extend((0..h * w).map(|tap| values[(output * h * w + tap) * c + input]));
        }
    }
    let weight = to.file.floats(&format!("{name}/weight"), &[c, out, h, w], &turned);
    let shape = to.shape(node.inputs[0]);
    // What the kernels reach, less what is cut off; what is missing is added at the end.
    let ends = |input: usize, kernel: usize, stride: usize, crop: usize, output: usize| {
        let reach = (input - 1) * stride + kernel;
        let kept = output + crop;
        (reach.saturating_sub(kept), kept.saturating_sub(reach))
    };
    let (bottom, more_h) = ends(shape.h, h, op.stride_h, op.crop_top, op.output_h);
    let (right, more_w) = ends(shape.w, w, op.stride_w, op.crop_left, op.output_w);
    if more_h >= op.stride_h.max(1) || more_w >= op.stride_w.max(1) {
        return Err(Problem::Beyond { output_h: op.output_h, output_w: op.output_w });
    }
    let attributes = vec![
        ints("kernel_shape", &[h, w]),
        ints("strides", &[op.stride_h, op.stride_w]),
        ints("pads", &[op.crop_top, op.crop_left, bottom, right]),
        ints("output_padding", &[more_h, more_w]),
    ];
    let input = to.image(node.inputs[0]);
    let layer = Layer { weight, bias: op.bias, activation: op.activation };
    let sum = weighted(to, node, "ConvTranspose", &input, &layer, attributes)?;
    Ok(activate(to, node, sum, layer.activation))
}
