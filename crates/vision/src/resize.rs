//! Bilinear resizing with antialiasing, value for value what PIL computes.
//!
//! Networks are trained and their published accuracies measured on pictures that PIL
//! resized, so its exact values are the standard to meet. A triangle filter is widened by
//! the reduction, so that every source pixel counts; the horizontal pass runs first and
//! rounds to 8 bits, then the vertical one. Weights are fixed-point with 22 fractional
//! bits: as many as leave room for 8-bit samples and a sign in 32 bits.
//!
//! The crate `fast_image_resize` was measured first: it keeps weights in 16 bits and
//! therefore differs from PIL.

use crate::{Crop, Image};

/// RGB pixels of `crop`, resized. Cost: for each output row or column, twice the reduction
/// in source pixels.
pub(crate) fn bilinear(image: &Image, crop: Crop, width: usize, height: usize) -> Vec<u8> {
    let columns = Window::table(crop.width, width);
    let rows = Window::table(crop.height, height);

    let stride = image.width() * CHANNELS;
    let mut narrow = vec![0; crop.height * width * CHANNELS];
    for (y, output) in narrow.chunks_exact_mut(width * CHANNELS).enumerate() {
        let start = (crop.y + y) * stride + crop.x * CHANNELS;
        let row = &image.pixels()[start..start + crop.width * CHANNELS];
        for (window, pixel) in columns.iter().zip(output.chunks_exact_mut(CHANNELS)) {
            let mut sums = [HALF; CHANNELS];
            let source = row[window.first * CHANNELS..].chunks_exact(CHANNELS);
            for (weight, source) in window.weights.iter().zip(source) {
                for channel in 0..CHANNELS {
                    sums[channel] += i32::from(source[channel]) * weight;
                }
            }
            pixel.copy_from_slice(&sums.map(to_byte));
        }
    }

    let mut output = vec![0; height * width * CHANNELS];
    let mut sums = vec![0; width * CHANNELS];
    for (window, output) in rows.iter().zip(output.chunks_exact_mut(width * CHANNELS)) {
        sums.fill(HALF);
        let source = narrow[window.first * width * CHANNELS..].chunks_exact(width * CHANNELS);
        for (weight, source) in window.weights.iter().zip(source) {
            for (sum, &sample) in sums.iter_mut().zip(source) {
                *sum += i32::from(sample) * weight;
            }
        }
        for (byte, &sum) in output.iter_mut().zip(&sums) {
            *byte = to_byte(sum);
        }
    }
    output
}

/// The source positions that make one output position, and how much each counts.
struct Window {
    first: usize,
    /// Fixed-point with [`WEIGHT_BITS`]; they sum to one, but for rounding.
    weights: Vec<i32>,
}

impl Window {
    /// The windows of all output positions along one side.
    fn table(source: usize, output: usize) -> Vec<Self> {
        let scale = source as f64 / output as f64;
        let reach = scale.max(1.0);
        let position = |centre: f64| {
            let first = (centre - reach + 0.5).max(0.0) as usize;
            let end = ((centre + reach + 0.5) as usize).min(source);
            let triangle = |index: usize| {
                let distance = ((index as f64 - centre + 0.5) * (1.0 / reach)).abs();
                (1.0 - distance).max(0.0)
            };
            let weights: Vec<f64> = (first..end).map(triangle).collect();
            let sum: f64 = weights.iter().sum();
            let one = f64::from(1 << WEIGHT_BITS);
            let fixed = |weight: f64| (0.5 + weight / sum * one) as i32;
            Self { first, weights: weights.into_iter().map(fixed).collect() }
        };
        (0..output).map(|index| position((index as f64 + 0.5) * scale)).collect()
    }
}

const fn to_byte(sum: i32) -> u8 {
    let value = sum >> WEIGHT_BITS;
    if value > 255 { 255 } else { value as u8 }
}

const CHANNELS: usize = 3;
const WEIGHT_BITS: u32 = 22;
const HALF: i32 = 1 << (WEIGHT_BITS - 1);
