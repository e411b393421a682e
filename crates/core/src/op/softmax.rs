//! Scores to probabilities.

use super::{computed_element, exactly};
use crate::{Element, ShapeError, TensorType};

/// `exp(beta * (x - max)) / sum of the same`, over the channels of each position.
///
/// In int8 the exponentials are fixed-point: see [`crate::quant::QuantizedSoftmax`].
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
