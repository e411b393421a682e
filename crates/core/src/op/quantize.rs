//! Between element types.

use super::{exactly, valid_activation};
use crate::{Element, ShapeError, TensorType};

/// To an int8 or uint8 element: from float, or from another scale, zero point or signedness.
/// The output element is the one that the author states.
///
/// From float it is `round(x / scale) + zero_point`, half away from zero; from an integer it
/// is exact fixed-point arithmetic: see [`crate::quant::requantize_table`].
///
/// ```
/// use pocketvision_core::op::Quantize;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let int8 = Element::int8(1.0 / 128.0, 0);
/// let integers = builder.push_as("int8", Op::Quantize(Quantize), &[image], int8.clone())?;
/// assert_eq!(builder.ty(integers).element, int8);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quantize;

impl Quantize {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let valid = match element {
            Some(Element::Int8(q)) => valid_activation(q),
            Some(Element::UInt8(_)) => element
                .and_then(Element::per_tensor)
                .is_some_and(|(s, z)| s.is_finite() && s > 0.0 && (0..=255).contains(&z)),
            _ => false,
        };
        match (&input.element, element) {
            (Element::F32 | Element::Int8(_) | Element::UInt8(_), Some(element)) if valid => {
                Ok(TensorType::new(input.shape, element.clone()))
            }
            (actual, element) => Err(ShapeError::Element {
                what: "quantize",
                actual: format!(
                    "{actual} to {}",
                    element.map_or("nothing".into(), ToString::to_string)
                ),
                expected: "f32, int8 or uint8, to int8 or uint8 with one scale".into(),
            }),
        }
    }
}

/// From int8 or uint8 to f32: `scale * (x - zero_point)`.
///
/// ```
/// use pocketvision_core::op::Dequantize;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::int8(0.5, 0));
/// # let image = builder.input("image", image)?;
/// let reals = builder.push("reals", Op::Dequantize(Dequantize), &[image])?;
/// assert_eq!(builder.ty(reals).element, Element::F32);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dequantize;

impl Dequantize {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let fits = matches!(input.element, Element::Int8(_) | Element::UInt8(_))
            && matches!(element, None | Some(Element::F32));
        if !fits {
            return Err(ShapeError::Element {
                what: "dequantize",
                actual: input.element.to_string(),
                expected: "int8 or uint8, to f32".into(),
            });
        }
        Ok(TensorType::new(input.shape, Element::F32))
    }
}
