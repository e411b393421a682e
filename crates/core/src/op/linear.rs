//! Fully connected layer.

use super::{ActivationKind, check_fused, check_weights, computed_element, exactly};
use crate::builder::param_shape;
use crate::{Element, Graph, ParamId, Shape, ShapeError, TensorType};

/// `output[.., o] = activation(bias[o] + sum over c of input[.., c] * weight[o, c])`, at each
/// position on its own: the same as a 1x1 [`super::Conv2d`].
///
/// Weights are `Shape { n: output channels, h: 1, w: 1, c: input channels }`.
///
/// ```
/// use pocketvision_core::op::Linear;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let weight = Tensor::zeros(&TensorType::new(Shape::new(10, 1, 1, 3), Element::F32));
/// let weight = builder.param("weight", weight);
///
/// let linear = Op::Linear(Linear { weight, bias: None, activation: None });
/// let y = builder.push("each pixel", linear, &[image])?;
/// assert_eq!(builder.ty(y).shape, Shape::new(1, 8, 8, 10));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Linear {
    /// The weights.
    pub weight: ParamId,
    /// One number for each output channel, added to the sum.
    pub bias: Option<ParamId>,
    /// Applied last; only clamps in int8.
    pub activation: Option<ActivationKind>,
}

impl Linear {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        graph: &Graph,
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let weight = param_shape(graph, self.weight)?;
        if (weight.h, weight.w) != (1, 1) || weight.c != input.shape.c {
            let (left, right) = (input.shape, weight);
            return Err(ShapeError::Mismatch { what: "input and weights", left, right });
        }
        check_weights(graph, &input.element, self.weight, self.bias, weight.n)?;
        let element = computed_element(&input.element, element)?;
        check_fused(self.activation, &element)?;
        Ok(TensorType::new(Shape { c: weight.n, ..input.shape }, element))
    }

    pub(super) fn macs(&self, inputs: &[&TensorType], output: &TensorType) -> u64 {
        (output.shape.elements() * inputs[0].shape.c) as u64
    }
}
