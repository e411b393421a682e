//! Functions of one number, and softmax.

use pocketvision_core::op::{Activation, ActivationKind, Softmax};
use pocketvision_core::{NodeId, Op};

use super::axis;
use crate::attributes::Attributes;
use crate::error::{Problem, Result};
use crate::importer::{Importer, Meaning};
use crate::message::Node;
use crate::value::{Layout, Value};

pub(super) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let kind = match node.op_type.as_str() {
        "Relu" => ActivationKind::Relu,
        "Clip" => clip(importer, node)?,
        "Sigmoid" => ActivationKind::Sigmoid,
        "HardSwish" => ActivationKind::HardSwish,
        "HardSigmoid" => {
            hard_sigmoid(node)?;
            ActivationKind::HardSigmoid
        }
        _ => return softmax(importer, node),
    };
    let input = importer.activation(node, 0)?;
    let form = (input.dims.clone(), input.layout);
    let op = |_| Op::Activation(Activation { kind });
    let value = importer.compute(node, std::slice::from_ref(&input), false, op, form)?;
    if let Value::Activation(output) = &value {
        match (kind, importer.meaning(input.node)) {
            (ActivationKind::Relu6, Some(&Meaning::PlusThree(x))) => {
                importer.mean(output.node, Meaning::HardSigmoidTimesSix(x));
            }
            (ActivationKind::HardSigmoid, _) => {
                importer.mean(output.node, Meaning::HardSigmoid(input.node));
            }
            _ => {}
        }
    }
    Ok(value)
}

/// The clamp that a `Clip` is.
pub(super) fn clip(importer: &Importer<'_>, node: &Node) -> Result<ActivationKind> {
    let bound = |index: usize, default: f32| -> Result<f32> {
        let Some(constant) = importer.optional_constant(node, index)? else { return Ok(default) };
        let wrong = || Problem::shape("a bound", &constant.dims, "one number");
        constant.scalar().ok_or_else(wrong)
    };
    let (low, high) = (bound(1, f32::NEG_INFINITY)?, bound(2, f32::INFINITY)?);
    match (low, high) {
        (0.0, 6.0) => Ok(ActivationKind::Relu6),
        (0.0, high) if high >= f32::MAX => Ok(ActivationKind::Relu),
        _ => Err(Problem::attribute(
            "the range",
            format!("{low} to {high}"),
            "0 to 6 (ReLU6) or 0 to infinity (ReLU)",
        )),
    }
}

/// Checks that a `HardSigmoid` is `relu6(x + 3) / 6`: ONNX's default slope is another.
fn hard_sigmoid(node: &Node) -> Result<()> {
    let attributes = Attributes::of(node);
    let alpha = attributes.float("alpha")?.unwrap_or(0.2);
    let beta = attributes.float("beta")?.unwrap_or(0.5);
    if (alpha - 1.0 / 6.0).abs() > 1e-6 || (beta - 0.5).abs() > 1e-6 {
        let value = format!("{alpha} with beta {beta}");
        return Err(Problem::attribute("alpha", value, "1/6 with beta 0.5 (MobileNetV3's)"));
    }
    Ok(())
}

fn softmax(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let input = importer.activation(node, 0)?;
    let rank = input.dims.len();
    let default = if importer.opset < 13 { 1 } else { -1 };
    let axis = axis("axis", Attributes::of(node).int("axis")?.unwrap_or(default), rank)?;
    let channels = match input.layout {
        Layout::Image => 1,
        Layout::Rows => rank - 1,
    };
    // Before opset 13 everything from the axis on was one list.
    let alone = importer.opset >= 13 || input.dims[axis + 1..].iter().product::<usize>() == 1;
    if axis != channels || !alone {
        return Err(Problem::attribute("axis", axis, format!("{channels}, the channels")));
    }
    let form = (input.dims.clone(), input.layout);
    importer.compute(node, &[input], false, |_| Op::Softmax(Softmax { beta: 1.0 }), form)
}

/// Pushes the function of a node that was recognised in several operators.
pub(super) fn recognised(
    importer: &mut Importer<'_>,
    node: &Node,
    kind: ActivationKind,
    x: NodeId,
) -> Result<NodeId> {
    importer.push(node, Op::Activation(Activation { kind }), &[x], None)
}
