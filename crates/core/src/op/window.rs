//! Kernel, stride, dilation and padding: the arithmetic that convolutions and pools share.

use serde::{Deserialize, Serialize};

use crate::{Shape, ShapeError};

/// The window that slides over an image.
///
/// ```
/// use pocketvision_core::Shape;
/// use pocketvision_core::op::{Padding, Window};
///
/// let photo = Shape::new(1, 224, 224, 3);
/// let window = Window::square(3, 2, Padding::Same);
/// assert_eq!(window.output(photo)?, (112, 112));
/// assert_eq!(window.taps(), 9);
/// let gaps = Window { dilation_h: 2, dilation_w: 2, ..Window::square(3, 1, Padding::Valid) };
/// assert_eq!(gaps.output(photo)?, (220, 220));
/// # Ok::<(), pocketvision_core::ShapeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Window {
    /// Rows of taps.
    pub kernel_h: usize,
    /// Columns of taps.
    pub kernel_w: usize,
    /// Rows between two neighbouring outputs.
    pub stride_h: usize,
    /// Columns between two neighbouring outputs.
    pub stride_w: usize,
    /// Rows between two neighbouring taps.
    pub dilation_h: usize,
    /// Columns between two neighbouring taps.
    pub dilation_w: usize,
    /// What lies beyond the edges.
    pub padding: Padding,
}

/// How much border is added around the image. A padded position holds the real number 0;
/// pools skip it.
///
/// ```
/// use pocketvision_core::Shape;
/// use pocketvision_core::op::{Padding, Window};
///
/// // PyTorch's `padding=1`: as many outputs as SAME has, on a grid shifted by a pixel.
/// let explicit = Padding::Explicit { top: 1, bottom: 1, left: 1, right: 1 };
/// let output = |padding| Window::square(3, 2, padding).output(Shape::new(1, 224, 224, 3));
/// assert_eq!(output(explicit), output(Padding::Same));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// TensorFlow's SAME: as many outputs as `ceil(input / stride)`, the odd pixel of border
    /// at the bottom and right.
    Same,
    /// None.
    Valid,
    /// Stated rows and columns, as in PyTorch.
    Explicit {
        /// Rows above.
        top: usize,
        /// Rows below.
        bottom: usize,
        /// Columns to the left.
        left: usize,
        /// Columns to the right.
        right: usize,
    },
}

/// Border in pixels for one input size.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ResolvedPadding {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Window {
    /// A square window without dilation.
    pub const fn square(kernel: usize, stride: usize, padding: Padding) -> Self {
        Self {
            kernel_h: kernel,
            kernel_w: kernel,
            stride_h: stride,
            stride_w: stride,
            dilation_h: 1,
            dilation_w: 1,
            padding,
        }
    }

    /// Number of taps.
    pub const fn taps(&self) -> usize {
        self.kernel_h * self.kernel_w
    }

    /// True for a 1x1 window of stride 1 without padding: the convolution is one matrix
    /// product over all pixels.
    ///
    /// ```
    /// use pocketvision_core::op::{Padding, Window};
    ///
    /// assert!(Window::square(1, 1, Padding::Same).is_pointwise());
    /// assert!(!Window::square(1, 2, Padding::Same).is_pointwise());
    /// ```
    pub fn is_pointwise(&self) -> bool {
        (self.kernel_h, self.kernel_w, self.stride_h, self.stride_w) == (1, 1, 1, 1)
            && !matches!(self.padding, Padding::Explicit { top, bottom, left, right }
                if top + bottom + left + right > 0)
    }

    /// Height and width of the output.
    ///
    /// ```
    /// use pocketvision_core::Shape;
    /// use pocketvision_core::op::{Padding, Window};
    ///
    /// let image = Shape::new(1, 7, 10, 3);
    /// assert_eq!(Window::square(3, 2, Padding::Valid).output(image)?, (3, 4));
    /// assert_eq!(Window::square(3, 2, Padding::Same).output(image)?, (4, 5));
    /// assert!(Window::square(8, 1, Padding::Valid).output(image).is_err());
    /// # Ok::<(), pocketvision_core::ShapeError>(())
    /// ```
    ///
    /// # Errors
    /// If an attribute is zero or too large, or the window does not fit the padded input.
    pub fn output(&self, input: Shape) -> Result<(usize, usize), ShapeError> {
        let sizes = [self.kernel_h, self.kernel_w, self.stride_h, self.stride_w];
        let bounded = |&size: &usize| (1..=Self::MAX_ATTRIBUTE).contains(&size);
        let padding_bounded = match self.padding {
            Padding::Explicit { top, bottom, left, right } => {
                [top, bottom, left, right].iter().all(|&p| p <= Self::MAX_ATTRIBUTE)
            }
            _ => true,
        };
        if !sizes.iter().chain(&[self.dilation_h, self.dilation_w]).all(bounded) || !padding_bounded
        {
            return Err(self.out_of_range(input));
        }
        let padding = self.resolve(input);
        let extent = |size: usize, before: usize, after: usize, kernel, dilation, stride| {
            let reach = (kernel - 1) * dilation + 1;
            Some((size + before + after).checked_sub(reach)? / stride + 1)
        };
        let h = extent(
            input.h,
            padding.top,
            padding.bottom,
            self.kernel_h,
            self.dilation_h,
            self.stride_h,
        );
        let w = extent(
            input.w,
            padding.left,
            padding.right,
            self.kernel_w,
            self.dilation_w,
            self.stride_w,
        );
        h.zip(w).ok_or_else(|| self.out_of_range(input))
    }

    /// The border for an input, in pixels. Call [`Self::output`] first: it checks.
    ///
    /// ```
    /// use pocketvision_core::Shape;
    /// use pocketvision_core::op::{Padding, ResolvedPadding, Window};
    ///
    /// let border = Window::square(3, 2, Padding::Same).resolve(Shape::new(1, 224, 224, 3));
    /// assert_eq!(border, ResolvedPadding { top: 0, bottom: 1, left: 0, right: 1 });
    /// ```
    pub fn resolve(&self, input: Shape) -> ResolvedPadding {
        let same = |size: usize, kernel: usize, dilation: usize, stride: usize| {
            let reach = (kernel - 1) * dilation + 1;
            let total = ((size.div_ceil(stride) - 1) * stride + reach).saturating_sub(size);
            (total / 2, total - total / 2)
        };
        match self.padding {
            Padding::Valid => ResolvedPadding { top: 0, bottom: 0, left: 0, right: 0 },
            Padding::Explicit { top, bottom, left, right } => {
                ResolvedPadding { top, bottom, left, right }
            }
            Padding::Same => {
                let (top, bottom) = same(input.h, self.kernel_h, self.dilation_h, self.stride_h);
                let (left, right) = same(input.w, self.kernel_w, self.dilation_w, self.stride_w);
                ResolvedPadding { top, bottom, left, right }
            }
        }
    }

    fn out_of_range(&self, input: Shape) -> ShapeError {
        ShapeError::Attribute { attribute: "window", value: format!("{self:?}"), input }
    }

    /// Largest kernel, stride, dilation or padding.
    pub const MAX_ATTRIBUTE: usize = 1 << 14;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(h: usize, w: usize) -> Shape {
        Shape::new(1, h, w, 8)
    }

    #[test]
    fn same_padding_puts_the_odd_pixel_at_the_bottom_right() {
        let window = Window::square(3, 2, Padding::Same);
        assert_eq!(window.output(image(224, 513)).unwrap(), (112, 257));
        let expected = ResolvedPadding { top: 0, bottom: 1, left: 1, right: 1 };
        assert_eq!(window.resolve(image(224, 513)), expected);
    }

    #[test]
    fn dilation_widens_the_reach() {
        let window =
            Window { dilation_h: 2, dilation_w: 2, ..Window::square(3, 1, Padding::Valid) };
        assert_eq!(window.output(image(7, 9)).unwrap(), (3, 5));
    }

    #[test]
    fn windows_that_cannot_be_are_refused() {
        assert!(Window::square(8, 1, Padding::Valid).output(image(7, 7)).is_err());
        assert!(Window::square(3, 0, Padding::Same).output(image(7, 7)).is_err());
        assert!(Window::square(usize::MAX, 1, Padding::Same).output(image(7, 7)).is_err());
    }
}
