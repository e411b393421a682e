//! Operators that move or rename numbers without computing any.

use pocketvision_core::Op;
use pocketvision_core::op::{Axis, Concat, Pad, Reshape};

use super::{axes, axis, pixels};
use crate::attributes::Attributes;
use crate::constant;
use crate::error::{Problem, Result, show};
use crate::importer::{Importer, Meaning};
use crate::message::{Node, data_type};
use crate::value::{Activation, Layout, Number, Value, graph_shape};

pub(super) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let input = importer.activation(node, 0)?;
    let rank = input.dims.len();
    match node.op_type.as_str() {
        "Identity" => Ok(Value::Activation(input)),
        "Dropout" => match importer.optional_constant(node, 2)?.and_then(|c| c.scalar()) {
            Some(training) if training != 0.0 => {
                Err(Problem::attribute("training_mode", 1, "0: export for inference"))
            }
            _ => Ok(Value::Activation(input)),
        },
        "Cast" => {
            let to = Attributes::of(node).int("to")?.unwrap_or(0) as i32;
            match (to, input.number) {
                (data_type::UINT8 | data_type::INT32 | data_type::INT64, Number::Index) => {
                    Ok(Value::Activation(input))
                }
                (data_type::FLOAT | data_type::FLOAT16 | data_type::DOUBLE, Number::Byte) => {
                    pixels::float(importer, node, &input).map(Value::Activation)
                }
                (_, Number::Int8 | Number::UInt8) => Err(Problem::Quantization(
                    "integers of a scale are made float by DequantizeLinear, not by Cast".into(),
                )),
                (data_type::FLOAT | data_type::FLOAT16 | data_type::DOUBLE, _) => {
                    Ok(Value::Activation(input))
                }
                _ => Err(Problem::attribute("to", data_type::name(to), "a float type")),
            }
        }
        "Flatten" => {
            let stated = Attributes::of(node).int("axis")?.unwrap_or(1);
            let axis = if stated == rank as i64 { rank } else { axis("axis", stated, rank)? };
            let dims =
                vec![input.dims[..axis].iter().product(), input.dims[axis..].iter().product()];
            reshape(importer, node, &input, dims).map(Value::Activation)
        }
        "Reshape" => {
            let stated = importer.integers(node, 1)?.unwrap_or_default();
            let zero_is_zero = Attributes::of(node).flag("allowzero", false)?;
            let dims = resolve(&input.dims, &stated, zero_is_zero)?;
            reshape(importer, node, &input, dims).map(Value::Activation)
        }
        "Squeeze" => {
            let axes = axes(importer, node, rank)?;
            let drop = |axis: usize| match &axes {
                Some(axes) => axes.contains(&axis),
                None => input.dims[axis] == 1,
            };
            if let Some(axis) = (0..rank).find(|&axis| drop(axis) && input.dims[axis] != 1) {
                return Err(Problem::attribute("axes", axis, "dimensions of 1"));
            }
            let kept = (0..rank).filter(|&axis| !drop(axis)).map(|axis| input.dims[axis]);
            reshape(importer, node, &input, kept.collect()).map(Value::Activation)
        }
        "Unsqueeze" => {
            let new = unsqueezed(importer, node, &input.dims)?;
            reshape(importer, node, &input, new).map(Value::Activation)
        }
        "Transpose" => transpose(importer, node, &input),
        "Concat" => concat(importer, node),
        _ => pad(importer, node, &input),
    }
}

/// The dimensions after an `Unsqueeze`.
pub(crate) fn unsqueezed(
    importer: &Importer<'_>,
    node: &Node,
    dims: &[usize],
) -> Result<Vec<usize>> {
    let stated = match Attributes::of(node).ints("axes")? {
        Some(axes) => axes.to_vec(),
        None => importer.integers(node, 1)?.unwrap_or_default(),
    };
    let rank = dims.len() + stated.len();
    let new = axes(importer, node, rank)?.unwrap_or_default();
    if new.len() != stated.len() {
        return Err(Problem::attribute("axes", format!("{stated:?}"), "each axis once"));
    }
    let mut old = dims.iter().copied();
    Ok((0..rank)
        .map(|axis| if new.contains(&axis) { 1 } else { old.next().unwrap_or(1) })
        .collect())
}

/// The dimensions that a `Reshape` asks for: 0 keeps one, -1 is what is left.
pub(crate) fn resolve(dims: &[usize], stated: &[i64], zero_is_zero: bool) -> Result<Vec<usize>> {
    let wrong = || {
        let expected = format!("dimensions for the numbers of {}", show(dims));
        Problem::attribute("the shape", format!("{stated:?}"), expected)
    };
    let count = constant::checked_count(dims).ok_or_else(wrong)?;
    let mut open = None;
    let mut new = Vec::with_capacity(stated.len());
    for (axis, &size) in stated.iter().enumerate() {
        new.push(match size {
            0 if !zero_is_zero => *dims.get(axis).ok_or_else(wrong)?,
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            size => usize::try_from(size).map_err(|_| wrong())?,
        });
    }
    let known = constant::checked_count(&new).ok_or_else(wrong)?;
    if let Some(open) = open {
        new[open] = count.checked_div(known).ok_or_else(wrong)?;
    }
    if constant::checked_count(&new) == Some(count) { Ok(new) } else { Err(wrong()) }
}

/// The same numbers under other dimensions. Free, and without a node where the graph's shape
/// stays as it is.
pub(super) fn reshape(
    importer: &mut Importer<'_>,
    node: &Node,
    value: &Activation,
    dims: Vec<usize>,
) -> Result<Activation> {
    if dims == value.dims {
        return Ok(value.clone());
    }
    if !value.is_in_rows() {
        return Err(Problem::Reorders { shape: show(&value.dims) });
    }
    let is_image = matches!(dims.as_slice(), &[_, c, h, w] if c == 1 || h * w == 1);
    let layout = if is_image { Layout::Image } else { Layout::Rows };
    let shape = graph_shape(&dims, layout)?;
    let mut output = Activation { dims, layout, ..value.clone() };
    if importer.shape(value.node) != shape {
        output.node = importer.push(node, Op::Reshape(Reshape { shape }), &[value.node], None)?;
    }
    Ok(output)
}

fn transpose(importer: &mut Importer<'_>, node: &Node, input: &Activation) -> Result<Value> {
    let order = permutation(node, input.dims.len())?;
    let dims: Vec<usize> = order.iter().map(|&axis| input.dims[axis]).collect();
    // Between N, C, H, W and N, H, W, C nothing moves: we have the second all along.
    let renamed = match (input.layout, order.as_slice()) {
        (Layout::Image, [0, 2, 3, 1]) => Some(Layout::Rows),
        (Layout::Rows, [0, 3, 1, 2]) => Some(Layout::Image),
        _ => None,
    };
    if let Some(layout) = renamed {
        return Ok(Value::Activation(Activation { dims, layout, ..input.clone() }));
    }
    // Dimensions of 1 may change places with any other.
    let moved: Vec<usize> = order.iter().copied().filter(|&axis| input.dims[axis] != 1).collect();
    if moved.is_sorted() {
        return reshape(importer, node, input, dims).map(Value::Activation);
    }
    Err(Problem::Reorders { shape: show(&input.dims) })
}

/// The order of axes of a `Transpose`.
pub(crate) fn permutation(node: &Node, rank: usize) -> Result<Vec<usize>> {
    let Some(stated) = Attributes::of(node).ints("perm")? else {
        return Ok((0..rank).rev().collect());
    };
    let mut order = Vec::with_capacity(rank);
    for &stated_axis in stated {
        order.push(axis("perm", stated_axis, rank)?);
    }
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().eq(0..rank) {
        Ok(order)
    } else {
        Err(Problem::attribute("perm", format!("{stated:?}"), "each axis once"))
    }
}

fn concat(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let inputs: Vec<Activation> = (0..node.input.len())
        .map(|index| importer.activation(node, index))
        .collect::<Result<_>>()?;
    let Some(first) = inputs.first() else {
        return Err(Problem::Count { what: "inputs", actual: 0, expected: "one or more" });
    };
    let (rank, layout) = (first.dims.len(), first.layout);
    if let Some(other) = inputs.iter().find(|i| i.layout != layout || i.dims.len() != rank) {
        let expected = format!("the form of {}", show(&first.dims));
        return Err(Problem::shape("an input", &other.dims, expected));
    }
    let axis = axis("axis", Attributes::of(node).int("axis")?.unwrap_or(0), rank)?;
    let mut dims = first.dims.clone();
    dims[axis] = inputs.iter().map(|input| input.dims[axis]).sum();
    // The graph's dimension for an axis of ONNX's.
    let place = match (layout, rank) {
        (Layout::Image, _) => [0, 3, 1, 2][axis],
        (Layout::Rows, 2) => [0, 3][axis],
        (Layout::Rows, 3) => [0, 2, 3][axis],
        (Layout::Rows, _) => axis + 4 - rank,
    };
    let axis = match place {
        1 => Axis::Height,
        2 => Axis::Width,
        3 => Axis::Channels,
        _ => return Err(Problem::attribute("axis", axis, "any but the batch")),
    };
    importer.compute(node, &inputs, false, |_| Op::Concat(Concat::along(axis)), (dims, layout))
}

fn pad(importer: &mut Importer<'_>, node: &Node, input: &Activation) -> Result<Value> {
    let mode = Attributes::of(node).string("mode")?.unwrap_or("constant");
    if mode != "constant" {
        return Err(Problem::attribute("mode", mode, "constant"));
    }
    if let Some(value) = importer.optional_constant(node, 2)?.and_then(|value| value.scalar())
        && value != 0.0
    {
        return Err(Problem::attribute("the value", value, "0"));
    }
    if importer.optional(node, 3)?.is_some() {
        return Err(Problem::attribute("axes", "stated", "none"));
    }
    let [n, c, h, w] = input.image()?;
    let stated = importer.integers(node, 1)?.unwrap_or_default();
    let sizes: Option<Vec<usize>> = stated.iter().map(|&size| usize::try_from(size).ok()).collect();
    let pad = match sizes.as_deref() {
        Some(&[0, 0, top, left, 0, 0, bottom, right]) => Pad { top, bottom, left, right },
        _ => {
            let expected = "eight numbers from 0, none for batch or channels";
            return Err(Problem::attribute("pads", format!("{stated:?}"), expected));
        }
    };
    if (pad.top, pad.bottom, pad.left, pad.right) == (0, 0, 0, 0) {
        return Ok(Value::Activation(input.clone()));
    }
    let padded = importer.push(node, Op::Pad(pad), &[input.node], None)?;
    importer.mean(padded, Meaning::Padded { source: input.node, pad });
    let shape = importer.shape(padded);
    debug_assert_eq!((shape.n, shape.c), (n, c));
    debug_assert!(shape.h >= h && shape.w >= w);
    let dims = vec![n, c, shape.h, shape.w];
    Ok(Value::Activation(Activation { node: padded, dims, ..input.clone() }))
}
