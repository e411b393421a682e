//! Pixel values to the numbers that networks are trained on.

/// `(pixel - mean) / std` for red, green and blue, pixels from 0 to 255.
///
/// ```
/// use pocketvision_vision::Normalization;
///
/// assert_eq!(Normalization::SYMMETRIC.apply(&[0, 255]), [-1.0, 1.0]);
/// assert_eq!(Normalization::UNIT.apply(&[0, 51, 255]), [0.0, 0.2, 1.0]);
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Normalization {
    /// The pixel value that becomes 0.
    pub mean: [f32; 3],
    /// The distance in pixel values that becomes 1.
    pub std: [f32; 3],
}

impl Normalization {
    /// Pixels to -1 to 1: TensorFlow's MobileNets, V1 to V3, and MobileNetEdgeTPU.
    pub const SYMMETRIC: Self = Self { mean: [127.5; 3], std: [127.5; 3] };

    /// Mean and deviation of ImageNet's colours: torchvision's networks.
    pub const TORCHVISION: Self =
        Self { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };

    /// Pixels to -127/128 to 1: EfficientNet-Lite.
    pub const EFFICIENTNET_LITE: Self = Self { mean: [127.0; 3], std: [128.0; 3] };

    /// Pixels to 0 to 1: MediaPipe's networks.
    pub const UNIT: Self = Self { mean: [0.0; 3], std: [255.0; 3] };

    /// Interleaved pixels to real numbers, computed in f32.
    pub fn apply(&self, pixels: &[u8]) -> Vec<f32> {
        self.normalized(pixels.iter().map(|&pixel| f32::from(pixel)))
    }

    pub(crate) fn normalized(&self, pixels: impl Iterator<Item = f32>) -> Vec<f32> {
        let real =
            |(index, pixel): (usize, f32)| (pixel - self.mean[index % 3]) / self.std[index % 3];
        pixels.enumerate().map(real).collect()
    }

    /// For red, green and blue: each pixel value to its int8.
    pub(crate) fn int8_tables(&self, scale: f32, zero_point: i32) -> [[i8; 256]; 3] {
        let steps_per_pixel = self.std.map(|std| 1.0 / (f64::from(scale) * f64::from(std)));
        [0, 1, 2].map(|channel| {
            let steps = steps_per_pixel[channel];
            let lowest = -f64::from(self.mean[channel]) * steps + f64::from(zero_point);
            let pixel_steps =
                (steps - 1.0).abs() < PIXEL_STEP_TOLERANCE && (lowest + 128.0).abs() < 1.0;
            std::array::from_fn(|pixel| {
                if pixel_steps {
                    (pixel as u8 ^ 0x80) as i8
                } else {
                    let real = (pixel as f64 - f64::from(self.mean[channel])) * steps;
                    (real + f64::from(zero_point)).round().clamp(-128.0, 127.0) as i8
                }
            })
        })
    }
}

/// An int8 step counts as one pixel value if, over 256 values, it goes astray by at most
/// one: scales from 1/128 to 1/127 for pixels from -1 to 1.
const PIXEL_STEP_TOLERANCE: f64 = 1.0 / 250.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn every_value() -> Vec<u8> {
        (0..=255).flat_map(|value| [value; 3]).collect()
    }

    #[test]
    fn float_pixels_reach_from_minus_one_to_one() {
        let reals = Normalization::SYMMETRIC.apply(&every_value());
        assert_eq!((reals[0], reals[767]), (-1.0, 1.0));
        assert_eq!(reals[3 * 100], (100.0 - 127.5) / 127.5);
    }

    #[test]
    fn each_colour_has_its_own_mean_and_deviation() {
        let reals = Normalization::TORCHVISION.apply(&[124, 116, 104]);
        let expected = [(124.0 - 123.675) / 58.395, (116.0 - 116.28) / 57.12, 0.47 / 57.375];
        for (real, expected) in reals.into_iter().zip(expected) {
            assert!((real - expected).abs() < 1e-6, "{real} is not {expected}");
        }
    }

    #[test]
    fn an_int8_input_with_pixel_steps_gets_the_pixel_minus_128() {
        for (scale, zero_point) in [(1.0 / 127.5, -1), (1.0 / 127.5, 0), (1.0 / 128.0, 0)] {
            let tables = Normalization::SYMMETRIC.int8_tables(scale, zero_point);
            for pixel in 0..256 {
                let expected = (pixel as i32 - 128) as i8;
                assert_eq!(tables.map(|table| table[pixel]), [expected; 3], "scale {scale}");
            }
        }
    }

    #[test]
    fn an_int8_input_with_other_steps_is_quantized_and_saturates() {
        let [table, ..] = Normalization::SYMMETRIC.int8_tables(1.0 / 64.0, 10);
        // -1 and 1 are 64 steps from the zero point; 191 is (191 - 127.5) / 127.5 * 64 = 31.9.
        assert_eq!((table[0], table[191], table[255]), (-54, 42, 74));
        let [table, ..] = Normalization::SYMMETRIC.int8_tables(1.0 / 512.0, 0);
        assert_eq!((table[0], table[255]), (-128, 127));
    }
}
