//! A picture's bytes to the numbers that a network was trained on.

use super::{exactly, moved_element};
use crate::{Element, Shape, ShapeError, TensorType};

/// `(pixel - mean) / std` for red, green and blue, computed in f32: a difference, rounded, and
/// a quotient, rounded. That is what a picture's preprocessing computes for a float network, so a
/// network that begins with it gives the same numbers for the bytes as without it for theirs.
///
/// Reads [`Normalize::PIXELS`] in three channels, writes f32 of the same shape.
///
/// ```
/// use pocketvision_core::op::Normalize;
/// use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
///
/// let mut builder = GraphBuilder::new("example");
/// let photo = TensorType::new(Shape::new(1, 8, 8, 3), Normalize::PIXELS);
/// let photo = builder.input("photo", photo)?;
/// let symmetric = Normalize { mean: [127.5; 3], std: [127.5; 3] };
/// let reals = builder.push("reals", Op::Normalize(symmetric), &[photo])?;
/// assert_eq!(builder.ty(reals).element, Element::F32);
/// assert_eq!([0, 255].map(|pixel| symmetric.real(pixel, 0)), [-1.0, 1.0]);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Normalize {
    /// The pixel value that becomes 0, for each channel.
    pub mean: [f32; 3],
    /// The distance in pixel values that becomes 1, for each channel: above 0.
    pub std: [f32; 3],
}

impl Normalize {
    /// The element of a picture's own bytes: uint8 that stand for the numbers 0 to 255.
    pub const PIXELS: Element = Element::uint8(1.0, 0);

    /// The bytes themselves, as numbers.
    pub const IDENTITY: Self = Self { mean: [0.0; 3], std: [1.0; 3] };

    /// This, and then a number taken from each channel: where that is one normalization, to the
    /// bit. For importers, whose files have a difference and a quotient.
    ///
    /// ```
    /// use pocketvision_core::op::Normalize;
    ///
    /// let centred = Normalize::IDENTITY.minus([127.5; 3]);
    /// let symmetric = centred.and_then(|centred| centred.over([127.5; 3]));
    /// assert_eq!(symmetric, Some(Normalize { mean: [127.5; 3], std: [127.5; 3] }));
    /// // What was divided is not centred any more.
    /// assert_eq!(symmetric.and_then(|symmetric| symmetric.minus([0.5; 3])), None);
    /// ```
    pub fn minus(self, mean: [f32; 3]) -> Option<Self> {
        (self == Self::IDENTITY).then_some(Self { mean, ..self }).filter(Self::is_valid)
    }

    /// This, and then each channel divided by a number: where that is one normalization, to the
    /// bit. See [`Self::minus`].
    pub fn over(self, std: [f32; 3]) -> Option<Self> {
        (self.std == Self::IDENTITY.std).then_some(Self { std, ..self }).filter(Self::is_valid)
    }

    /// The real number of a pixel value in a channel: 0, 1 or 2.
    #[inline]
    pub fn real(&self, pixel: u8, channel: usize) -> f32 {
        (f32::from(pixel) - self.mean[channel]) / self.std[channel]
    }

    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        if input.element != Self::PIXELS {
            return Err(ShapeError::Element {
                what: "the pixels",
                actual: input.element.to_string(),
                expected: "uint8 of scale 1 and zero point 0".into(),
            });
        }
        let element = moved_element(&Element::F32, element)?;
        let Shape { n, h, w, c } = input.shape;
        if c != 3 {
            let (left, right) = (input.shape, Shape::new(n, h, w, 3));
            return Err(ShapeError::Mismatch { what: "the colours", left, right });
        }
        let refused = |attribute, value: [f32; 3]| {
            Err(ShapeError::Attribute {
                attribute,
                value: format!("{value:?}"),
                input: input.shape,
            })
        };
        if !self.divides() {
            return refused("std", self.std);
        }
        if !self.is_finite() {
            return refused("mean", self.mean);
        }
        Ok(TensorType::new(input.shape, element))
    }

    fn is_valid(&self) -> bool {
        self.divides() && self.is_finite()
    }

    /// A device may multiply by the reciprocal, so that has to be a normal number too.
    fn divides(&self) -> bool {
        self.std.iter().all(|std| *std > 0.0 && std.is_normal() && std.recip().is_normal())
    }

    /// Whether every pixel becomes a number.
    fn is_finite(&self) -> bool {
        let ends = |channel| [0, 255].map(|pixel| self.real(pixel, channel));
        (0..3).flat_map(ends).all(f32::is_finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GraphBuilder, Op};

    const GOOD: Normalize =
        Normalize { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };

    fn refusal(op: Normalize, channels: usize, element: Element) -> String {
        let mut builder = GraphBuilder::new("test");
        let ty = TensorType::new(Shape::new(1, 4, 4, channels), element);
        let input = builder.input("photo", ty).unwrap();
        builder.push("reals", Op::Normalize(op), &[input]).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for element in [Element::F32, Element::int8(1.0, 0), Element::uint8(0.5, 0)] {
            let message = refusal(GOOD, 3, element);
            assert!(message.contains("uint8 of scale 1 and zero point 0"), "{message}");
        }
        assert!(refusal(GOOD, 3, Element::uint8(1.0, 1)).contains("the pixels"));
        assert!(refusal(GOOD, 4, Normalize::PIXELS).contains("1x4x4x4 does not fit 1x4x4x3"));
    }

    #[test]
    fn a_difference_and_a_quotient_are_one_normalization_to_the_bit() {
        let Normalize { mean, std } = GOOD;
        let parts = Normalize::IDENTITY.minus(mean).and_then(|centred| centred.over(std)).unwrap();
        assert_eq!(parts, GOOD);
        for (channel, pixel) in (0..3).flat_map(|channel| (0..=255).map(move |p| (channel, p))) {
            let apart = (f32::from(pixel) - mean[channel]) / std[channel];
            assert_eq!(parts.real(pixel, channel).to_bits(), apart.to_bits());
        }
        // In other orders, other roundings come between.
        assert_eq!(GOOD.minus(mean), None);
        assert_eq!(GOOD.over(std), None);
        assert_eq!(Normalize::IDENTITY.over(std).and_then(|scaled| scaled.minus(mean)), None);
        for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(Normalize::IDENTITY.over([1.0, bad, 1.0]), None);
        }
        assert_eq!(Normalize::IDENTITY.minus([f32::NAN; 3]), None);
    }

    #[test]
    fn what_gives_no_numbers_is_refused() {
        let denormal = f32::MIN_POSITIVE / 2.0;
        for bad in [0.0, -1.0, f32::NAN, f32::INFINITY, denormal, f32::MAX] {
            let message = refusal(Normalize { std: [1.0, bad, 1.0], ..GOOD }, 3, Normalize::PIXELS);
            assert!(message.starts_with("node 'reals' (Normalize): std = "), "{message}");
        }
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let message = refusal(Normalize { mean: [bad; 3], ..GOOD }, 3, Normalize::PIXELS);
            assert!(message.contains("mean = "), "{message}");
        }
        // Each is fine by itself.
        let op = Normalize { mean: [f32::MAX; 3], std: [0.5; 3] };
        assert!(refusal(op, 3, Normalize::PIXELS).contains("mean = "));
    }
}
