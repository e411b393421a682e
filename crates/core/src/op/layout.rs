//! Operators that move numbers without computing any.

use serde::{Deserialize, Serialize};

use super::{computed_element, exactly, moved_element};
use crate::builder::param;
use crate::{Element, Graph, ParamId, Shape, ShapeError, TensorType};

/// A tensor that never changes, read like any other node.
///
/// ```
/// use pocketvision_core::op::{Constant, Mul};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let value = Tensor::zeros(&TensorType::new(Shape::vector(3), Element::F32));
/// let value = builder.param("gate", value);
/// let gate = builder.push("gate", Op::Constant(Constant { value }), &[])?;
/// builder.push("weighed", Op::Mul(Mul { activation: None }), &[image, gate])?;
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Constant {
    /// The tensor.
    pub value: ParamId,
}

impl Constant {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        graph: &Graph,
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [] = exactly(inputs)?;
        let ty = param(graph, self.value)?.ty();
        Ok(TensorType::new(ty.shape, moved_element(&ty.element, element)?))
    }
}

/// A dimension.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Height.
    Height,
    /// Width.
    Width,
    /// Channels.
    Channels,
}

/// Tensors side by side along one dimension, equal in all others. In int8 each input is
/// requantized to the output's scale.
///
/// ```
/// use pocketvision_core::op::{Axis, Concat};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let side_by_side = Op::Concat(Concat::along(Axis::Width));
/// let pair = builder.push("pair", side_by_side, &[image, image])?;
/// assert_eq!(builder.ty(pair).shape, Shape::new(1, 8, 16, 3));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Concat {
    /// The dimension that grows.
    pub axis: Axis,
    /// How int8 inputs of another scale are brought to the output's.
    pub rescaling: Rescaling,
}

/// How TFLite brings the parts of a concatenation to one scale; a uint8 network rewritten to
/// int8 keeps its rule. See [`crate::quant::concat_table`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rescaling {
    /// As [`super::Quantize`] does. TFLite's int8 knows no parts of other scales.
    #[default]
    FixedPoint,
    /// In f32: TFLite's uint8.
    Float,
}

impl Concat {
    /// A concatenation that rescales in fixed point, if at all.
    pub const fn along(axis: Axis) -> Self {
        Self { axis, rescaling: Rescaling::FixedPoint }
    }

    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let Some((first, rest)) = inputs.split_first() else {
            return Err(ShapeError::InputCount { expected: 1, actual: 0 });
        };
        let mut shape = first.shape;
        for input in rest {
            let other = input.shape;
            let (fits, sum) = match self.axis {
                Axis::Height => (Shape { h: shape.h, ..other } == shape, shape.h + other.h),
                Axis::Width => (Shape { w: shape.w, ..other } == shape, shape.w + other.w),
                Axis::Channels => (Shape { c: shape.c, ..other } == shape, shape.c + other.c),
            };
            if !fits {
                let (left, right) = (shape, other);
                return Err(ShapeError::Mismatch { what: "the inputs", left, right });
            }
            if input.element.name() != first.element.name() {
                return Err(ShapeError::Element {
                    what: "an input",
                    actual: input.element.to_string(),
                    expected: first.element.name().into(),
                });
            }
            match self.axis {
                Axis::Height => shape.h = sum,
                Axis::Width => shape.w = sum,
                Axis::Channels => shape.c = sum,
            }
        }
        Ok(TensorType::new(shape, computed_element(&first.element, element)?))
    }
}

/// A border of the real number 0 around the image.
///
/// ```
/// use pocketvision_core::op::Pad;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let border = Op::Pad(Pad { top: 0, bottom: 1, left: 0, right: 1 });
/// let bordered = builder.push("border", border, &[image])?;
/// assert_eq!(builder.ty(bordered).shape, Shape::new(1, 9, 9, 3));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pad {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Pad {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let shape = input.shape;
        let limit = super::Window::MAX_ATTRIBUTE;
        if [self.top, self.bottom, self.left, self.right].iter().any(|&p| p > limit) {
            let (attribute, value) = ("pad", format!("{self:?}"));
            return Err(ShapeError::Attribute { attribute, value, input: shape });
        }
        let (h, w) = (shape.h + self.top + self.bottom, shape.w + self.left + self.right);
        let element = moved_element(&input.element, element)?;
        Ok(TensorType::new(Shape { h, w, ..shape }, element))
    }
}

/// The same numbers in the same order under another shape: a relabelling, free everywhere.
///
/// ```
/// use pocketvision_core::op::Reshape;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let flat = Op::Reshape(Reshape { shape: Shape::vector(8 * 8 * 3) });
/// let flat = builder.push("flat", flat, &[image])?;
/// assert_eq!(builder.ty(flat).shape.c, 192);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reshape {
    /// The output's shape, of as many elements as the input.
    pub shape: Shape,
}

impl Reshape {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        if self.shape.checked_elements() != input.shape.checked_elements() {
            let (left, right) = (input.shape, self.shape);
            return Err(ShapeError::Mismatch { what: "element counts", left, right });
        }
        let element = moved_element(&input.element, element)?;
        Ok(TensorType::new(self.shape, element))
    }
}
