//! `Resize`: an image at another size.

use pocketvision_core::Op;
use pocketvision_core::op::{CoordinateMode, IntegerInterpolation, Resize, ResizeKind, Window};

use crate::attributes::Attributes;
use crate::error::{Problem, Result};
use crate::importer::Importer;
use crate::message::Node;
use crate::value::{Activation, Layout, Value};

pub(super) fn lower(importer: &mut Importer<'_>, node: &Node) -> Result<Value> {
    let input = importer.activation(node, 0)?;
    let [n, c, h, w] = input.image()?;
    refuse_variants(node)?;
    let [height, width] = sizes(importer, node, [n, c, h, w])?;
    let attributes = Attributes::of(node);
    let coordinates = attributes.string("coordinate_transformation_mode")?.unwrap_or("half_pixel");
    let (kind, coordinates) = match attributes.string("mode")?.unwrap_or("nearest") {
        "linear" => (ResizeKind::Bilinear, linear(coordinates, [(h, height), (w, width)])?),
        "nearest" => {
            let rounding = attributes.string("nearest_mode")?.unwrap_or("round_prefer_floor");
            let sides = [(h, height), (w, width)];
            (ResizeKind::Nearest, nearest(coordinates, rounding, sides)?)
        }
        other => return Err(Problem::attribute("mode", other, "linear or nearest")),
    };
    let interpolation = IntegerInterpolation::FixedPoint;
    let op = Op::Resize(Resize { kind, height, width, coordinates, interpolation });
    // Integers stay integers where the result has the input's scale.
    let element = &importer.builder.ty(input.node).element;
    let keeps_scale = importer.is_quantized(&input)
        && importer.target(node, false).is_some_and(|target| target.element == *element);
    let source = if keeps_scale { input.node } else { importer.float(&input)? };
    let pushed = importer.push(node, op, &[source], None)?;
    let dims = vec![n, c, height, width];
    Ok(Value::Activation(Activation { node: pushed, dims, layout: Layout::Image, ..input }))
}

fn refuse_variants(node: &Node) -> Result<()> {
    let attributes = Attributes::of(node);
    if attributes.flag("antialias", false)? {
        return Err(Problem::attribute("antialias", 1, "0"));
    }
    if attributes.ints("axes")?.is_some() {
        return Err(Problem::attribute(
            "axes",
            "stated",
            "none: a size or scale for each dimension",
        ));
    }
    let policy = attributes.string("keep_aspect_ratio_policy")?.unwrap_or("stretch");
    if policy != "stretch" {
        return Err(Problem::attribute("keep_aspect_ratio_policy", policy, "stretch"));
    }
    Ok(())
}

/// Height and width of the output, stated or as scales of the input's.
fn sizes(importer: &mut Importer<'_>, node: &Node, [n, c, h, w]: [usize; 4]) -> Result<[usize; 2]> {
    let stated = importer.integers(node, 3)?.filter(|sizes| !sizes.is_empty());
    let sizes: Vec<f64> = match stated {
        Some(sizes) => sizes.into_iter().map(|size| size as f64).collect(),
        None => {
            let scales = match importer.optional_constant(node, 2)? {
                Some(scales) => scales.to_f32(&mut importer.budget)?,
                None => vec![],
            };
            let pixels = |(scale, size): (f32, usize)| f64::from(scale) * size as f64;
            scales.into_iter().zip([n, c, h, w]).map(pixels).collect()
        }
    };
    let limit = Window::MAX_ATTRIBUTE as f64;
    let is_whole = |size: f64| (size - size.round()).abs() < WHOLE && (1.0..=limit).contains(&size);
    match sizes.as_slice() {
        &[images, channels, height, width]
            if images.round() as usize == n
                && channels.round() as usize == c
                && is_whole(height)
                && is_whole(width) =>
        {
            Ok([height.round() as usize, width.round() as usize])
        }
        _ => Err(Problem::attribute(
            "sizes or scales",
            format!("{sizes:?} pixels"),
            format!("{n} and {c} as the input, and whole numbers of pixels from 1 to {limit}"),
        )),
    }
}

fn linear(coordinates: &str, sides: [(usize, usize); 2]) -> Result<CoordinateMode> {
    match coordinates {
        "half_pixel" => Ok(CoordinateMode::HalfPixel),
        "align_corners" => Ok(CoordinateMode::AlignCorners),
        "asymmetric" => Ok(CoordinateMode::Asymmetric),
        // Half pixels, but for outputs of one pixel, which are the input's first.
        "pytorch_half_pixel" if sides.iter().all(|&(from, to)| to > 1 || from == 1) => {
            Ok(CoordinateMode::HalfPixel)
        }
        other => Err(Problem::attribute("coordinate_transformation_mode", other, COORDINATES)),
    }
}

/// The one of our modes that takes the same pixels.
fn nearest(
    coordinates: &str,
    rounding: &str,
    sides: [(usize, usize); 2],
) -> Result<CoordinateMode> {
    let round: fn(f64) -> f64 = match rounding {
        "floor" => f64::floor,
        "ceil" => f64::ceil,
        "round_prefer_floor" => |x: f64| (x - 0.5).ceil(),
        "round_prefer_ceil" => |x: f64| (x + 0.5).floor(),
        other => {
            let expected = "floor, ceil, round_prefer_floor or round_prefer_ceil";
            return Err(Problem::attribute("nearest_mode", other, expected));
        }
    };
    let place = |x: usize, from: usize, to: usize| {
        let (x, scale) = (x as f64, from as f64 / to as f64);
        match coordinates {
            "half_pixel" => Ok((x + 0.5) * scale - 0.5),
            "pytorch_half_pixel" if to == 1 => Ok(0.0),
            "pytorch_half_pixel" => Ok((x + 0.5) * scale - 0.5),
            "align_corners" if to == 1 => Ok(0.0),
            "align_corners" => Ok(x * (from - 1) as f64 / (to - 1) as f64),
            "asymmetric" => Ok(x * scale),
            other => Err(Problem::attribute("coordinate_transformation_mode", other, COORDINATES)),
        }
    };
    let mut wanted = Vec::new();
    for (from, to) in sides {
        for x in 0..to {
            wanted.push((round(place(x, from, to)?).max(0.0) as usize).min(from - 1));
        }
    }
    let [(h, height), (w, width)] = sides;
    let image = pocketvision_core::Shape::new(1, h, w, 1);
    let modes =
        [CoordinateMode::Asymmetric, CoordinateMode::HalfPixel, CoordinateMode::AlignCorners];
    let fitting = modes.into_iter().find(|&coordinates| {
        let op = Resize { coordinates, ..Resize::repeat(height, width) };
        let taken = op.rows(image).into_iter().chain(op.columns(image));
        taken.map(|sample| sample.lower).eq(wanted.iter().copied())
    });
    fitting.ok_or_else(|| {
        let expected = "one that takes the pixels that TFLite takes, as asymmetric and floor do";
        Problem::attribute("nearest_mode", format!("{rounding} of {coordinates}"), expected)
    })
}

const COORDINATES: &str = "half_pixel, pytorch_half_pixel, align_corners or asymmetric";
/// Scales are rounded to 32 bits: sizes may be so far from a whole number.
const WHOLE: f64 = 1e-2;
