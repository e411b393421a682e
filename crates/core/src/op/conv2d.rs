//! Dense and grouped 2-D convolution.

use super::{ActivationKind, Window, check_fused, check_weights, computed_element, exactly};
use crate::builder::param_shape;
use crate::{Element, Graph, ParamId, Shape, ShapeError, TensorType};

/// `output[y, x, o] = activation(bias[o] + sum over taps and c of input * weight)`.
///
/// Weights are `Shape { n: output channels, h, w: taps, c: input channels / groups }`.
/// In int8 the sum is exact, then scaled as [`crate::quant::Multiplier`] says.
///
/// ```
/// use pocketvision_core::op::{ActivationKind, Conv2d, Padding, Window};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let weight = Tensor::zeros(&TensorType::new(Shape::new(16, 3, 3, 3), Element::F32));
/// let weight = builder.param("weight", weight);
///
/// let stem = Op::Conv2d(Conv2d {
///     window: Window::square(3, 2, Padding::Same),
///     weight,
///     bias: None,
///     groups: 1,
///     activation: Some(ActivationKind::Relu6),
/// });
/// let y = builder.push("stem", stem, &[image])?;
/// assert_eq!(builder.ty(y).shape, Shape::new(1, 4, 4, 16));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Conv2d {
    /// The sliding window; its kernel is that of the weights.
    pub window: Window,
    /// The weights.
    pub weight: ParamId,
    /// One number for each output channel, added to the sum.
    pub bias: Option<ParamId>,
    /// Input and output channels are split into this many groups that do not mix; 1 is a
    /// dense convolution.
    pub groups: usize,
    /// Applied last; only clamps in int8.
    pub activation: Option<ActivationKind>,
}

impl Conv2d {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        graph: &Graph,
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let weight = param_shape(graph, self.weight)?;
        let shape = input.shape;
        if self.groups == 0
            || shape.c % self.groups != 0
            || weight.n % self.groups != 0
            || weight.c * self.groups != shape.c
            || (weight.h, weight.w) != (self.window.kernel_h, self.window.kernel_w)
        {
            let (left, right) = (shape, weight);
            return Err(ShapeError::Mismatch { what: "input and weights", left, right });
        }
        check_weights(graph, &input.element, self.weight, self.bias, weight.n)?;
        let element = computed_element(&input.element, element)?;
        check_fused(self.activation, &element)?;
        let (h, w) = self.window.output(shape)?;
        Ok(TensorType::new(Shape::new(shape.n, h, w, weight.n), element))
    }

    pub(super) fn macs(&self, output: &TensorType, graph: &Graph) -> u64 {
        let weight = graph.param(self.weight).shape();
        output.shape.elements() as u64 * (weight.h * weight.w * weight.c) as u64
    }
}
