//! `ConvTranspose`, which enlarges.

use pocketvision_core::op::{ConvTranspose2d, ResolvedPadding, Window};
use pocketvision_core::{Op, Shape, Tensor};

use super::convolution::{check_bias, check_numbers, list, window};
use crate::attributes::Attributes;
use crate::error::{Problem, Result};
use crate::importer::{Importer, node_name};
use crate::message::Node;
use crate::value::{Activation, Layout, Number, Value};

/// In f32: integers are turned into numbers first.
pub(super) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let input = importer.activation(node, 0)?;
    let [n, channels, h, w] = input.image()?;
    let weight = importer.constant(node, 1)?;
    let bias = importer.optional_constant(node, 2)?;
    let &[in_channels, out_channels, kernel_h, kernel_w] = weight.dims.as_slice() else {
        let expected = "[input channels, output channels, height, width]";
        return Err(Problem::shape("the weights", &weight.dims, expected));
    };
    let attributes = Attributes::of(node);
    let group = attributes.int("group")?.unwrap_or(1);
    if group != 1 || in_channels != channels {
        let expected = format!("1, with weights for {channels} input channels");
        return Err(Problem::attribute("group", group, expected));
    }
    check_numbers(&weight, bias.as_deref())?;
    check_bias(bias.as_deref(), out_channels)?;
    let padding = attributes.string("auto_pad")?.unwrap_or("NOTSET");
    if !matches!(padding, "NOTSET" | "VALID") {
        return Err(Problem::attribute("auto_pad", padding, "NOTSET or VALID"));
    }
    if let Some(sizes) = attributes.ints("output_shape")? {
        return Err(Problem::attribute("output_shape", format!("{sizes:?}"), "pads instead of it"));
    }
    let window = window(node, [kernel_h, kernel_w])?;
    if (window.dilation_h, window.dilation_w) != (1, 1) {
        let stated = format!("[{}, {}]", window.dilation_h, window.dilation_w);
        return Err(Problem::attribute("dilations", stated, "[1, 1]"));
    }
    let Window { stride_h, stride_w, .. } = window;
    let image = Shape::new(n, h, w, channels);
    let ResolvedPadding { top, left, bottom, right } = window.resolve(image);
    let [more_h, more_w] = list(attributes, "output_padding", [0, 0])?;
    let reach = |size: usize, kernel: usize, stride: usize, more: usize, cut: [usize; 2]| {
        let reach = (size - 1).checked_mul(stride)?.checked_add(kernel)?.checked_add(more)?;
        reach.checked_sub(cut[0])?.checked_sub(cut[1]).filter(|&size| size > 0)
    };
    let sizes = reach(h, kernel_h, stride_h, more_h, [top, bottom]).zip(reach(
        w,
        kernel_w,
        stride_w,
        more_w,
        [left, right],
    ));
    let Some((output_h, output_w)) = sizes else {
        let value = format!("[{top}, {left}, {bottom}, {right}]");
        return Err(Problem::attribute("pads", value, "borders that leave something"));
    };
    let values = weight.to_finite_f32(&mut importer.budget)?;
    importer.budget.charge(4 * values.len())?;
    // To output, height, width, input.
    let taps = kernel_h * kernel_w;
    let mut turned = Vec::with_capacity(values.len());
    for output in 0..out_channels {
        for tap in 0..taps {
            let of = |input: usize| values[(input * out_channels + output) * taps + tap];
            turned.extend((0..in_channels).map(of));
        }
    }
    let shape = Shape::new(out_channels, kernel_h, kernel_w, in_channels);
    let name = node_name(node);
    let weight = importer.param(&format!("{name}/weight"), Tensor::from_f32(shape, turned)?);
    let bias = match bias {
        None => None,
        Some(bias) => {
            let values = bias.to_finite_f32(&mut importer.budget)?;
            let tensor = Tensor::from_f32(Shape::vector(values.len()), values)?;
            Some(importer.param(&format!("{name}/bias"), tensor))
        }
    };
    let op = ConvTranspose2d {
        weight,
        bias,
        stride_h,
        stride_w,
        crop_top: top,
        crop_left: left,
        output_h,
        output_w,
        activation: None,
    };
    let source = importer.float(&input)?;
    let pushed = importer.push(node, Op::ConvTranspose2d(op), &[source], None)?;
    let dims = vec![n, out_channels, output_h, output_w];
    let (layout, number) = (Layout::Image, Number::Float);
    Ok(Value::Activation(Activation { node: pushed, dims, layout, number }))
}
