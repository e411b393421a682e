//! Which channel is the largest.

use super::exactly;
use crate::{Element, Quantization, Shape, ShapeError, TensorType};

/// The index of the largest channel at each position; of equal ones, the first. What a
/// segmentation network ends in: scores of each class become a map of classes.
///
/// The index is a number of scale 1 and zero point 0: uint8 for up to 256 channels, int32
/// beyond.
///
/// ```
/// use pocketvision_core::op::ArgMax;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 21), Element::F32);
/// # let image = builder.input("image", image)?;
/// let classes = builder.push("classes", Op::ArgMax(ArgMax), &[image])?;
/// assert_eq!(builder.ty(classes).shape, Shape::new(1, 8, 8, 1));
/// assert_eq!(builder.ty(classes).element, Element::uint8(1.0, 0));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArgMax;

impl ArgMax {
    /// The element of an index into so many channels.
    const fn index_element(channels: usize) -> Element {
        if channels <= 256 {
            Element::uint8(1.0, 0)
        } else {
            Element::Int32(Quantization::PerTensor { scale: 1.0, zero_point: 0 })
        }
    }

    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        if !matches!(input.element, Element::F32 | Element::Int8(_)) {
            return Err(ShapeError::Element {
                what: "the input's element",
                actual: input.element.to_string(),
                expected: "f32 or int8 scores".into(),
            });
        }
        let index = Self::index_element(input.shape.c);
        if let Some(stated) = element.filter(|stated| **stated != index) {
            return Err(ShapeError::Element {
                what: "the output's element",
                actual: stated.to_string(),
                expected: index.to_string(),
            });
        }
        Ok(TensorType::new(Shape { c: 1, ..input.shape }, index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_a_byte_while_it_fits() {
        let infer = |channels| {
            let scores = TensorType::new(Shape::new(2, 3, 4, channels), Element::F32);
            ArgMax.infer(&[&scores], None).unwrap()
        };
        assert_eq!(infer(256), TensorType::new(Shape::new(2, 3, 4, 1), Element::uint8(1.0, 0)));
        assert_eq!(infer(257).element.name(), "int32");
    }
}
