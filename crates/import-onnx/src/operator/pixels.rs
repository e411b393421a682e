//! A picture's bytes that the network itself makes numbers of: `Cast`, and what follows it.

use pocketvision_core::Op;
use pocketvision_core::op::{Dequantize, Normalize};

use crate::constant::{Constant, Numbers};
use crate::error::Result;
use crate::importer::Importer;
use crate::message::Node;
use crate::value::{Activation, Layout, Number, Value};

/// Bytes as floats.
pub(super) fn float(
    importer: &mut Importer<'_>,
    node: &Node,
    pixels: &Activation,
) -> Result<Activation> {
    let op = match importer.shape(pixels.node).c {
        3 => Op::Normalize(Normalize::IDENTITY),
        _ => Op::Dequantize(Dequantize),
    };
    let pushed = importer.push(node, op, &[pixels.node], None)?;
    Ok(Activation { node: pushed, number: Number::Float, ..pixels.clone() })
}

/// A difference or a quotient with the numbers of pixels, where it only changes how they are
/// normalized.
pub(super) fn normalized(
    importer: &mut Importer<'_>,
    node: &Node,
    a: &Activation,
    b: &Constant,
) -> Result<Option<Value>> {
    let made = importer.builder.node(a.node);
    let (Op::Normalize(normalize), Some(values)) = (&made.op, colours(a, b)) else {
        return Ok(None);
    };
    let joined = match node.op_type.as_str() {
        "Sub" => normalize.minus(values),
        "Div" => normalize.over(values),
        _ => None,
    };
    let Some(joined) = joined else { return Ok(None) };
    let pixels = made.inputs[0];
    let pushed = importer.push(node, Op::Normalize(joined), &[pixels], None)?;
    Ok(Some(Value::Activation(Importer::like(a, pushed))))
}

/// The numbers of a constant for red, green and blue.
fn colours(picture: &Activation, constant: &Constant) -> Option<[f32; 3]> {
    let rank = picture.dims.len();
    let channels = match picture.layout {
        Layout::Image => 1,
        Layout::Rows => rank.checked_sub(1)?,
    };
    // A constant of fewer dimensions is broadcast from the right.
    let missing = rank.checked_sub(constant.dims.len())?;
    let mut dims = constant.dims.iter().enumerate();
    if !dims.all(|(axis, &dim)| dim == 1 || (dim == 3 && axis + missing == channels)) {
        return None;
    }
    match &constant.numbers {
        Numbers::F32(values) => match *values.as_slice() {
            [one] => Some([one; 3]),
            [red, green, blue] => Some([red, green, blue]),
            _ => None,
        },
        _ => None,
    }
}
