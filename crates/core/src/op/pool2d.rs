//! One number from each window.

use serde::{Deserialize, Serialize};

use super::{Padding, Window, computed_element, exactly};
use crate::{Element, Shape, ShapeError, TensorType};

/// Pools each channel over a sliding window. Padded positions do not count.
///
/// ```
/// use pocketvision_core::op::{IntegerRounding, Padding, Pool2d, PoolKind, Window};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let pool = Op::Pool2d(Pool2d {
///     kind: PoolKind::Max,
///     window: Window::square(2, 2, Padding::Valid),
///     rounding: IntegerRounding::HalfAwayFromZero,
/// });
/// let y = builder.push("pool", pool, &[image])?;
/// assert_eq!(builder.ty(y).shape, Shape::new(1, 4, 4, 3));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pool2d {
    /// What is taken of the window.
    pub kind: PoolKind,
    /// The sliding window. For [`PoolKind::Mean`] it is the whole image, with stride and
    /// dilation 1 and [`Padding::Valid`].
    pub window: Window,
    /// How an int8 average is rounded. See [`IntegerRounding`].
    pub rounding: IntegerRounding,
}

/// What is taken of a window.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// The average. In int8 the integers are averaged as they are: input and output have
    /// the same scale (TFLite's AVERAGE_POOL_2D).
    Average,
    /// The largest. In int8, input and output have the same scale.
    Max,
    /// The average over the whole image, in int8 rescaled to the output's own scale
    /// (TFLite's MEAN over height and width).
    Mean,
}

/// Where an int8 average goes that lies halfway between two integers.
///
/// TFLite rounds an int8 average half away from zero, and a uint8 average half up. A uint8
/// network rewritten to int8 must keep rounding up, or even windows differ by one.
///
/// ```
/// use pocketvision_core::op::IntegerRounding;
/// use pocketvision_core::quant::average;
///
/// // The average of -1 and -2.
/// assert_eq!(average(-3, 2, IntegerRounding::HalfAwayFromZero), -2);
/// assert_eq!(average(-3, 2, IntegerRounding::HalfUp), -1);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegerRounding {
    /// Half away from zero: TFLite's int8.
    #[default]
    HalfAwayFromZero,
    /// Half up, toward plus infinity: TFLite's uint8.
    HalfUp,
}

impl Pool2d {
    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let shape = input.shape;
        let (h, w) = self.window.output(shape)?;
        let whole =
            Window { kernel_h: shape.h, kernel_w: shape.w, ..Window::square(1, 1, Padding::Valid) };
        if self.kind == PoolKind::Mean && self.window != whole {
            let (attribute, value) = ("the mean's window", format!("{:?}", self.window));
            return Err(ShapeError::Attribute { attribute, value, input: shape });
        }
        if !self.every_window_touches(shape, h, w) {
            let (attribute, value) = ("window", format!("{:?}", self.window));
            return Err(ShapeError::Attribute { attribute, value, input: shape });
        }
        let element = computed_element(&input.element, element)?;
        if !element.is_float() {
            self.check_integers(&input.element, &element, shape)?;
        }
        Ok(TensorType::new(Shape { h, w, ..shape }, element))
    }

    /// Whether each window covers at least one pixel: nothing has no average and no largest.
    fn every_window_touches(&self, input: Shape, h: usize, w: usize) -> bool {
        let window = &self.window;
        let padding = window.resolve(input);
        // The first tap at or after the image's first pixel must exist and come before its end.
        let touches = |start: usize, before: usize, size: usize, kernel: usize, dilation: usize| {
            let tap = before.saturating_sub(start).div_ceil(dilation);
            tap < kernel && start + tap * dilation < before + size
        };
        (0..h).all(|y| {
            let start = y * window.stride_h;
            touches(start, padding.top, input.h, window.kernel_h, window.dilation_h)
        }) && (0..w).all(|x| {
            let start = x * window.stride_w;
            touches(start, padding.left, input.w, window.kernel_w, window.dilation_w)
        })
    }

    fn check_integers(
        &self,
        input: &Element,
        output: &Element,
        shape: Shape,
    ) -> Result<(), ShapeError> {
        if self.window.taps() > Self::MAX_INTEGER_TAPS {
            let (attribute, value) = ("window", format!("{:?}", self.window));
            return Err(ShapeError::Attribute { attribute, value, input: shape });
        }
        if self.kind != PoolKind::Mean && input != output {
            return Err(ShapeError::Element {
                what: "the output's element of an average or a maximum",
                actual: output.to_string(),
                expected: format!("the input's, {input}; PoolKind::Mean rescales"),
            });
        }
        Ok(())
    }

    /// Most taps of an integer pool: their sum fits in 32 bits.
    pub const MAX_INTEGER_TAPS: usize = 1 << 23;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(kind: PoolKind, window: Window) -> Pool2d {
        Pool2d { kind, window, rounding: IntegerRounding::default() }
    }

    #[test]
    fn a_window_that_covers_border_alone_is_refused() {
        let input = TensorType::new(Shape::new(1, 4, 4, 1), Element::F32);
        let border = |top, left| Padding::Explicit { top, bottom: 1, left, right: 1 };
        let infer = |window| pool(PoolKind::Average, window).infer(&[&input], None);
        assert!(infer(Window::square(3, 1, border(2, 2))).is_ok());
        assert!(infer(Window::square(3, 1, border(3, 2))).is_err());
        assert!(infer(Window::square(3, 1, border(2, 3))).is_err());
        // Both taps of a row step over the image.
        let dilated = Window { dilation_w: 8, ..Window::square(2, 1, Padding::Same) };
        assert!(infer(dilated).is_err());
    }

    #[test]
    fn only_a_mean_rescales_integers() {
        let input = TensorType::new(Shape::new(1, 4, 4, 1), Element::int8(0.1, 3));
        let other = Element::int8(0.2, 3);
        let infer = |kind, element| {
            pool(kind, Window::square(4, 1, Padding::Valid)).infer(&[&input], Some(element))
        };
        for kind in [PoolKind::Average, PoolKind::Max] {
            assert!(infer(kind, &input.element).is_ok());
            assert!(infer(kind, &other).is_err());
        }
        assert!(infer(PoolKind::Mean, &other).is_ok());
    }
}
