//! Operators whose result is known before the network runs: mostly arithmetic on shapes.

mod arithmetic;
mod movement;

use std::rc::Rc;

use crate::attributes::Attributes;
use crate::constant::{Constant, Numbers};
use crate::error::{Problem, Result};
use crate::importer::Importer;
use crate::message::{Node, data_type};
use crate::value::Value;

/// The result of a node, if it only depends on constants and shapes and we know how.
pub(crate) fn fold(importer: &mut Importer<'_>, node: &Node) -> Result<Option<Constant>> {
    let name = node.op_type.as_str();
    if name == "Constant" {
        return constant(importer, node).map(Some);
    }
    if name == "Shape" {
        return shape(importer, node).map(Some);
    }
    let mut inputs = Vec::with_capacity(node.input.len());
    for index in 0..node.input.len() {
        match importer.optional(node, index)? {
            None => inputs.push(None),
            Some(Value::Constant(constant)) => inputs.push(Some(constant)),
            Some(Value::Activation(_)) => return Ok(None),
        }
    }
    let Some(Some(first)) = inputs.first() else { return Ok(None) };
    let quantized = inputs.iter().flatten().any(|input| input.quantization.is_some());
    if quantized && !matches!(name, "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten") {
        return Ok(None);
    }
    importer.budget.charge(8 * first.count())?;
    let result = match name {
        "Identity" => Constant::clone(first),
        "Cast" => cast(node, first)?,
        "Ceil" | "Floor" | "Neg" | "Sqrt" => arithmetic::unary(name, first)?,
        "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" => {
            let Some(Some(second)) = inputs.get(1) else { return Ok(None) };
            arithmetic::binary(importer, name, first, second)?
        }
        "Clip" => arithmetic::clip(first, input(&inputs, 1), input(&inputs, 2))?,
        "ConstantOfShape" => constant_of_shape(importer, node, first)?,
        "Gather" => {
            let Some(indices) = input(&inputs, 1) else { return Ok(None) };
            movement::gather(importer, node, first, indices)?
        }
        "Concat" => movement::concat(importer, node, &inputs)?,
        "Slice" => movement::slice(node, first, &inputs)?,
        "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => {
            movement::reshape(importer, node, first)?
        }
        "Transpose" => movement::transpose(node, first)?,
        _ => return Ok(None),
    };
    Ok(Some(result))
}

fn input(inputs: &[Option<Rc<Constant>>], index: usize) -> Option<&Constant> {
    inputs.get(index)?.as_deref()
}

fn constant(importer: &mut Importer<'_>, node: &Node) -> Result<Constant> {
    let attributes = Attributes::of(node);
    if let Some(tensor) = attributes.tensor("value")? {
        return Constant::read(tensor, importer.folder, &mut importer.budget);
    }
    if let Some(value) = attributes.float("value_float")? {
        return Ok(Constant::new(vec![], Numbers::F32(vec![value])));
    }
    if let Some(value) = attributes.int("value_int")? {
        return Ok(Constant::new(vec![], Numbers::I64(vec![value])));
    }
    if let Some(values) = attributes.floats("value_floats")? {
        return Ok(Constant::new(vec![values.len()], Numbers::F32(values.to_vec())));
    }
    if let Some(values) = attributes.ints("value_ints")? {
        return Ok(Constant::list(values.to_vec()));
    }
    Err(Problem::attribute("value", "absent", "a tensor, a number or a list of numbers"))
}

fn shape(importer: &Importer<'_>, node: &Node) -> Result<Constant> {
    let dims = match importer.value(node, 0)? {
        Value::Constant(constant) => constant.dims.clone(),
        Value::Activation(activation) => activation.dims,
    };
    let bound = |name: &'static str, default: i64| -> Result<usize> {
        let stated = Attributes::of(node).int(name)?.unwrap_or(default);
        let from_start = if stated < 0 { stated + dims.len() as i64 } else { stated };
        Ok(from_start.clamp(0, dims.len() as i64) as usize)
    };
    let (start, end) = (bound("start", 0)?, bound("end", dims.len() as i64)?);
    let part = dims.get(start..end).unwrap_or_default();
    Ok(Constant::list(part.iter().map(|&dim| dim as i64).collect()))
}

fn cast(node: &Node, input: &Constant) -> Result<Constant> {
    let to = Attributes::of(node).int("to")?.unwrap_or(0) as i32;
    let dims = input.dims.clone();
    let numbers = match (to, &input.numbers) {
        (data_type::FLOAT | data_type::DOUBLE | data_type::FLOAT16, numbers) => match numbers {
            Numbers::F32(values) => Numbers::F32(values.clone()),
            Numbers::I64(values) => Numbers::F32(values.iter().map(|&v| v as f32).collect()),
            Numbers::I32(values) => Numbers::F32(values.iter().map(|&v| v as f32).collect()),
            _ => return Err(unknown_cast(input, to)),
        },
        (data_type::INT64 | data_type::INT32, Numbers::F32(values)) => {
            Numbers::I64(values.iter().map(|&value| value as i64).collect())
        }
        (data_type::INT64 | data_type::INT32, numbers) => match numbers {
            Numbers::I64(values) => Numbers::I64(values.clone()),
            Numbers::I32(values) => Numbers::I64(values.iter().map(|&v| v.into()).collect()),
            _ => return Err(unknown_cast(input, to)),
        },
        _ => return Err(unknown_cast(input, to)),
    };
    Ok(Constant::new(dims, numbers))
}

fn unknown_cast(input: &Constant, to: i32) -> Problem {
    let value = format!("{} from {}", data_type::name(to), input.element());
    Problem::attribute("to", value, "a conversion between float32, int32 and int64")
}

fn constant_of_shape(
    importer: &mut Importer<'_>,
    node: &Node,
    shape: &Constant,
) -> Result<Constant> {
    let stated = shape.to_integers().unwrap_or_default();
    let dims = crate::constant::dims(&stated)?;
    let count = crate::constant::checked_count(&dims)
        .ok_or_else(|| Problem::shape("the result", &dims, "fewer elements"))?;
    importer.budget.charge(8 * count)?;
    let value = match Attributes::of(node).tensor("value")? {
        None => Constant::new(vec![1], Numbers::F32(vec![0.0])),
        Some(tensor) => Constant::read(tensor, None, &mut importer.budget)?,
    };
    let numbers = match &value.numbers {
        Numbers::F32(values) if values.len() == 1 => Numbers::F32(vec![values[0]; count]),
        Numbers::I64(values) if values.len() == 1 => Numbers::I64(vec![values[0]; count]),
        Numbers::I32(values) if values.len() == 1 => Numbers::I32(vec![values[0]; count]),
        _ => return Err(Problem::shape("the value", &value.dims, "one float or integer")),
    };
    Ok(Constant::new(dims, numbers))
}
