//! What the caller may choose.

/// How a float network is made int8. The default is what measured best; see
/// `docs/quantization.md`.
///
/// ```
/// use pocketvision_quantize::{InputElement, OutputElement, QuantizeOptions, RangeMethod};
///
/// // As photos are stored, for a device with one scale a layer.
/// let options = QuantizeOptions {
///     ranges: RangeMethod::Percentile(99.99),
///     per_channel: false,
///     input: InputElement::UInt8 { scale: 1.0 / 127.5, zero_point: 128 },
///     output: OutputElement::F32,
///     ..QuantizeOptions::default()
/// };
/// assert!(options.equalize && options.correct_bias);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct QuantizeOptions {
    /// How the range of each activation is found.
    pub ranges: RangeMethod,
    /// Whether channels of layers that follow each other are scaled to be alike first
    /// (cross-layer equalisation).
    pub equalize: bool,
    /// Whether biases take back the mean error that rounding the weights makes.
    pub correct_bias: bool,
    /// One weight scale for each output channel; `false` is one for each layer, for devices
    /// that have no more.
    pub per_channel: bool,
    /// What the network is fed.
    pub input: InputElement,
    /// What the network yields.
    pub output: OutputElement,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        Self {
            ranges: RangeMethod::MeanSquaredError,
            equalize: true,
            correct_bias: true,
            per_channel: true,
            input: InputElement::Int8,
            output: OutputElement::Int8,
        }
    }
}

/// How the range that an activation's integers span is found from the values it takes on the
/// samples. Every range is widened to hold 0, which must have an integer of its own.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum RangeMethod {
    /// The smallest and the largest value.
    MinMax,
    /// The running average of each sample's smallest and largest value, as in training with
    /// quantization (Jacob et al., 2018, section 3.1).
    MovingAverage {
        /// Weight of what was before each sample, from 0 to below 1; the rest is the sample's.
        momentum: f64,
    },
    /// What is left when so many percent of the values are kept at each end: above 50, at most
    /// 100. At 99.99, one value in ten thousand lies above the range, and one below.
    Percentile(f64),
    /// The range whose rounding and saturation together make the least mean squared error.
    MeanSquaredError,
}

/// What a quantized network is fed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum InputElement {
    /// Int8 of the range that the samples have.
    Int8,
    /// Uint8 of a stated scale: pixels as they are, where each stands for
    /// `scale * (pixel - zero_point)`.
    UInt8 {
        /// Real distance between two neighbouring pixel values.
        scale: f32,
        /// The pixel value that stands for 0.
        zero_point: u8,
    },
    /// The float network's own numbers, quantized by the network's first node.
    F32,
}

/// What a quantized network yields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutputElement {
    /// Int8 of the range that the output has, 1/256 for a softmax.
    Int8,
    /// The same as uint8.
    UInt8,
    /// Real numbers, dequantized by the network's last node.
    F32,
}
