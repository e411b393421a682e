//! Sums and products, differences and quotients, and what they amount to together.

use pocketvision_core::Op;
use pocketvision_core::op::{self, ActivationKind, Add, Mul};

use super::activation::recognised;
use super::pixels;
use crate::constant::{Constant, Numbers};
use crate::error::{Problem, Result};
use crate::importer::{Importer, Meaning};
use crate::message::Node;
use crate::value::{Activation, Layout, Value};

pub(super) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    if node.input.len() != 2 {
        return Err(Problem::Count { what: "inputs", actual: node.input.len(), expected: "two" });
    }
    match (importer.value(node, 0)?, importer.value(node, 1)?) {
        (Value::Activation(a), Value::Activation(b)) => of_two(importer, node, a, b),
        (Value::Activation(a), Value::Constant(b)) => with_constant(importer, node, a, &b),
        (Value::Constant(a), Value::Activation(b)) => match node.op_type.as_str() {
            "Add" | "Mul" => with_constant(importer, node, b, &a),
            "Sub" => {
                let minus_one = Constant::new(vec![], Numbers::F32(vec![-1.0]));
                let negated = binary_with_constant(importer, node, &b, &minus_one, false)?;
                let Value::Activation(negated) = negated else { unreachable!("an activation") };
                binary_with_constant(importer, node, &negated, &a, true)
            }
            _ => Err(Problem::NotConstant(node.input[1].clone())),
        },
        // Two constants that are not arithmetic on shapes.
        (Value::Constant(_), Value::Constant(_)) => {
            let (a, b) = (importer.activation(node, 0)?, importer.activation(node, 1)?);
            of_two(importer, node, a, b)
        }
    }
}

fn of_two(importer: &mut Importer<'_>, node: &Node, a: Activation, b: Activation) -> Result<Value> {
    let (a, b) = alike(importer, node, a, b)?;
    let dims = broadcast(&a.dims, &b.dims)?;
    let layout = if a.layout == Layout::Image { a.layout } else { b.layout };
    match node.op_type.as_str() {
        "Add" => importer.compute(node, &[a, b], true, sum, (dims, layout)),
        "Mul" => {
            let gated = gated(importer, &a, &b);
            if let Some((x, Meaning::HardSigmoid(_))) = &gated {
                let kind = ActivationKind::HardSwish;
                let op = |_| Op::Activation(op::Activation { kind });
                return importer.compute(node, std::slice::from_ref(x), false, op, (dims, layout));
            }
            let value = importer.compute(node, &[a, b], true, product, (dims, layout))?;
            if let (Some((x, _)), Value::Activation(output)) = (gated, &value) {
                importer.mean(output.node, Meaning::HardSwishTimesSix(x.node));
            }
            Ok(value)
        }
        "Sub" => {
            let minus_one = Constant::new(vec![], Numbers::F32(vec![-1.0]));
            let negated = binary_with_constant(importer, node, &b, &minus_one, false)?;
            let Value::Activation(negated) = negated else { unreachable!("an activation") };
            importer.compute(node, &[a, negated], true, sum, (dims, layout))
        }
        _ => Err(Problem::NotConstant(node.input[1].clone())),
    }
}

/// Both operands with as many dimensions, in one layout.
fn alike(
    importer: &mut Importer<'_>,
    node: &Node,
    a: Activation,
    b: Activation,
) -> Result<(Activation, Activation)> {
    if a.layout == b.layout && (a.dims.len() == b.dims.len()) {
        return Ok((a, b));
    }
    let rank = a.dims.len().max(b.dims.len());
    let image = a.layout == Layout::Image || b.layout == Layout::Image;
    let mut fit = |value: Activation| -> Result<Activation> {
        if value.layout == Layout::Image || (!image && value.dims.len() == rank) {
            return Ok(value);
        }
        let mut dims = vec![1; rank - value.dims.len()];
        dims.extend(&value.dims);
        let fitted = super::layout::reshape(importer, node, &value, dims)?;
        if image && fitted.layout != Layout::Image {
            return Err(Problem::Reorders { shape: crate::error::show(&value.dims) });
        }
        Ok(fitted)
    };
    Ok((fit(a)?, fit(b)?))
}

fn with_constant(
    importer: &mut Importer<'_>,
    node: &Node,
    a: Activation,
    b: &Constant,
) -> Result<Value> {
    if let Some(value) = pixels::normalized(importer, node, &a, b)? {
        return Ok(value);
    }
    let scalar = if b.quantization.is_none() { b.scalar() } else { None };
    let meaning = importer.meaning(a.node).cloned();
    let kind = node.op_type.as_str();
    if let (Some(scalar), Some(meaning)) = (scalar, meaning) {
        let a_sixth = match kind {
            "Div" => scalar == 6.0,
            "Mul" => (scalar - 1.0 / 6.0).abs() < 1e-6,
            _ => false,
        };
        match meaning {
            Meaning::HardSigmoidTimesSix(x) if a_sixth => {
                let output = recognised(importer, node, ActivationKind::HardSigmoid, x)?;
                importer.mean(output, Meaning::HardSigmoid(x));
                return Ok(Value::Activation(Importer::like(&a, output)));
            }
            Meaning::HardSwishTimesSix(x) if a_sixth => {
                let output = recognised(importer, node, ActivationKind::HardSwish, x)?;
                return Ok(Value::Activation(Importer::like(&a, output)));
            }
            _ => {}
        }
    }
    match kind {
        "Add" => {
            let plus_three = scalar == Some(3.0) && !importer.is_quantized(&a);
            let value = binary_with_constant(importer, node, &a, b, true)?;
            if let (true, Value::Activation(output)) = (plus_three, &value) {
                importer.mean(output.node, Meaning::PlusThree(a.node));
            }
            Ok(value)
        }
        "Mul" => binary_with_constant(importer, node, &a, b, false),
        "Sub" => {
            let negated = b.to_f32(&mut importer.budget)?.iter().map(|x| -x).collect();
            let negated = Constant::new(b.dims.clone(), Numbers::F32(negated));
            binary_with_constant(importer, node, &a, &negated, true)
        }
        _ => {
            let inverse = b.to_f32(&mut importer.budget)?.iter().map(|x| 1.0 / x).collect();
            let inverse = Constant::new(b.dims.clone(), Numbers::F32(inverse));
            binary_with_constant(importer, node, &a, &inverse, false)
        }
    }
}

fn binary_with_constant(
    importer: &mut Importer<'_>,
    node: &Node,
    a: &Activation,
    b: &Constant,
    is_sum: bool,
) -> Result<Value> {
    let dims = broadcast(&a.dims, &b.dims)?;
    // A constant of fewer dimensions is broadcast from the right.
    let mut aligned = vec![1; a.dims.len().saturating_sub(b.dims.len())];
    aligned.extend(&b.dims);
    if aligned.len() > a.dims.len() {
        return Err(Problem::shape("the constant", &b.dims, "no more dimensions than the input"));
    }
    let constant = Constant { dims: aligned, ..b.clone() };
    let name = node.input.get(1).map_or("constant", String::as_str);
    let b = importer.constant_node(name, &constant, a.layout)?;
    let op = if is_sum { sum } else { product };
    importer.compute(node, &[a.clone(), b], true, op, (dims, a.layout))
}

const fn sum(activation: Option<ActivationKind>) -> Op {
    Op::Add(Add { activation })
}

const fn product(activation: Option<ActivationKind>) -> Op {
    Op::Mul(Mul { activation })
}

/// The operand that the other is a hard sigmoid of, or six times that, and which it is.
fn gated(importer: &Importer<'_>, a: &Activation, b: &Activation) -> Option<(Activation, Meaning)> {
    let of = |x: &Activation, gate: &Activation| match importer.meaning(gate.node)? {
        meaning @ (Meaning::HardSigmoid(y) | Meaning::HardSigmoidTimesSix(y)) => {
            (*y == x.node).then(|| (x.clone(), meaning.clone()))
        }
        _ => None,
    };
    of(a, b).or_else(|| of(b, a))
}

/// The dimensions of a result: a dimension of 1 is repeated, missing ones are 1.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |dims: &[usize], axis: usize| {
        (axis + dims.len()).checked_sub(rank).map_or(1, |index| dims[index])
    };
    (0..rank)
        .map(|axis| match (dim(a, axis), dim(b, axis)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => Err(Problem::shape(
                "the second input",
                b,
                format!("dimensions that fit {}", crate::error::show(a)),
            )),
        })
        .collect()
}
