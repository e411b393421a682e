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
