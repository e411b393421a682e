//! `Conv`: dense, grouped and depthwise.

use std::rc::Rc;
use std::sync::Arc;

use pocketvision_core::op::{ActivationKind, Conv2d, DepthwiseConv2d, Pad, Padding, Window};
use pocketvision_core::{NodeId, Op, ParamId, Shape, Tensor};

use super::quantize::IntegerWeights;
use crate::attributes::Attributes;
use crate::constant::{Constant, Numbers};
use crate::error::{Problem, Result};
use crate::importer::{Convolution, Importer, Meaning, node_name, reorder};
use crate::message::Node;
use crate::value::{Activation, Layout, Number, Value};

pub(super) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let input = importer.activation(node, 0)?;
    let [n, channels, h, w] = input.image()?;
    let weight = importer.take_constant(node, 1)?;
    let bias = importer.optional_constant(node, 2)?;
    let &[out_channels, group_channels, kernel_h, kernel_w] = weight.dims.as_slice() else {
        let expected = "[output channels, input channels per group, height, width]";
        return Err(Problem::shape("the weights", &weight.dims, expected));
    };
    let groups = groups(node, channels, out_channels, group_channels)?;
    check_bias(bias.as_deref(), out_channels)?;
    let mut window = window(node, [kernel_h, kernel_w])?;
    let mut source = input.node;
    if let Some(&Meaning::Padded { source: inner, pad }) = importer.meaning(input.node)
        && window.padding != Padding::Same
    {
        window.padding = around(window.padding, pad);
        source = inner;
    }
    let depthwise = groups == channels && groups > 1;
    let shape = if depthwise {
        Shape::new(1, kernel_h, kernel_w, out_channels)
    } else {
        Shape::new(out_channels, kernel_h, kernel_w, group_channels)
    };
    let make = move |weight: ParamId, bias: Option<ParamId>, activation| {
        if depthwise {
            Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias, activation })
        } else {
            Op::Conv2d(Conv2d { window, weight, bias, groups, activation })
        }
    };
    let image = importer.shape(source);
    debug_assert_eq!((image.n, image.c), (n, channels));
    let (out_h, out_w) = window.output(image).map_err(|source| {
        Problem::attribute("the window", source, format!("one that fits {h}x{w} pixels"))
    })?;
    let form = (vec![n, out_channels, out_h, out_w], Layout::Image);
    let source = Activation { node: source, ..input };
    convolve(importer, node, &source, weight, bias.as_deref(), shape, form, make)
}

/// A convolution or linear layer of constant weights: in int8 where the file means it so,
/// otherwise in f32 and ready for a batch normalization that follows.
/// `shape` is that of our weights, ONNX's numbers being in the order of its N, C, H, W; `dims`
/// and `layout` are the result's.
pub(super) fn convolve(
    importer: &mut Importer<'_>,
    node: &Node,
    input: &Activation,
    weight: Rc<Constant>,
    bias: Option<&Constant>,
    shape: Shape,
    (dims, layout): (Vec<usize>, Layout),
    make: impl Fn(ParamId, Option<ParamId>, Option<ActivationKind>) -> Op,
) -> Result<Value> {
    check_numbers(&weight, bias)?;
    if importer.is_quantized(input)
        && let Some(target) = importer.target(node, true)
        && let Some(integers) = IntegerWeights::of(importer, input, &weight, bias, shape)?
    {
        let weight = importer.param(&format!("{}/weight", node_name(node)), integers.weight);
        let bias =
            integers.bias.map(|bias| importer.param(&format!("{}/bias", node_name(node)), bias));
        let op = make(weight, bias, target.clamp);
        let pushed = importer.push(node, op, &[input.node], Some(target.element.clone()))?;
        let value = Activation { node: pushed, dims, layout, number: Number::Float };
        return Ok(importer.reach(&target, value));
    }
    let values = match Rc::try_unwrap(weight) {
        Ok(owned) => owned.into_finite_f32(&mut importer.budget)?,
        Err(shared) => shared.to_finite_f32(&mut importer.budget)?,
    };
    importer.budget.charge(4 * values.len())?;
    let weight = Arc::new(Tensor::from_f32(shape, reorder(values, shape, Layout::Image))?);
    let bias = match bias {
        None => None,
        Some(bias) => {
            let values = bias.to_finite_f32(&mut importer.budget)?;
            Some(Arc::new(Tensor::from_f32(Shape::vector(values.len()), values)?))
        }
    };
    let input = importer.float(input)?;
    let (op, pushed) = push_float(importer, node, input, &weight, bias.as_ref(), make)?;
    importer.mean(pushed, Meaning::Convolution(Convolution { input, op, weight, bias }));
    Ok(Value::Activation(Activation { node: pushed, dims, layout, number: Number::Float }))
}

/// Pushes a float convolution or linear layer under the name of a node of the file.
pub(super) fn push_float(
    importer: &mut Importer<'_>,
    node: &Node,
    input: NodeId,
    weight: &Arc<Tensor>,
    bias: Option<&Arc<Tensor>>,
    make: impl Fn(ParamId, Option<ParamId>, Option<ActivationKind>) -> Op,
) -> Result<(Op, NodeId)> {
    let weight = importer.param(&format!("{}/weight", node_name(node)), Arc::clone(weight));
    let bias =
        bias.map(|bias| importer.param(&format!("{}/bias", node_name(node)), Arc::clone(bias)));
    let op = make(weight, bias, None);
    let pushed = importer.push(node, op.clone(), &[input], None)?;
    Ok((op, pushed))
}

/// Fails unless weights and bias are real numbers, or integers that stand for some.
pub(super) fn check_numbers(weight: &Constant, bias: Option<&Constant>) -> Result<()> {
    for constant in std::iter::once(weight).chain(bias) {
        if !matches!(constant.numbers, Numbers::F32(_)) && constant.quantization.is_none() {
            let expected = "float weights and biases, or integers through DequantizeLinear";
            return Err(Problem::Element { actual: constant.element().into(), expected });
        }
    }
    Ok(())
}

/// Fails unless a bias has a number for each output channel.
pub(super) fn check_bias(bias: Option<&Constant>, out_channels: usize) -> Result<()> {
    match bias {
        Some(bias) if bias.dims != [out_channels] => {
            let expected = format!("[{out_channels}], a number for each output channel");
            Err(Problem::shape("the bias", &bias.dims, expected))
        }
        _ => Ok(()),
    }
}

fn groups(
    node: &Node,
    channels: usize,
    out_channels: usize,
    group_channels: usize,
) -> Result<usize> {
    let stated = Attributes::of(node).int("group")?.unwrap_or(1);
    let groups = usize::try_from(stated).unwrap_or(0);
    let fits = groups > 0
        && channels.is_multiple_of(groups)
        && out_channels.is_multiple_of(groups)
        && group_channels * groups == channels;
    if !fits {
        let expected = format!(
            "one that divides {channels} input and {out_channels} output channels, with weights \
             for {group_channels} channels in each group"
        );
        return Err(Problem::attribute("group", stated, expected));
    }
    Ok(groups)
}

/// The window of a convolution or pool.
pub(super) fn window(node: &Node, [kernel_h, kernel_w]: [usize; 2]) -> Result<Window> {
    let attributes = Attributes::of(node);
    if let Some(stated) = attributes.ints("kernel_shape")?
        && stated != [kernel_h as i64, kernel_w as i64]
    {
        let expected = format!("[{kernel_h}, {kernel_w}], as the weights");
        return Err(Problem::attribute("kernel_shape", format!("{stated:?}"), expected));
    }
    let [stride_h, stride_w] = list(attributes, "strides", [1, 1])?;
    let [dilation_h, dilation_w] = list(attributes, "dilations", [1, 1])?;
    let padding = match attributes.string("auto_pad")?.unwrap_or("NOTSET") {
        "NOTSET" => {
            let [top, left, bottom, right] = list(attributes, "pads", [0; 4])?;
            match [top, left, bottom, right] {
                [0, 0, 0, 0] => Padding::Valid,
                _ => Padding::Explicit { top, bottom, left, right },
            }
        }
        "SAME_UPPER" => Padding::Same,
        "VALID" => Padding::Valid,
        other => {
            return Err(Problem::attribute("auto_pad", other, "NOTSET, SAME_UPPER or VALID"));
        }
    };
    Ok(Window { kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, padding })
}

/// A list of sizes of known length.
pub(super) fn list<const N: usize>(
    attributes: Attributes<'_>,
    name: &'static str,
    default: [usize; N],
) -> Result<[usize; N]> {
    let Some(stated) = attributes.ints(name)? else { return Ok(default) };
    let wrong =
        || Problem::attribute(name, format!("{stated:?}"), format!("{N} numbers, none negative"));
    let sizes: Vec<usize> = stated
        .iter()
        .map(|&size| usize::try_from(size).map_err(|_| wrong()))
        .collect::<Result<_>>()?;
    sizes.try_into().map_err(|_| wrong())
}

/// A border outside of a border.
fn around(inner: Padding, pad: Pad) -> Padding {
    let [top, bottom, left, right] = match inner {
        Padding::Explicit { top, bottom, left, right } => [top, bottom, left, right],
        Padding::Valid | Padding::Same => [0; 4],
    };
    Padding::Explicit {
        top: top + pad.top,
        bottom: bottom + pad.bottom,
        left: left + pad.left,
        right: right + pad.right,
    }
}
