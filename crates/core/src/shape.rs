//! The four dimensions of every tensor.

use std::fmt;

/// Batch, height, width and channels, stored in that order (NHWC, channels vary fastest).
///
/// Weights use the same four names: a convolution kernel is `n` output channels of
/// `h`x`w` taps over `c` input channels; a bias is `1x1x1xc`.
///
/// ```
/// use pocketvision_core::Shape;
///
/// let photo = Shape::new(1, 224, 224, 3);
/// assert_eq!(photo.to_string(), "1x224x224x3");
/// assert_eq!((photo.elements(), photo.pixels()), (150_528, 50_176));
/// assert_eq!(Shape::vector(1001), Shape::from([1, 1, 1, 1001]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Shape {
    /// Batch size; output channels of a convolution's weights.
    pub n: usize,
    /// Height in rows.
    pub h: usize,
    /// Width in columns.
    pub w: usize,
    /// Channels.
    pub c: usize,
}

impl Shape {
    /// A shape from its four dimensions.
    pub const fn new(n: usize, h: usize, w: usize, c: usize) -> Self {
        Self { n, h, w, c }
    }

    /// `1x1x1xlength`: a bias, a list of scores.
    pub const fn vector(length: usize) -> Self {
        Self::new(1, 1, 1, length)
    }

    /// Number of elements. Tensors of a graph never overflow this: see [`Self::MAX_ELEMENTS`].
    pub const fn elements(&self) -> usize {
        self.n * self.h * self.w * self.c
    }

    /// Number of elements, or `None` if it is zero or beyond [`Self::MAX_ELEMENTS`].
    ///
    /// ```
    /// use pocketvision_core::Shape;
    ///
    /// assert_eq!(Shape::new(1, 8, 8, 3).checked_elements(), Some(192));
    /// assert_eq!(Shape::new(1, 0, 8, 3).checked_elements(), None);
    /// assert_eq!(Shape::new(usize::MAX, 8, 8, 3).checked_elements(), None);
    /// ```
    pub fn checked_elements(&self) -> Option<usize> {
        let count = self
            .n
            .checked_mul(self.h)
            .and_then(|x| x.checked_mul(self.w))
            .and_then(|x| x.checked_mul(self.c))?;
        (1..=Self::MAX_ELEMENTS).contains(&count).then_some(count)
    }

    /// The dimensions as `[n, h, w, c]`.
    pub const fn dims(&self) -> [usize; 4] {
        [self.n, self.h, self.w, self.c]
    }

    /// Distance in elements between neighbours along each dimension, as `[n, h, w, c]`.
    ///
    /// ```
    /// use pocketvision_core::Shape;
    ///
    /// let shape = Shape::new(2, 4, 5, 3);
    /// let place: usize = [1, 2, 3, 0].iter().zip(shape.strides()).map(|(i, stride)| i * stride).sum();
    /// assert_eq!(place, 60 + 2 * 15 + 3 * 3);
    /// ```
    pub const fn strides(&self) -> [usize; 4] {
        [self.h * self.w * self.c, self.w * self.c, self.c, 1]
    }

    /// Positions of one image: height times width.
    pub const fn pixels(&self) -> usize {
        self.h * self.w
    }

    /// Most elements that one tensor may have, 2^28 (1 GiB of f32). A file that asks for
    /// more is refused before anything is allocated.
    pub const MAX_ELEMENTS: usize = 1 << 28;
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}x{}", self.n, self.h, self.w, self.c)
    }
}

impl From<[usize; 4]> for Shape {
    fn from([n, h, w, c]: [usize; 4]) -> Self {
        Self { n, h, w, c }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_elements_refuses_zero_and_overflow() {
        assert_eq!(Shape::new(1, 224, 224, 3).checked_elements(), Some(150_528));
        assert_eq!(Shape::new(1, 0, 224, 3).checked_elements(), None);
        assert_eq!(Shape::new(usize::MAX, 2, 2, 2).checked_elements(), None);
        assert_eq!(Shape::new(1, 1 << 14, 1 << 14, 2).checked_elements(), None);
    }
}
