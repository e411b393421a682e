//! Pools, and means over an image.

use pocketvision_core::op::{IntegerRounding, Pad, Padding, Pool2d, PoolKind, Window};
use pocketvision_core::{Op, Shape};

use super::convolution::{list, window};
use super::{axes, layout};
use crate::attributes::Attributes;
use crate::error::{Problem, Result};
use crate::importer::Importer;
use crate::message::Node;
use crate::value::{Activation, Layout, Number, Value};

pub(super) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let input = importer.activation(node, 0)?;
    let [_, _, h, w] = match (input.layout, input.dims.len()) {
        (Layout::Image, _) => input.image()?,
        _ => return Err(Problem::shape("the input", &input.dims, "an image, [N, C, H, W]")),
    };
    let whole = Window { kernel_h: h, kernel_w: w, ..Window::square(1, 1, Padding::Valid) };
    match node.op_type.as_str() {
        "GlobalAveragePool" => pool(importer, node, &input, PoolKind::Mean, whole),
        "GlobalMaxPool" => pool(importer, node, &input, PoolKind::Max, whole),
        "ReduceMean" => mean(importer, node, &input, whole),
        "AveragePool" => {
            let window = sliding(node, &input)?;
            let counts_border = Attributes::of(node).flag("count_include_pad", false)?;
            if let (true, Padding::Explicit { top, bottom, left, right }) =
                (counts_border, window.padding)
            {
                if Attributes::of(node).flag("ceil_mode", false)? {
                    let expected = "0 where count_include_pad is 1";
                    return Err(Problem::attribute("ceil_mode", 1, expected));
                }
                let pad = Pad { top, bottom, left, right };
                let float = importer.float(&input)?;
                let padded = importer.push(node, Op::Pad(pad), &[float], None)?;
                let Shape { n, h, w, c } = importer.shape(padded);
                let dims = vec![n, c, h, w];
                let padded = Activation { node: padded, dims, ..input };
                let window = Window { padding: Padding::Valid, ..window };
                return pool(importer, node, &padded, PoolKind::Average, window);
            }
            pool(importer, node, &input, PoolKind::Average, window)
        }
        _ => {
            if Attributes::of(node).int("storage_order")?.unwrap_or(0) != 0 {
                return Err(Problem::attribute("storage_order", 1, "0"));
            }
            let window = sliding(node, &input)?;
            pool(importer, node, &input, PoolKind::Max, window)
        }
    }
}

fn pool(
    importer: &mut Importer<'_>,
    node: &Node,
    input: &Activation,
    kind: PoolKind,
    window: Window,
) -> Result<Value> {
    let op = Op::Pool2d(Pool2d { kind, window, rounding: IntegerRounding::default() });
    let [n, c, h, w] = input.image()?;
    let (h, w) = window
        .output(Shape { n, h, w, c })
        .map_err(|source| Problem::attribute("the window", source, "one that fits the input"))?;
    let form = (vec![n, c, h, w], Layout::Image);
    if kind == PoolKind::Mean || !importer.is_quantized(input) {
        return importer.compute(node, std::slice::from_ref(input), false, |_| op.clone(), form);
    }
    // Integers keep their scale in a pool; a QuantizeLinear after it may change it.
    let element = importer.builder.ty(input.node).element.clone();
    let pushed = importer.push(node, op, &[input.node], Some(element))?;
    let (dims, layout) = form;
    Ok(Value::Activation(Activation { node: pushed, dims, layout, number: Number::Float }))
}

/// `ReduceMean` over height and width.
fn mean(
    importer: &mut Importer<'_>,
    node: &Node,
    input: &Activation,
    whole: Window,
) -> Result<Value> {
    let stated = axes(importer, node, 4)?;
    if stated.as_deref() != Some(&[2, 3]) {
        let value = stated.map_or("all".into(), |axes| format!("{axes:?}"));
        return Err(Problem::attribute("axes", value, "[2, 3], height and width"));
    }
    let value = pool(importer, node, input, PoolKind::Mean, whole)?;
    let keeps = Attributes::of(node).flag("keepdims", true)?;
    match value {
        Value::Activation(value) if !keeps => {
            let dims = value.dims[..2].to_vec();
            Ok(Value::Activation(layout::reshape(importer, node, &value, dims)?))
        }
        value => Ok(value),
    }
}

/// The window of `AveragePool` or `MaxPool`.
fn sliding(node: &Node, input: &Activation) -> Result<Window> {
    let attributes = Attributes::of(node);
    let Some(_) = attributes.ints("kernel_shape")? else {
        return Err(Problem::attribute("kernel_shape", "absent", "height and width"));
    };
    let kernel = list(attributes, "kernel_shape", [1, 1])?;
    let mut window = window(node, kernel)?;
    if !attributes.flag("ceil_mode", false)? {
        return Ok(window);
    }
    // A last window that hangs over the edge is what more border makes of it.
    let [top, mut bottom, left, mut right] = match window.padding {
        Padding::Explicit { top, bottom, left, right } => [top, bottom, left, right],
        Padding::Valid => [0; 4],
        Padding::Same => return Ok(window),
    };
    let [n, c, h, w] = input.image()?;
    window
        .output(Shape { n, h, w, c })
        .map_err(|source| Problem::attribute("the window", source, "one that fits the input"))?;
    let missing = |size: usize, before: usize, after: usize, kernel, dilation, stride| {
        let reach = (kernel - 1) * dilation + 1;
        let rest = (size + before + after - reach) % stride;
        // The last window must still begin within the image or the border before it.
        let outputs = (size + before + after - reach) / stride + 1;
        if rest > 0 && outputs * stride < size + before { stride - rest } else { 0 }
    };
    let Window { kernel_h, kernel_w, dilation_h, dilation_w, stride_h, stride_w, .. } = window;
    bottom += missing(h, top, bottom, kernel_h, dilation_h, stride_h);
    right += missing(w, left, right, kernel_w, dilation_w, stride_w);
    window.padding = Padding::Explicit { top, bottom, left, right };
    Ok(window)
}
