//! An image at another size.

use serde::{Deserialize, Serialize};

use super::{Window, computed_element, exactly};
use crate::{Element, Shape, ShapeError, TensorType};

/// Each channel sampled at another height and width. Numbers keep their element.
///
/// ```
/// use pocketvision_core::op::{CoordinateMode, IntegerInterpolation, Resize, ResizeKind};
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// let larger = Op::Resize(Resize {
///     kind: ResizeKind::Bilinear,
///     height: 16,
///     width: 12,
///     coordinates: CoordinateMode::HalfPixel,
///     interpolation: IntegerInterpolation::FixedPoint,
/// });
/// let y = builder.push("larger", larger, &[image])?;
/// assert_eq!(builder.ty(y).shape, Shape::new(1, 16, 12, 3));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resize {
    /// How many pixels make one.
    pub kind: ResizeKind,
    /// Rows of the output.
    pub height: usize,
    /// Columns of the output.
    pub width: usize,
    /// Where in the input an output pixel lies.
    pub coordinates: CoordinateMode,
    /// How int8 numbers are interpolated.
    pub interpolation: IntegerInterpolation,
}

/// How many input pixels an output pixel is made of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeKind {
    /// Four, each weighed by how near it is (TFLite's RESIZE_BILINEAR).
    Bilinear,
    /// One (TFLite's RESIZE_NEAREST_NEIGHBOR).
    Nearest,
}

/// Where in the input an output pixel lies. The names are ONNX's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoordinateMode {
    /// `x * input / output`: upper left corners coincide.
    #[default]
    Asymmetric,
    /// `x * (input - 1) / (output - 1)`: the centres of the corner pixels coincide.
    AlignCorners,
    /// `(x + 0.5) * input / output - 0.5`: the images' edges coincide.
    HalfPixel,
}

/// How TFLite's reference kernels interpolate the two 8-bit types; a uint8 network rewritten to
/// int8 keeps its rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegerInterpolation {
    /// Positions in 1/1024 of a pixel, sums rounded half away from zero: TFLite's int8.
    #[default]
    FixedPoint,
    /// In f32, on the numbers plus 128, rounded half up: TFLite's uint8.
    Float,
}

/// Where one row or column of the output is sampled:
/// `(1 - weight) * input[lower] + weight * input[upper]`.
///
/// At the edges both may be the same pixel. A fraction is then as if there were another one
/// beyond, from -1/2 to 3/2; in fixed point, where it makes no difference, it is 0.
///
/// ```
/// use pocketvision_core::Shape;
/// use pocketvision_core::op::{CoordinateMode, IntegerInterpolation, Resize, ResizeKind, Sample};
///
/// let resize = Resize {
///     kind: ResizeKind::Bilinear,
///     height: 3,
///     width: 3,
///     coordinates: CoordinateMode::AlignCorners,
///     interpolation: IntegerInterpolation::FixedPoint,
/// };
/// // The second of three rows lies in the middle between two.
/// let rows = resize.rows(Shape::new(1, 2, 2, 1));
/// assert_eq!(rows[1], Sample { lower: 0, upper: 1, weight: 0.5 });
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sample<W> {
    /// The pixel above or to the left.
    pub lower: usize,
    /// The pixel below or to the right.
    pub upper: usize,
    /// The share of [`Self::upper`]: a fraction, or one in [`FIXED_POINT_ONE`].
    pub weight: W,
}

/// What a weight of 1 is in [`IntegerInterpolation::FixedPoint`].
pub const FIXED_POINT_ONE: i32 = 1 << 10;

impl Resize {
    /// Nearest neighbours of images of one pixel: the pixel, repeated.
    ///
    /// ```
    /// use pocketvision_core::Shape;
    /// use pocketvision_core::op::Resize;
    ///
    /// let rows = Resize::repeat(4, 4).rows(Shape::new(1, 1, 1, 16));
    /// assert!(rows.iter().all(|row| row.lower == 0));
    /// ```
    pub const fn repeat(height: usize, width: usize) -> Self {
        Self {
            kind: ResizeKind::Nearest,
            height,
            width,
            coordinates: CoordinateMode::Asymmetric,
            interpolation: IntegerInterpolation::FixedPoint,
        }
    }

    /// Where each output row lies, as TFLite computes it in f32.
    ///
    /// ```
    /// use pocketvision_core::Shape;
    /// use pocketvision_core::op::Resize;
    ///
    /// // Nearest neighbours: each of two rows twice.
    /// let rows = Resize::repeat(4, 4).rows(Shape::new(1, 2, 2, 1));
    /// assert_eq!(rows.iter().map(|row| row.lower).collect::<Vec<_>>(), [0, 0, 1, 1]);
    /// ```
    pub fn rows(&self, input: Shape) -> Vec<Sample<f32>> {
        (0..self.height).map(|y| self.sample(y, input.h, self.height)).collect()
    }

    /// Where each output column lies, as TFLite computes it in f32.
    pub fn columns(&self, input: Shape) -> Vec<Sample<f32>> {
        (0..self.width).map(|x| self.sample(x, input.w, self.width)).collect()
    }

    /// Where each output row lies in [`IntegerInterpolation::FixedPoint`].
    ///
    /// ```
    /// use pocketvision_core::Shape;
    /// use pocketvision_core::op::{
    ///     CoordinateMode, FIXED_POINT_ONE, IntegerInterpolation, Resize, ResizeKind,
    /// };
    ///
    /// let resize = Resize {
    ///     kind: ResizeKind::Bilinear,
    ///     height: 4,
    ///     width: 4,
    ///     coordinates: CoordinateMode::Asymmetric,
    ///     interpolation: IntegerInterpolation::FixedPoint,
    /// };
    /// let rows = resize.fixed_point_rows(Shape::new(1, 2, 2, 1));
    /// assert_eq!(rows[1].weight, FIXED_POINT_ONE / 2);
    /// ```
    pub fn fixed_point_rows(&self, input: Shape) -> Vec<Sample<i32>> {
        (0..self.height).map(|y| self.fixed_point_sample(y, input.h, self.height)).collect()
    }

    /// Where each output column lies in [`IntegerInterpolation::FixedPoint`].
    pub fn fixed_point_columns(&self, input: Shape) -> Vec<Sample<i32>> {
        (0..self.width).map(|x| self.fixed_point_sample(x, input.w, self.width)).collect()
    }

    fn sample(&self, position: usize, input: usize, output: usize) -> Sample<f32> {
        if self.kind == ResizeKind::Nearest {
            let nearest = self.nearest(position, input, output);
            return Sample { lower: nearest, upper: nearest, weight: 0.0 };
        }
        let scale = self.scale(input, output);
        let place = match self.coordinates {
            CoordinateMode::HalfPixel => (position as f32 + 0.5) * scale - 0.5,
            _ => position as f32 * scale,
        };
        // Casts saturate: what lies before the image becomes 0.
        let lower = place.floor() as usize;
        let upper = (place.ceil() as usize).min(input - 1);
        Sample { lower, upper, weight: place - lower as f32 }
    }

    fn fixed_point_sample(&self, position: usize, input: usize, output: usize) -> Sample<i32> {
        if self.kind == ResizeKind::Nearest {
            let nearest = self.nearest(position, input, output);
            return Sample { lower: nearest, upper: nearest, weight: 0 };
        }
        let one = i64::from(FIXED_POINT_ONE);
        let (position, input, output) = (position as i64, input as i64, output as i64);
        let scale = match self.coordinates {
            CoordinateMode::AlignCorners if output > 1 => {
                (one * (input - 1) + (output - 1) / 2) / (output - 1)
            }
            _ => (one * input + output / 2) / output,
        };
        let place = match self.coordinates {
            CoordinateMode::HalfPixel => position * scale + scale / 2 - one / 2,
            _ => position * scale,
        };
        // Rounded scales may lead a little beyond the image.
        let lower = (place / one).clamp(0, input - 1);
        let upper = ((place + one - 1) / one).clamp(0, input - 1);
        let weight = if lower == upper { 0 } else { (place - lower * one) as i32 };
        Sample { lower: lower as usize, upper: upper as usize, weight }
    }

    fn nearest(&self, position: usize, input: usize, output: usize) -> usize {
        let scale = self.scale(input, output);
        let nearest = match self.coordinates {
            CoordinateMode::Asymmetric => (position as f32 * scale).floor(),
            CoordinateMode::AlignCorners => (position as f32 * scale).round(),
            CoordinateMode::HalfPixel => ((position as f32 + 0.5) * scale).floor(),
        };
        (nearest as usize).min(input - 1)
    }

    fn scale(&self, input: usize, output: usize) -> f32 {
        match self.coordinates {
            CoordinateMode::AlignCorners if output > 1 => (input - 1) as f32 / (output - 1) as f32,
            _ => input as f32 / output as f32,
        }
    }

    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [input] = exactly(inputs)?;
        let shape = input.shape;
        let sides = [self.height, self.width, shape.h, shape.w];
        if sides.iter().any(|side| !(1..=Window::MAX_ATTRIBUTE).contains(side)) {
            let (attribute, value) = ("size", format!("{}x{}", self.height, self.width));
            return Err(ShapeError::Attribute { attribute, value, input: shape });
        }
        let stated = element.unwrap_or(&input.element);
        let element = computed_element(&input.element, Some(stated))?;
        if element != input.element {
            return Err(ShapeError::Element {
                what: "the output's element of a resize",
                actual: element.to_string(),
                expected: format!("the input's, {}", input.element),
            });
        }
        Ok(TensorType::new(Shape { h: self.height, w: self.width, ..shape }, element))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resize(kind: ResizeKind, coordinates: CoordinateMode, width: usize) -> Resize {
        Resize { kind, coordinates, width, ..Resize::repeat(1, 1) }
    }

    fn columns(op: Resize, width: usize) -> Vec<(usize, usize, f32)> {
        let samples = op.columns(Shape::new(1, 1, width, 1)).into_iter();
        samples.map(|s| (s.lower, s.upper, s.weight)).collect()
    }

    #[test]
    fn coordinates_are_those_of_their_names() {
        let bilinear = |mode, width| resize(ResizeKind::Bilinear, mode, width);
        assert_eq!(
            columns(bilinear(CoordinateMode::Asymmetric, 4), 2),
            [(0, 0, 0.0), (0, 1, 0.5), (1, 1, 0.0), (1, 1, 0.5)]
        );
        assert_eq!(
            columns(bilinear(CoordinateMode::AlignCorners, 5), 3),
            [(0, 0, 0.0), (0, 1, 0.5), (1, 1, 0.0), (1, 2, 0.5), (2, 2, 0.0)]
        );
        assert_eq!(
            columns(bilinear(CoordinateMode::HalfPixel, 4), 2),
            [(0, 0, -0.25), (0, 1, 0.25), (0, 1, 0.75), (1, 1, 0.25)]
        );
        let nearest = |mode| {
            let samples = columns(resize(ResizeKind::Nearest, mode, 5), 3).into_iter();
            samples.map(|(lower, ..)| lower).collect::<Vec<_>>()
        };
        assert_eq!(nearest(CoordinateMode::Asymmetric), [0, 0, 1, 1, 2]);
        assert_eq!(nearest(CoordinateMode::AlignCorners), [0, 1, 1, 2, 2]);
        assert_eq!(nearest(CoordinateMode::HalfPixel), [0, 0, 1, 2, 2]);
    }

    #[test]
    fn samples_stay_on_the_image() {
        for mode in
            [CoordinateMode::Asymmetric, CoordinateMode::AlignCorners, CoordinateMode::HalfPixel]
        {
            for kind in [ResizeKind::Bilinear, ResizeKind::Nearest] {
                for (input, output) in [(1, 1), (1, 9), (9, 1), (33, 513), (513, 33), (7, 1000)] {
                    let op = resize(kind, mode, output);
                    let shape = Shape::new(1, 1, input, 1);
                    for s in op.columns(shape) {
                        assert!(s.lower <= s.upper && s.upper < input, "{op:?} {s:?}");
                        assert!((-0.5..=1.5).contains(&s.weight), "{op:?} {s:?}");
                    }
                    for s in op.fixed_point_columns(shape) {
                        assert!(s.lower <= s.upper && s.upper < input, "{op:?} {s:?}");
                        assert!((0..FIXED_POINT_ONE).contains(&s.weight), "{op:?} {s:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let input = TensorType::new(Shape::new(1, 4, 4, 2), Element::F32);
        for (height, width) in [(0, 4), (4, 0), (1 << 20, 4), (usize::MAX, usize::MAX)] {
            assert!(Resize::repeat(height, width).infer(&[&input], None).is_err());
        }
        let output = Resize::repeat(7, 9).infer(&[&input], None).unwrap();
        assert_eq!(output.shape, Shape::new(1, 7, 9, 2));
    }
}
