//! `BatchNormalization`: folded into the convolution before it, or a product and a sum.

use std::sync::Arc;

use pocketvision_core::op::{Add, Mul};
use pocketvision_core::{Op, ParamId, Shape, Tensor};

use super::convolution::push_float;
use crate::attributes::Attributes;
use crate::constant::{Constant, Numbers};
use crate::error::{Problem, Result};
use crate::importer::{Convolution, Importer, Meaning, node_name};
use crate::message::Node;
use crate::value::Value;

pub(super) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    if Attributes::of(node).flag("training_mode", false)? {
        return Err(Problem::attribute("training_mode", 1, "0: export the network for inference"));
    }
    let input = importer.activation(node, 0)?;
    let channels = match input.dims.as_slice() {
        &[_, c] | &[_, c, _, _] => c,
        dims => return Err(Problem::shape("the input", dims, "[N, C] or [N, C, H, W]")),
    };
    let (factor, offset) = affine(importer, node, channels)?;
    if let Some(Meaning::Convolution(convolution)) = importer.meaning(input.node).cloned() {
        let folded = fold(importer, &convolution, &factor, offset)?;
        let make = |weight: ParamId, bias: Option<ParamId>, _| renamed(&folded.op, weight, bias);
        let bias = folded.bias.as_ref();
        let (op, pushed) = push_float(importer, node, folded.input, &folded.weight, bias, make)?;
        importer.mean(pushed, Meaning::Convolution(Convolution { op, ..folded }));
        return Ok(Value::Activation(Importer::like(&input, pushed)));
    }
    let float = importer.float(&input)?;
    let constant = |values: Vec<f32>| {
        let mut dims = vec![1; input.dims.len()];
        dims[1] = channels;
        Constant::new(dims, Numbers::F32(values))
    };
    let name = node_name(node);
    let (factor, offset) = (constant(factor), constant(offset));
    let factor = importer.constant_node(&format!("{name}/factor"), &factor, input.layout)?;
    let offset = importer.constant_node(&format!("{name}/offset"), &offset, input.layout)?;
    let scaled =
        importer.push(node, Op::Mul(Mul { activation: None }), &[float, factor.node], None)?;
    let moved =
        importer.push(node, Op::Add(Add { activation: None }), &[scaled, offset.node], None)?;
    Ok(Value::Activation(Importer::like(&input, moved)))
}

/// The factor and the offset of each channel that a batch normalization amounts to.
fn affine(
    importer: &mut Importer<'_>,
    node: &Node,
    channels: usize,
) -> Result<(Vec<f32>, Vec<f32>)> {
    let mut list = |index: usize| -> Result<Vec<f32>> {
        let constant = importer.constant(node, index)?;
        if constant.dims != [channels] {
            return Err(Problem::shape("a statistic", &constant.dims, format!("[{channels}]")));
        }
        constant.to_finite_f32(&mut importer.budget)
    };
    let (scale, bias, mean, variance) = (list(1)?, list(2)?, list(3)?, list(4)?);
    let epsilon = f64::from(Attributes::of(node).float("epsilon")?.unwrap_or(1e-5));
    let factor: Vec<f64> = scale
        .iter()
        .zip(&variance)
        .map(|(&scale, &variance)| f64::from(scale) / (f64::from(variance) + epsilon).sqrt())
        .collect();
    let offset = (0..channels)
        .map(|channel| {
            (f64::from(bias[channel]) - f64::from(mean[channel]) * factor[channel]) as f32
        })
        .collect();
    Ok((factor.iter().map(|&factor| factor as f32).collect(), offset))
}

/// The convolution with its weights and bias scaled.
fn fold(
    importer: &mut Importer<'_>,
    convolution: &Convolution,
    factor: &[f32],
    offset: Vec<f32>,
) -> Result<Convolution> {
    let weight = &convolution.weight;
    let shape = weight.shape();
    importer.budget.charge(4 * shape.elements())?;
    let values = weight.as_f32().unwrap_or_default();
    let per_channel = shape.elements() / shape.n;
    let depthwise = matches!(convolution.op, Op::DepthwiseConv2d(_));
    let channel = |index: usize| if depthwise { index % shape.c } else { index / per_channel };
    let scaled = values.iter().enumerate().map(|(i, value)| value * factor[channel(i)]).collect();
    let bias = match convolution.bias.as_ref().and_then(|bias| bias.as_f32()) {
        None => offset,
        Some(bias) => offset.iter().zip(bias).zip(factor).map(|((o, b), f)| o + b * f).collect(),
    };
    Ok(Convolution {
        input: convolution.input,
        op: convolution.op.clone(),
        weight: Arc::new(Tensor::from_f32(shape, scaled)?),
        bias: Some(Arc::new(Tensor::from_f32(Shape::vector(bias.len()), bias)?)),
    })
}

/// The operator with other parameters.
fn renamed(op: &Op, new_weight: ParamId, new_bias: Option<ParamId>) -> Op {
    let mut op = op.clone();
    let (weight, bias) = match &mut op {
        Op::Conv2d(op) => (&mut op.weight, &mut op.bias),
        Op::DepthwiseConv2d(op) => (&mut op.weight, &mut op.bias),
        Op::Linear(op) => (&mut op.weight, &mut op.bias),
        other => return other.clone(),
    };
    (*weight, *bias) = (new_weight, new_bias);
    op
}
