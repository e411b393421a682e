//! Scores to probabilities.

use super::{computed_element, exactly};
use crate::{Element, ShapeError, TensorType};

/// `exp(beta * (x - max)) / sum of the same`, over the channels of each position.
///
/// In int8 the exponentials are fixed-point: see [`crate::quant::QuantizedSoftmax`].
///
/// ```
/// use pocketvision_core::op::Softmax;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let shares = builder.push("shares", Op::Softmax(Softmax { beta: 1.0 }), &[image])?;
/// assert_eq!(builder.ty(shares).shape, Shape::new(1, 8, 8, 3));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Softmax {
    /// Sharpness; 1 in every network we know.
    pub beta: f32,
}

impl Softmax {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        if !self.beta.is_finite() || self.beta <= 0.0 {
            let (attribute, value) = ("beta", self.beta.to_string());
            return Err(ShapeError::Attribute { attribute, value, input: input.shape });
        }
        let element = computed_element(&input.element, element)?;
        Ok(TensorType::new(input.shape, element))
    }
}
