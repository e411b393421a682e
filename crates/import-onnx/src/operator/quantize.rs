//! `QuantizeLinear`, `DequantizeLinear`, and weights between them.

use std::rc::Rc;

use pocketvision_core::op::Quantize;
use pocketvision_core::{Element, Op, Quantization, Shape, Tensor, TensorData};

use super::axis;
use crate::attributes::Attributes;
use crate::constant::{Constant, Numbers, Scales};
use crate::error::{Problem, Result};
use crate::importer::{Importer, reorder};
use crate::message::Node;
use crate::value::{Activation, Layout, Number, Value};

pub(super) fn quantize(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    refuse_blocks(node)?;
    let input = match importer.value(node, 0)? {
        Value::Activation(input) => input,
        Value::Constant(constant) => {
            return quantize_constant(importer, node, &constant);
        }
    };
    if input.number != Number::Float {
        return Err(Problem::Quantization("the input is quantized already".into()));
    }
    let element = importer.element_of(node)?;
    let number = if importer.is_unsigned(node)? { Number::UInt8 } else { Number::Int8 };
    if importer.builder.ty(input.node).element == element {
        return Ok(Value::Activation(Activation { number, ..input }));
    }
    let pushed = importer.push(node, Op::Quantize(Quantize), &[input.node], Some(element))?;
    Ok(Value::Activation(Activation { node: pushed, number, ..input }))
}

pub(super) fn dequantize(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    refuse_blocks(node)?;
    let input = match importer.value(node, 0)? {
        Value::Activation(input) => input,
        Value::Constant(constant) => {
            let scales = scales(importer, node, &constant.dims)?;
            if constant.quantization.is_some() || matches!(constant.numbers, Numbers::F32(_)) {
                return Err(Problem::Quantization("the constant is no integer".into()));
            }
            importer.budget.charge(constant.count() * 4)?;
            let quantization = Some(scales);
            let constant = Constant { quantization, ..Constant::clone(&constant) };
            return Ok(Value::Constant(constant.into()));
        }
    };
    if input.number == Number::Float {
        return Err(Problem::Quantization("the input is no integer".into()));
    }
    let (stated, actual) = (importer.element_of(node)?, &importer.builder.ty(input.node).element);
    if stated != *actual {
        let message = format!("the integers were made as {actual} and are read as {stated}");
        return Err(Problem::Quantization(message));
    }
    Ok(Value::Activation(Activation { number: Number::Float, ..input }))
}

/// Weights and bias as int8 and int32.
pub(super) struct IntegerWeights {
    pub(super) weight: Tensor,
    pub(super) bias: Option<Tensor>,
}

impl IntegerWeights {
    /// The integers of weights that were quantized in a way that int8 can follow: with one
    /// scale, or a scale for each output channel around zero.
    pub(super) fn of(
        importer: &mut Importer<'_>,
        input: &Activation,
        weight: &Constant,
        bias: Option<&Constant>,
        shape: Shape,
    ) -> Result<Option<Self>> {
        let Some(quantization) = &weight.quantization else { return Ok(None) };
        let input_element = &importer.builder.ty(input.node).element;
        let Some((input_scale, _)) = input_element.per_tensor() else { return Ok(None) };
        let offset = match weight.numbers {
            Numbers::I8(_) => 0,
            Numbers::U8(_) => 128,
            _ => return Ok(None),
        };
        let channels = weight.dims[0];
        let scales = &quantization.scales;
        let zero_points: Vec<i32> = quantization.zero_points.iter().map(|z| z - offset).collect();
        let element = if let (&[scale], &[zero_point]) = (scales.as_slice(), &*zero_points) {
            Quantization::PerTensor { scale, zero_point }
        } else if quantization.axis == 0
            && scales.len() == channels
            && zero_points.iter().all(|&zero_point| zero_point == 0)
        {
            Quantization::PerChannel { scales: scales.as_slice().into() }
        } else {
            return Ok(None);
        };
        importer.budget.charge(2 * weight.count())?;
        let values: Vec<i8> = match &weight.numbers {
            Numbers::I8(values) => values.clone(),
            Numbers::U8(values) => values.iter().map(|&v| (i16::from(v) - 128) as i8).collect(),
            _ => return Ok(None),
        };
        let values = reorder(values, shape, Layout::Image);
        let product = |channel: usize| {
            f64::from(input_scale) * f64::from(scales[channel.min(scales.len() - 1)])
        };
        let bias = match bias {
            None => None,
            Some(bias) => {
                let Some(integers) = integer_bias(importer, bias, product)? else {
                    return Ok(None);
                };
                let quantization = match &element {
                    Quantization::PerTensor { .. } => {
                        Quantization::PerTensor { scale: product(0) as f32, zero_point: 0 }
                    }
                    Quantization::PerChannel { .. } => Quantization::PerChannel {
                        scales: (0..channels).map(|channel| product(channel) as f32).collect(),
                    },
                };
                if !quantization.is_valid() {
                    return Ok(None);
                }
                let shape = Shape::vector(integers.len());
                let element = Element::Int32(quantization);
                Some(Tensor::new(shape, element, TensorData::I32(integers))?)
            }
        };
        let weight = Tensor::new(shape, Element::Int8(element), TensorData::I8(values))?;
        Ok(Some(Self { weight, bias }))
    }
}

/// A bias in steps of the product of the scales, unless it is too large for that.
fn integer_bias(
    importer: &mut Importer<'_>,
    bias: &Constant,
    product: impl Fn(usize) -> f64,
) -> Result<Option<Vec<i32>>> {
    importer.budget.charge(8 * bias.count())?;
    let real: Vec<f64> = match (&bias.numbers, &bias.quantization) {
        // In f64: the integers of a bias do not fit f32.
        (Numbers::I32(values), Some(q)) => {
            let index = bias.scale_index(q);
            let zero = |scale: usize| q.zero_points[scale.min(q.zero_points.len() - 1)];
            let real = |(i, &value): (usize, &i32)| {
                (f64::from(value) - f64::from(zero(index(i)))) * f64::from(q.scales[index(i)])
            };
            values.iter().enumerate().map(real).collect()
        }
        _ => bias.to_f32(&mut importer.budget)?.into_iter().map(f64::from).collect(),
    };
    let step = |(channel, value): (usize, f64)| {
        let steps = (value / product(channel)).round();
        (steps.abs() <= f64::from(i32::MAX)).then_some(steps as i32)
    };
    Ok(real.into_iter().enumerate().map(step).collect())
}

/// Scales and zero points of a constant.
fn scales(importer: &Importer<'_>, node: &Node, dims: &[usize]) -> Result<Scales> {
    let scale = importer.constant(node, 1)?;
    let Numbers::F32(scales) = &scale.numbers else {
        return Err(Problem::Quantization("the scale is no float".into()));
    };
    if scales.is_empty() || scales.iter().any(|scale| !(scale.is_finite() && *scale > 0.0)) {
        return Err(Problem::Quantization("a scale must be finite and above zero".into()));
    }
    let zero_points = match importer.optional_constant(node, 2)? {
        None => vec![0],
        Some(constant) => match &constant.numbers {
            Numbers::I8(values) => values.iter().map(|&value| value.into()).collect(),
            Numbers::U8(values) => values.iter().map(|&value| value.into()).collect(),
            Numbers::I32(values) => values.clone(),
            _ => return Err(Problem::Quantization("the zero point is no integer".into())),
        },
    };
    let axis = match scales.len() {
        1 => 0,
        count => {
            let stated = Attributes::of(node).int("axis")?.unwrap_or(1);
            let axis = axis("axis", stated, dims.len())?;
            if dims[axis] != count {
                let message = format!("{count} scales for {} steps along axis {axis}", dims[axis]);
                return Err(Problem::Quantization(message));
            }
            axis
        }
    };
    if zero_points.len() != scales.len() && zero_points.len() != 1 {
        let message = format!("{} zero points for {} scales", zero_points.len(), scales.len());
        return Err(Problem::Quantization(message));
    }
    Ok(Scales { scales: scales.clone(), zero_points, axis })
}

/// Weights that the file has as floats, to be rounded first.
fn quantize_constant(
    importer: &mut Importer<'_>,
    node: &Node,
    constant: &Rc<Constant>,
) -> Result<Value> {
    let scales = scales(importer, node, &constant.dims)?;
    let unsigned = importer.is_unsigned(node)?;
    let values = constant.to_f32(&mut importer.budget)?;
    importer.budget.charge(values.len())?;
    let index = constant.scale_index(&scales);
    let (low, high) = if unsigned { (0.0, 255.0) } else { (-128.0, 127.0) };
    let rounded = values.iter().enumerate().map(|(i, value)| {
        let scale = index(i);
        let zero_point = scales.zero_points[scale.min(scales.zero_points.len() - 1)];
        let steps = (value / scales.scales[scale]).round_ties_even() + zero_point as f32;
        steps.clamp(low, high)
    });
    let numbers = if unsigned {
        Numbers::U8(rounded.map(|value| value as u8).collect())
    } else {
        Numbers::I8(rounded.map(|value| value as i8).collect())
    };
    Ok(Value::Constant(Constant::new(constant.dims.clone(), numbers).into()))
}

fn refuse_blocks(node: &Node) -> Result<()> {
    match Attributes::of(node).int("block_size")? {
        None | Some(0) => Ok(()),
        Some(size) => Err(Problem::attribute("block_size", size, "none: a scale per channel")),
    }
}
