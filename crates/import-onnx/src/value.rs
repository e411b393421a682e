//! What a name of the file stands for while the graph is being built.

use std::rc::Rc;

use pocketvision_core::{NodeId, Shape};

use crate::constant::Constant;
use crate::error::{Problem, Result};

/// A constant, or what a node yields.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Constant(Rc<Constant>),
    Activation(Activation),
}

/// What a node of the graph yields, as ONNX sees it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Activation {
    /// The node. It may yield int8 where ONNX has a float: then the value is the real number
    /// that the integer stands for, and a `Dequantize` is made only if somebody needs it.
    pub(crate) node: NodeId,
    /// The dimensions in ONNX's order.
    pub(crate) dims: Vec<usize>,
    pub(crate) layout: Layout,
    pub(crate) number: Number,
}

/// How the numbers lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// Four dimensions N, C, H, W, kept as N, H, W, C.
    Image,
    /// Row by row, as the dimensions say.
    Rows,
}

/// The type that ONNX gives a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Number {
    Float,
    Int8,
    /// Kept as int8, 128 taken from each.
    UInt8,
    /// A picture's bytes, kept as they are.
    Byte,
    /// The index of a class.
    Index,
}

impl Activation {
    /// The dimensions N, C, H, W of an image.
    pub(crate) fn image(&self) -> Result<[usize; 4]> {
        match (self.layout, self.dims.as_slice()) {
            (Layout::Image, &[n, c, h, w]) => Ok([n, c, h, w]),
            _ => Err(Problem::shape("the input", &self.dims, "an image, [N, C, H, W]")),
        }
    }

    /// True if the numbers lie row by row as the dimensions say, whatever the layout.
    pub(crate) fn is_in_rows(&self) -> bool {
        match (self.layout, self.dims.as_slice()) {
            (Layout::Image, &[_, c, h, w]) => c == 1 || h * w == 1,
            _ => true,
        }
    }
}

/// The graph's shape for dimensions of ONNX's. Lists of vectors keep their batch: `[n, c]` is
/// n x 1 x 1 x c.
pub(crate) fn graph_shape(dims: &[usize], layout: Layout) -> Result<Shape> {
    Ok(match (layout, dims) {
        (Layout::Image, &[n, c, h, w]) | (Layout::Rows, &[n, h, w, c]) => Shape { n, h, w, c },
        (_, []) => Shape::vector(1),
        (_, &[c]) => Shape::vector(c),
        (_, &[n, c]) => Shape::new(n, 1, 1, c),
        (_, &[n, w, c]) => Shape::new(n, 1, w, c),
        _ => return Err(Problem::shape("the value", dims, "at most four dimensions")),
    })
}
