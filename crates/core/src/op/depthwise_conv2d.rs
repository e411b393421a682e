//! Convolution of each channel on its own.

use super::{ActivationKind, Window, check_fused, check_weights, computed_element, exactly};
use crate::builder::param_shape;
use crate::{Element, Graph, ParamId, Shape, ShapeError, TensorType};

/// `output[y, x, c * m + k] = activation(bias + sum over taps of input[.., c] * weight[.., c * m + k])`
/// for `m` filters a channel, nearly always one.
///
/// Weights are `Shape { n: 1, h, w: taps, c: output channels }`.
///
/// ```
/// use pocketvision_core::op::{DepthwiseConv2d, Padding, Window};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 16), Element::F32);
/// # let image = builder.input("image", image)?;
/// let weight = Tensor::zeros(&TensorType::new(Shape::new(1, 3, 3, 16), Element::F32));
/// let weight = builder.param("weight", weight);
///
/// let window = Window::square(3, 1, Padding::Same);
/// let filter =
///     Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias: None, activation: None });
/// let y = builder.push("filter", filter, &[image])?;
/// assert_eq!(builder.ty(y).shape, Shape::new(1, 8, 8, 16));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct DepthwiseConv2d {
    /// The sliding window; its kernel is that of the weights.
    pub window: Window,
    /// The weights.
    pub weight: ParamId,
    /// One number for each output channel, added to the sum.
    pub bias: Option<ParamId>,
    /// Applied last; only clamps in int8.
    pub activation: Option<ActivationKind>,
}

impl DepthwiseConv2d {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        graph: &Graph,
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let weight = param_shape(graph, self.weight)?;
        let shape = input.shape;
        if weight.n != 1
            || weight.c % shape.c != 0
            || (weight.h, weight.w) != (self.window.kernel_h, self.window.kernel_w)
        {
            let (left, right) = (shape, weight);
            return Err(ShapeError::Mismatch { what: "input and weights", left, right });
        }
        check_weights(graph, &input.element, self.weight, self.bias, weight.c)?;
        let element = computed_element(&input.element, element)?;
        check_fused(self.activation, &element)?;
        let (h, w) = self.window.output(shape)?;
        Ok(TensorType::new(Shape::new(shape.n, h, w, weight.c), element))
    }

    pub(super) fn macs(&self, output: &TensorType) -> u64 {
        output.shape.elements() as u64 * self.window.taps() as u64
    }
}
