//! ONNX operators, one at a time.

mod activation;
mod arg_max;
mod convolution;
mod elementwise;
mod layout;
mod linear;
mod normalization;
mod pixels;
mod pool;
mod quantize;
mod resize;
mod transposed;

pub(crate) use elementwise::broadcast;
pub(crate) use layout::{permutation, resolve, unsqueezed};

use pocketvision_core::op::ActivationKind;

use crate::attributes::Attributes;
use crate::error::{Problem, Result};
use crate::fold;
use crate::importer::Importer;
use crate::message::Node;
use crate::value::Value;

/// Translates one operator, and returns the value of its first output.
pub(crate) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    if !matches!(node.domain.as_str(), "" | "ai.onnx") {
        return Err(Problem::UnknownOperator);
    }
    if let Some(constant) = fold::fold(importer, node)? {
        return Ok(Value::Constant(constant.into()));
    }
    let name = node.op_type.as_str();
    match name {
        "Conv" => convolution::lower(importer, node),
        "ConvTranspose" => transposed::lower(importer, node),
        "Resize" => resize::lower(importer, node),
        "ArgMax" => arg_max::lower(importer, node),
        "Gemm" => linear::gemm(importer, node),
        "MatMul" => linear::matmul(importer, node),
        "BatchNormalization" => normalization::lower(importer, node),
        "GlobalAveragePool" | "GlobalMaxPool" | "AveragePool" | "MaxPool" | "ReduceMean" => {
            pool::lower(importer, node)
        }
        "Add" | "Sub" | "Mul" | "Div" => elementwise::lower(importer, node),
        "Relu" | "Clip" | "Sigmoid" | "HardSigmoid" | "HardSwish" | "Softmax" => {
            activation::lower(importer, node)
        }
        "Identity" | "Dropout" | "Cast" | "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze"
        | "Transpose" | "Concat" | "Pad" => layout::lower(importer, node),
        "QuantizeLinear" => quantize::quantize(importer, node),
        "DequantizeLinear" => quantize::dequantize(importer, node),
        _ => Err(Problem::UnknownOperator),
    }
}

/// The clamp that a node amounts to, if it is one.
pub(crate) fn clamp(importer: &Importer<'_>, node: &Node) -> Option<ActivationKind> {
    match node.op_type.as_str() {
        "Relu" => Some(ActivationKind::Relu),
        "Clip" => activation::clip(importer, node).ok(),
        _ => None,
    }
}

/// An axis that may be counted from the end.
pub(crate) fn axis(name: &'static str, stated: i64, rank: usize) -> Result<usize> {
    let from_start = if stated < 0 { stated + rank as i64 } else { stated };
    match usize::try_from(from_start) {
        Ok(axis) if axis < rank => Ok(axis),
        _ => Err(Problem::attribute(name, stated, format!("an axis of {rank} dimensions"))),
    }
}

/// Axes as an attribute, or since opset 13 as an input.
pub(crate) fn axes(
    importer: &Importer<'_>,
    node: &Node,
    rank: usize,
) -> Result<Option<Vec<usize>>> {
    let stated = match Attributes::of(node).ints("axes")? {
        Some(axes) => Some(axes.to_vec()),
        None => importer.integers(node, 1)?,
    };
    let checked = |axes: Vec<i64>| {
        let mut axes: Vec<usize> =
            axes.into_iter().map(|stated| axis("axes", stated, rank)).collect::<Result<_>>()?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    };
    stated.map(checked).transpose()
}
