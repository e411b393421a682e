//! `Gemm` and `MatMul` with constant weights.

use std::rc::Rc;

use pocketvision_core::op::Linear;
use pocketvision_core::{Op, Shape};

use super::convolution::convolve;
use crate::attributes::Attributes;
use crate::constant::{Constant, Numbers};
use crate::error::{Problem, Result};
use crate::importer::Importer;
use crate::message::Node;
use crate::value::{Activation, Layout, Value};

pub(super) fn gemm(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let attributes = Attributes::of(node);
    if attributes.flag("transA", false)? {
        return Err(Problem::attribute("transA", 1, "0"));
    }
    for factor in ["alpha", "beta"] {
        let value = attributes.float(factor)?.unwrap_or(1.0);
        #[allow(clippy::float_cmp, reason = "the file says 1 or it does not")]
        if value != 1.0 {
            return Err(Problem::attribute(factor, value, "1"));
        }
    }
    let input = importer.activation(node, 0)?;
    if input.dims.len() != 2 {
        return Err(Problem::shape("the input", &input.dims, "[batch, channels]"));
    }
    let weight = importer.take_constant(node, 1)?;
    let transposed = attributes.flag("transB", false)?;
    let bias = importer.optional_constant(node, 2)?;
    let bias = bias.map(|bias| spread(&bias, &weight, transposed)).transpose()?;
    lower(importer, node, &input, weight, transposed, bias.as_deref())
}

pub(super) fn matmul(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let input = importer.activation(node, 0)?;
    if input.layout != Layout::Rows || input.dims.len() < 2 {
        return Err(Problem::shape("the first input", &input.dims, "rows of channels"));
    }
    let weight = importer.take_constant(node, 1)?;
    lower(importer, node, &input, weight, false, None)
}

fn lower(
    importer: &mut Importer<'_>,
    node: &Node,
    input: &Activation,
    weight: Rc<Constant>,
    transposed: bool,
    bias: Option<&Constant>,
) -> Result<Value> {
    let channels = input.dims[input.dims.len() - 1];
    let inner = if transposed { 1 } else { 0 };
    if weight.dims.len() != 2 || weight.dims[inner] != channels {
        let expected = format!("two dimensions, one of them the {channels} input channels");
        return Err(Problem::shape("the weights", &weight.dims, expected));
    }
    let weight = if transposed { weight } else { Rc::new(transpose(importer, &weight)?) };
    let shape = Shape::new(weight.dims[0], 1, 1, channels);
    let make = |weight, bias, activation| Op::Linear(Linear { weight, bias, activation });
    let mut dims = input.dims.clone();
    dims[input.dims.len() - 1] = weight.dims[0];
    convolve(importer, node, input, weight, bias, shape, (dims, Layout::Rows), make)
}

/// A bias of one number for each output channel.
fn spread(bias: &Rc<Constant>, weight: &Constant, transposed: bool) -> Result<Rc<Constant>> {
    let channels = weight.dims.get(if transposed { 0 } else { 1 }).copied().unwrap_or(0);
    match bias.dims.as_slice() {
        &[count] | &[1, count] if count == channels => {
            let axis =
                |q: &crate::constant::Scales| crate::constant::Scales { axis: 0, ..q.clone() };
            let quantization = bias.quantization.as_ref().map(axis);
            let dims = vec![channels];
            Ok(Constant { dims, quantization, numbers: bias.numbers.clone() }.into())
        }
        dims => Err(Problem::shape("the bias", dims, format!("[{channels}]"))),
    }
}

/// A matrix turned over, its scales with it.
fn transpose(importer: &mut Importer<'_>, matrix: &Constant) -> Result<Constant> {
    let &[rows, columns] = matrix.dims.as_slice() else { unreachable!("checked to be two") };
    importer.budget.charge(4 * matrix.count())?;
    fn turn<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
        (0..columns)
            .flat_map(|column| (0..rows).map(move |row| values[row * columns + column]))
            .collect()
    }
    let numbers = match &matrix.numbers {
        Numbers::F32(values) => Numbers::F32(turn(values, rows, columns)),
        Numbers::I8(values) => Numbers::I8(turn(values, rows, columns)),
        Numbers::U8(values) => Numbers::U8(turn(values, rows, columns)),
        Numbers::I32(_) | Numbers::I64(_) => {
            let (actual, expected) = (matrix.element().into(), "float32, int8 or uint8");
            return Err(Problem::Element { actual, expected });
        }
    };
    let quantization = matrix
        .quantization
        .as_ref()
        .map(|q| crate::constant::Scales { axis: 1 - q.axis.min(1), ..q.clone() });
    Ok(Constant { dims: vec![columns, rows], numbers, quantization })
}
