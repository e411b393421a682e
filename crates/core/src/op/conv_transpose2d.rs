//! Transposed 2-D convolution, which enlarges.

use super::{ActivationKind, Window, check_fused, check_weights, computed_element, exactly};
use crate::builder::param_shape;
use crate::{Element, Graph, ParamId, Shape, ShapeError, TensorType};

/// Each input pixel, times the kernel, is added to the output where it stands: tap `(i, j)` of
/// pixel `(y, x)` goes to `(y * stride_h + i - crop_top, x * stride_w + j - crop_left)`. Then
/// `activation(bias + sum)`. TFLite's TRANSPOSE_CONV, and MediaPipe's
/// Convolution2DTransposeBias.
///
/// Weights are `Shape { n: output channels, h, w: taps, c: input channels }`.
///
/// ```
/// use pocketvision_core::op::ConvTranspose2d;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let weight = Tensor::zeros(&TensorType::new(Shape::new(8, 2, 2, 3), Element::F32));
/// let weight = builder.param("weight", weight);
///
/// let enlarge = Op::ConvTranspose2d(ConvTranspose2d {
///     weight,
///     bias: None,
///     stride_h: 2,
///     stride_w: 2,
///     crop_top: 0,
///     crop_left: 0,
///     output_h: 16,
///     output_w: 16,
///     activation: None,
/// });
/// let y = builder.push("enlarge", enlarge, &[image])?;
/// assert_eq!(builder.ty(y).shape, Shape::new(1, 16, 16, 8));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct ConvTranspose2d {
    /// The weights.
    pub weight: ParamId,
    /// One number for each output channel, added to the sum.
    pub bias: Option<ParamId>,
    /// Output rows between two neighbouring input rows.
    pub stride_h: usize,
    /// Output columns between two neighbouring input columns.
    pub stride_w: usize,
    /// Rows that are cut off above.
    pub crop_top: usize,
    /// Columns that are cut off on the left.
    pub crop_left: usize,
    /// Rows of the output.
    pub output_h: usize,
    /// Columns of the output.
    pub output_w: usize,
    /// Applied last; only clamps in int8.
    pub activation: Option<ActivationKind>,
}

impl ConvTranspose2d {
    /// The input position along one side that a tap of an output position reads: `None` where
    /// the tap falls between two inputs or beyond the edge.
    ///
    /// ```
    /// use pocketvision_core::op::ConvTranspose2d;
    ///
    /// // Of three inputs, two outputs apart: the second output's first tap falls between two.
    /// assert_eq!(ConvTranspose2d::source(0, 0, 0, 2, 3), Some(0));
    /// assert_eq!(ConvTranspose2d::source(1, 0, 0, 2, 3), None);
    /// assert_eq!(ConvTranspose2d::source(6, 0, 0, 2, 3), None);
    /// ```
    pub const fn source(
        output: usize,
        tap: usize,
        crop: usize,
        stride: usize,
        input_size: usize,
    ) -> Option<usize> {
        match (output + crop).checked_sub(tap) {
            Some(place) if place % stride == 0 && place / stride < input_size => {
                Some(place / stride)
            }
            _ => None,
        }
    }

    /// What SAME padding cuts off before an output of this size, above or on the left: half of
    /// what the kernel reaches beyond it, rounded down.
    ///
    /// ```
    /// use pocketvision_core::op::ConvTranspose2d;
    ///
    /// // Eight inputs two apart reach 17 outputs with three taps; the odd one goes at the end.
    /// assert_eq!(ConvTranspose2d::same_crop(16, 3, 2), 0);
    /// assert_eq!(ConvTranspose2d::same_crop(16, 4, 2), 1);
    /// ```
    ///
    /// # Panics
    /// If the stride is 0.
    pub const fn same_crop(output: usize, kernel: usize, stride: usize) -> usize {
        let last_input = output.saturating_sub(1) / stride;
        let reach = last_input.saturating_mul(stride).saturating_add(kernel);
        reach.saturating_sub(output) / 2
    }

    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        graph: &Graph,
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let weight = param_shape(graph, self.weight)?;
        let shape = input.shape;
        if weight.c != shape.c {
            let (left, right) = (shape, weight);
            return Err(ShapeError::Mismatch { what: "input and weights", left, right });
        }
        let positive = [self.stride_h, self.stride_w, self.output_h, self.output_w];
        let limit = Window::MAX_ATTRIBUTE;
        let bounded = positive.iter().all(|&size| (1..=limit).contains(&size))
            && [self.crop_top, self.crop_left, weight.h, weight.w].iter().all(|&n| n <= limit);
        if !bounded {
            let (attribute, value) = ("stride, crop or size", format!("{self:?}"));
            return Err(ShapeError::Attribute { attribute, value, input: shape });
        }
        check_weights(graph, &input.element, self.weight, self.bias, weight.n)?;
        let element = computed_element(&input.element, element)?;
        check_fused(self.activation, &element)?;
        Ok(TensorType::new(Shape::new(shape.n, self.output_h, self.output_w, weight.n), element))
    }

    /// Products of an output pixel on average, times the output's pixels: exact where strides
    /// divide the kernel and nothing is cut off.
    pub(super) fn macs(&self, output: &TensorType, graph: &Graph) -> u64 {
        let weight = graph.param(self.weight).shape();
        let products = output.shape.elements() as u64 * (weight.h * weight.w * weight.c) as u64;
        products / (self.stride_h * self.stride_w) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_read_the_pixels_that_reach_them() {
        let source = |output, tap| ConvTranspose2d::source(output, tap, 1, 2, 3);
        // Three inputs two apart, three taps, one column cut off.
        assert_eq!([0, 1, 2].map(|tap| source(0, tap)), [None, Some(0), None]);
        assert_eq!([0, 1, 2].map(|tap| source(1, tap)), [Some(1), None, Some(0)]);
        assert_eq!([0, 1, 2].map(|tap| source(5, tap)), [None, None, Some(2)]);
    }
}
