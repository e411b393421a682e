//! Numbers that look random, and those that must mean something.

use pocketvision_core::models::SplitMix64;
use pocketvision_core::{Element, Tensor, TensorData, TensorType};

use crate::case::Fill;

/// Anchors of a tenth of the image's side and more, spread over it.
pub(super) fn grid(count: usize) -> Vec<f32> {
    let anchor = |index: usize| {
        let (row, column) = (index / 8 % 8, index % 8);
        let size = 0.1 + 0.05 * (index % 5) as f32;
        [row as f32 / 8.0, column as f32 / 8.0, size, 1.5 * size]
    };
    (0..count).flat_map(anchor).collect()
}

/// A tensor of random numbers.
pub(super) fn numbers(random: &mut SplitMix64, ty: &TensorType, fill: Fill) -> Tensor {
    let count = ty.shape.elements();
    let data = match (&ty.element, fill) {
        (Element::F32, Fill::Random) => {
            TensorData::F32((0..count).map(|_| FLOAT_RANGE * random.signed_unit()).collect())
        }
        (Element::F32, Fill::Extremes) => {
            let magnitude = |random: &mut SplitMix64| {
                2f32.powi(random.integer(-20, 6)) * (1.5 + 0.5 * random.signed_unit())
            };
            let mut signed = || {
                let sign = if random.integer(0, 1) == 0 { -1.0 } else { 1.0 };
                sign * magnitude(random)
            };
            TensorData::F32((0..count).map(|_| signed()).collect())
        }
        (Element::Int8(_), Fill::Random) => {
            TensorData::I8((0..count).map(|_| random.integer(-128, 127) as i8).collect())
        }
        (Element::Int8(_), Fill::Extremes) => {
            let end = |bit| if bit == 0 { -128 } else { 127 };
            TensorData::I8((0..count).map(|_| end(random.integer(0, 1))).collect())
        }
        (Element::UInt8(_), Fill::Random) => {
            TensorData::U8((0..count).map(|_| random.integer(0, 255) as u8).collect())
        }
        (Element::UInt8(_), Fill::Extremes) => {
            TensorData::U8((0..count).map(|_| 255 * random.integer(0, 1) as u8).collect())
        }
        (element, _) => unreachable!("cases have no {element} inputs"),
    };
    Tensor::new(ty.shape, ty.element.clone(), data).expect("as many numbers as elements")
}

/// Float inputs and weights are spread over minus to plus this.
pub(super) const FLOAT_RANGE: f32 = 4.0;
/// Standard deviation of an evenly spread int8.
pub(super) const INTEGER_DEVIATION: f32 = 74.0;
