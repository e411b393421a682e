//! `ArgMax`: the class of each pixel, or of the whole image.

use pocketvision_core::Op;
use pocketvision_core::op::ArgMax;

use super::axis;
use crate::attributes::Attributes;
use crate::error::{Problem, Result};
use crate::importer::Importer;
use crate::message::Node;
use crate::value::{Activation, Layout, Number, Value};

pub(super) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let input = importer.activation(node, 0)?;
    if input.number != Number::Float {
        let expected = "float scores, or integers through DequantizeLinear";
        return Err(Problem::Element { actual: format!("{:?}", input.number), expected });
    }
    let rank = input.dims.len();
    let attributes = Attributes::of(node);
    let stated = attributes.int("axis")?.unwrap_or(0);
    let axis = axis("axis", stated, rank)?;
    let channels = match input.layout {
        Layout::Image => 1,
        Layout::Rows => rank - 1,
    };
    if axis != channels {
        return Err(Problem::attribute("axis", stated, format!("{channels}, that of the classes")));
    }
    if attributes.flag("select_last_index", false)? {
        return Err(Problem::attribute("select_last_index", 1, "0"));
    }
    let mut dims = input.dims.clone();
    let mut layout = input.layout;
    if attributes.flag("keepdims", true)? {
        dims[axis] = 1;
    } else {
        dims.remove(axis);
        layout = Layout::Rows;
    }
    // The order of integers is that of the numbers that they stand for.
    let pushed = importer.push(node, Op::ArgMax(ArgMax), &[input.node], None)?;
    Ok(Value::Activation(Activation { node: pushed, dims, layout, number: Number::Index }))
}
