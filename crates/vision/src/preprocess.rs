//! A picture to a network's input tensor.

use pocketvision_core::{Element, Shape, Tensor, TensorData, TensorType};

use half::f16;

use crate::{Crop, Fit, Image, Normalization, Placement, VisionError, resize};

/// How a picture becomes a network's input: fit it in, resize, normalise.
///
/// ```
/// use pocketvision_core::{Element, Shape, TensorType};
/// use pocketvision_vision::{Preprocess, SamplePicture};
///
/// let input = TensorType::new(Shape::new(1, 224, 224, 3), Element::uint8(1.0 / 128.0, 128));
/// let tensor = Preprocess::for_input(&input)?.apply(&SamplePicture::Macaw.paint(640, 480), &input)?;
/// assert_eq!(tensor.shape(), input.shape);
/// # Ok::<(), pocketvision_vision::VisionError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Preprocess {
    /// Height in pixels that the picture is resized to.
    pub height: usize,
    /// Width in pixels that the picture is resized to.
    pub width: usize,
    /// Which part of the picture fills which part of the input.
    pub fit: Fit,
    /// How it is resized.
    pub filter: Filter,
    /// Pixels to the numbers that float and int8 networks were trained on.
    pub normalization: Normalization,
}

impl Preprocess {
    /// What ImageNet networks of the MobileNet family expect: the middle 87.5 %, resized
    /// to the input's size, pixels in -1 to 1.
    ///
    /// ```
    /// use pocketvision_core::{Element, Shape, TensorType};
    /// use pocketvision_vision::{Fit, Preprocess};
    ///
    /// let input = TensorType::new(Shape::new(1, 192, 256, 3), Element::F32);
    /// let preprocess = Preprocess { fit: Fit::Letterbox, ..Preprocess::for_input(&input)? };
    /// assert_eq!((preprocess.height, preprocess.width), (192, 256));
    /// let scores = TensorType::new(Shape::vector(1001), Element::F32);
    /// assert!(Preprocess::for_input(&scores).is_err());
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    ///
    /// # Errors
    /// If the input is not `n x height x width x 3`, or of an element that no picture fills.
    pub fn for_input(input: &TensorType) -> Result<Self, VisionError> {
        check_input(input)?;
        Ok(Self {
            height: input.shape.h,
            width: input.shape.w,
            fit: Fit::CentreCrop(0.875),
            filter: Filter::Antialiased,
            normalization: Normalization::SYMMETRIC,
        })
    }

    /// The picture as this network's input. A batch is filled with copies of the picture.
    ///
    /// * `uint8`: the pixels themselves, as TFLite feeds such networks, whatever the scale.
    /// * `f32`, `f16`: the normalised pixels.
    /// * `int8`: the normalised pixels, quantized by the input's own scale and zero point.
    ///   Where its steps are the pixels' steps, each pixel minus 128.
    ///
    /// ```
    /// use pocketvision_core::{Element, Shape, TensorType};
    /// use pocketvision_vision::{Image, Preprocess};
    ///
    /// let input = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
    /// let white = Image::new(20, 10, vec![255; 600])?;
    /// let tensor = Preprocess::for_input(&input)?.apply(&white, &input)?;
    /// assert!(tensor.to_f32().iter().all(|&value| value == 1.0));
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    ///
    /// # Errors
    /// If the input is of another size than these settings, takes no picture, or a setting
    /// is out of range.
    pub fn apply(&self, image: &Image, input: &TensorType) -> Result<Tensor, VisionError> {
        check_input(input)?;
        self.check()?;
        let Shape { n: batch, h, w, .. } = input.shape;
        if (h, w) != (self.height, self.width) {
            let reason = format!("preprocessing makes {}x{} pixels", self.height, self.width);
            return Err(VisionError::Input { input: Box::new(input.clone()), reason });
        }
        let pixels = self.pixels(image)?;
        let data = match &input.element {
            Element::F32 => TensorData::F32(self.reals(&pixels).repeat(batch)),
            Element::F16 => {
                let halves: Vec<f16> = self.reals(&pixels).into_iter().map(f16::from_f32).collect();
                TensorData::F16(halves.repeat(batch))
            }
            Element::UInt8(_) => TensorData::U8(pixels.into_bytes().repeat(batch)),
            element => {
                let (scale, zero_point) = element.per_tensor().expect("checked above");
                let tables = self.normalization.int8_tables(scale, zero_point);
                let quantized: Vec<i8> = pixels
                    .into_bytes()
                    .iter()
                    .enumerate()
                    .map(|(index, &pixel)| tables[index % 3][usize::from(pixel)])
                    .collect();
                TensorData::I8(quantized.repeat(batch))
            }
        };
        Ok(Tensor::new(input.shape, input.element.clone(), data)?)
    }

    /// Where a picture comes to lie in the input, to find the way back from results.
    ///
    /// ```
    /// use pocketvision_core::{Element, Shape, TensorType};
    /// use pocketvision_vision::{Preprocess, SamplePicture};
    ///
    /// let input = TensorType::new(Shape::new(1, 224, 224, 3), Element::F32);
    /// let placement = Preprocess::for_input(&input)?.placement(&SamplePicture::Ship.paint(640, 480));
    /// // The middle 87.5 % of the shorter side.
    /// assert_eq!((placement.source.width, placement.source.height), (420, 420));
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    pub fn placement(&self, image: &Image) -> Placement {
        self.fit.place(image.size(), (self.width, self.height))
    }

    /// The picture in the input's size.
    fn pixels(&self, image: &Image) -> Result<Pixels, VisionError> {
        let Placement { source, target, .. } = self.placement(image);
        let (width, height) = (target.width, target.height);
        Ok(match self.filter {
            Filter::Antialiased => {
                let resized = image.resize_crop(source, width, height)?;
                Pixels::Bytes(self.between_bars(resized.into_pixels(), target, BAR))
            }
            Filter::Interpolated => {
                let resized = resize::interpolated(image, source, width, height);
                Pixels::Reals(self.between_bars(resized, target, BAR.into()))
            }
        })
    }

    /// A part of the input with bars around it, where it does not fill the input.
    fn between_bars<T: Copy>(&self, part: Vec<T>, target: Crop, bar: T) -> Vec<T> {
        if (target.width, target.height) == (self.width, self.height) {
            return part;
        }
        let mut pixels = vec![bar; self.width * self.height * 3];
        let rows = pixels.chunks_exact_mut(self.width * 3).skip(target.y);
        for (row, part) in rows.zip(part.chunks_exact(target.width * 3)) {
            row[target.x * 3..][..part.len()].copy_from_slice(part);
        }
        pixels
    }

    fn reals(&self, pixels: &Pixels) -> Vec<f32> {
        match pixels {
            Pixels::Bytes(pixels) => self.normalization.apply(pixels),
            Pixels::Reals(pixels) => self.normalization.normalized(pixels.iter().copied()),
        }
    }

    fn check(&self) -> Result<(), VisionError> {
        let setting =
            |field, value: String, expected| Err(VisionError::Setting { field, value, expected });
        if let Fit::CentreCrop(fraction) = self.fit
            && !(fraction > 0.0 && fraction <= 1.0)
        {
            return setting("fit", format!("{:?}", self.fit), "a share above 0, at most 1");
        }
        let Normalization { mean, std } = self.normalization;
        if !mean.iter().all(|x| x.is_finite()) {
            return setting("normalization.mean", format!("{mean:?}"), "finite numbers");
        }
        if !std.iter().all(|x| x.is_finite() && *x > 0.0) {
            return setting("normalization.std", format!("{std:?}"), "finite numbers above 0");
        }
        Ok(())
    }
}

/// How a picture is made smaller or larger.
///
/// ```
/// use pocketvision_core::{Element, Shape, TensorType};
/// use pocketvision_vision::{Filter, Preprocess};
///
/// let input = TensorType::new(Shape::new(1, 300, 300, 3), Element::F32);
/// let as_in_the_graph =
///     Preprocess { filter: Filter::Interpolated, ..Preprocess::for_input(&input)? };
/// # Ok::<(), pocketvision_vision::VisionError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// PIL's bilinear filter: every pixel of the picture counts, results are rounded to 8 bits.
    Antialiased,
    /// The bilinear interpolation inside TensorFlow's graphs: a large picture loses pixels
    /// between those that are looked at. For networks that were trained and measured with it.
    Interpolated,
}

/// A resized picture, red, green and blue from 0 to 255.
enum Pixels {
    Bytes(Vec<u8>),
    Reals(Vec<f32>),
}

impl Pixels {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(pixels) => pixels,
            // Means of bytes: within 0 to 255.
            Self::Reals(pixels) => pixels.into_iter().map(|pixel| pixel.round() as u8).collect(),
        }
    }
}

/// Colour of the bars of [`Fit::Letterbox`]: near 0 once it is normalised.
const BAR: u8 = 128;

/// Refuses what is no picture, naming the dimension or element.
fn check_input(input: &TensorType) -> Result<(), VisionError> {
    let reason = if input.shape.checked_elements().is_none() {
        "it has no elements or too many".into()
    } else if input.shape.c != 3 {
        format!("it has {} channels, a picture has 3", input.shape.c)
    } else if matches!(input.element, Element::Int32(_)) {
        "pixels are not fed as int32".into()
    } else if !input.element.is_float() && input.element.per_tensor().is_none() {
        "an input with a scale for each channel is not supported".into()
    } else {
        return Ok(());
    };
    Err(VisionError::Input { input: Box::new(input.clone()), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_repeats_the_picture() {
        let image = Image::new(2, 2, (0..12).collect()).unwrap();
        let input = TensorType::new(Shape::new(2, 2, 2, 3), Element::uint8(1.0 / 128.0, 128));
        let preprocess = Preprocess { fit: Fit::Stretch, ..Preprocess::for_input(&input).unwrap() };
        let tensor = preprocess.apply(&image, &input).unwrap();
        let [first, second] = [0, 1].map(|n| &tensor.bytes()[n * 12..][..12]);
        assert_eq!((first, second), (image.pixels(), image.pixels()));
    }

    #[test]
    fn a_letterbox_has_bars_and_an_interpolated_picture_is_not_rounded() {
        let image = Image::new(4, 1, [[10; 3], [20; 3], [30; 3], [41; 3]].concat()).unwrap();
        let input = TensorType::new(Shape::new(1, 2, 2, 3), Element::uint8(1.0 / 128.0, 128));
        let good = Preprocess::for_input(&input).unwrap();
        let letterbox = Preprocess { fit: Fit::Letterbox, ..good.clone() };
        let bytes = letterbox.apply(&image, &input).unwrap().bytes().to_vec();
        assert_eq!(bytes[6..], [BAR; 6], "the photo fills one row of two");
        assert!(bytes[..3] < bytes[3..6]);

        let input = TensorType::new(Shape::new(1, 1, 3, 3), Element::F32);
        let stretch = Preprocess { width: 3, height: 1, fit: Fit::Stretch, ..good };
        let normalization = Normalization { mean: [0.0; 3], std: [1.0; 3] };
        let interpolated = Preprocess { filter: Filter::Interpolated, normalization, ..stretch };
        let reals = interpolated.apply(&image, &input).unwrap().to_f32();
        for (real, expected) in reals.into_iter().step_by(3).zip([10.0, 23.333_333, 37.333_333]) {
            assert!((real - expected).abs() < 1e-4, "{real} is not {expected}");
        }
    }

    #[test]
    fn what_no_picture_fills_is_refused_by_name() {
        let refused = |shape: [usize; 4], element| {
            let input = TensorType::new(shape.into(), element);
            Preprocess::for_input(&input).unwrap_err().to_string()
        };
        assert!(refused([1, 224, 224, 1], Element::F32).contains("1 channels"));
        assert!(refused([1, 0, 224, 3], Element::F32).contains("no elements"));
        let int32 = Element::Int32(pocketvision_core::Quantization::PerTensor {
            scale: 1.0,
            zero_point: 0,
        });
        assert!(refused([1, 8, 8, 3], int32).contains("int32"));
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let image = Image::new(1, 1, vec![1, 2, 3]).unwrap();
        let input = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
        let good = Preprocess::for_input(&input).unwrap();
        let refused = |bad: Preprocess| bad.apply(&image, &input).unwrap_err().to_string();
        for fraction in [0.0, -1.0, 1.5, f32::NAN] {
            let fit = Fit::CentreCrop(fraction);
            assert!(refused(Preprocess { fit, ..good.clone() }).contains("fit is CentreCrop"));
        }
        let normalization = Normalization { mean: [0.0; 3], std: [1.0, 0.0, 1.0] };
        assert!(refused(Preprocess { normalization, ..good.clone() }).contains("std"));
        assert!(refused(Preprocess { width: 9, ..good }).contains("8x9"));
    }
}
