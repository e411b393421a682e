//! What one element of a tensor is, quantization included.

use std::fmt;
use std::sync::Arc;

/// Type of a tensor's elements.
///
/// A quantized element stands for the real number `scale * (value - zero_point)`.
///
/// ```
/// use pocketvision_core::Element;
///
/// let element = Element::int8(0.5, -10);
/// assert_eq!(element.to_string(), "int8(scale 0.5, zero -10)");
/// assert_eq!(element.per_tensor(), Some((0.5, -10)));
/// assert_eq!((element.bytes(), element.integer_range()), (1, Some((-128, 127))));
/// assert!(Element::F32.is_float() && Element::F32.quantization().is_none());
/// ```
#[derive(Clone, PartialEq, Debug)]
pub enum Element {
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// Signed 8-bit integer: the element of every quantized network inside the graph.
    Int8(Quantization),
    /// Unsigned 8-bit integer: images and results at a graph's edges.
    UInt8(Quantization),
    /// 32-bit integer: biases and accumulators.
    Int32(Quantization),
}

impl Element {
    /// Int8 with one scale and zero point.
    pub const fn int8(scale: f32, zero_point: i32) -> Self {
        Self::Int8(Quantization::PerTensor { scale, zero_point })
    }

    /// UInt8 with one scale and zero point.
    pub const fn uint8(scale: f32, zero_point: i32) -> Self {
        Self::UInt8(Quantization::PerTensor { scale, zero_point })
    }

    /// Bytes of one element.
    pub const fn bytes(&self) -> usize {
        match self {
            Self::F32 | Self::Int32(_) => 4,
            Self::F16 => 2,
            Self::Int8(_) | Self::UInt8(_) => 1,
        }
    }

    /// The element's name without its quantization, as in `int8`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8(_) => "int8",
            Self::UInt8(_) => "uint8",
            Self::Int32(_) => "int32",
        }
    }

    /// The quantization, if the element is an integer.
    pub const fn quantization(&self) -> Option<&Quantization> {
        match self {
            Self::F32 | Self::F16 => None,
            Self::Int8(q) | Self::UInt8(q) | Self::Int32(q) => Some(q),
        }
    }

    /// Scale and zero point, if the element is an integer quantized per tensor.
    pub const fn per_tensor(&self) -> Option<(f32, i32)> {
        match self.quantization() {
            Some(Quantization::PerTensor { scale, zero_point }) => Some((*scale, *zero_point)),
            _ => None,
        }
    }

    /// True for the two floating-point elements.
    pub const fn is_float(&self) -> bool {
        matches!(self, Self::F32 | Self::F16)
    }

    /// Smallest and largest value that the element's integer type holds; `None` for floats.
    pub const fn integer_range(&self) -> Option<(i32, i32)> {
        match self {
            Self::F32 | Self::F16 => None,
            Self::Int8(_) => Some((-128, 127)),
            Self::UInt8(_) => Some((0, 255)),
            Self::Int32(_) => Some((i32::MIN, i32::MAX)),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quantization() {
            None => f.write_str(self.name()),
            Some(quantization) => write!(f, "{}({quantization})", self.name()),
        }
    }
}

/// How integers stand for real numbers.
///
/// ```
/// use pocketvision_core::Quantization;
///
/// let per_channel = Quantization::PerChannel { scales: [0.1, 0.2].into() };
/// assert_eq!((per_channel.scale(1), per_channel.zero_point()), (0.2, 0));
/// assert!(!Quantization::PerTensor { scale: 0.0, zero_point: 0 }.is_valid());
/// ```
#[derive(Clone, PartialEq, Debug)]
pub enum Quantization {
    /// One scale and zero point for the whole tensor.
    PerTensor {
        /// Real distance between two neighbouring integers; finite and above zero.
        scale: f32,
        /// The integer that stands for 0.0.
        zero_point: i32,
    },
    /// One scale for each output channel, zero point 0: weights and their biases.
    PerChannel {
        /// Real distance between two neighbouring integers, one a channel.
        scales: Arc<[f32]>,
    },
}

impl Quantization {
    /// Scale of an output channel.
    pub fn scale(&self, channel: usize) -> f32 {
        match self {
            Self::PerTensor { scale, .. } => *scale,
            Self::PerChannel { scales } => scales[channel],
        }
    }

    /// The integer that stands for 0.0.
    pub const fn zero_point(&self) -> i32 {
        match self {
            Self::PerTensor { zero_point, .. } => *zero_point,
            Self::PerChannel { .. } => 0,
        }
    }

    /// True if every scale is finite and above zero.
    pub fn is_valid(&self) -> bool {
        let good = |scale: f32| scale.is_finite() && scale > 0.0;
        match self {
            Self::PerTensor { scale, .. } => good(*scale),
            Self::PerChannel { scales } => !scales.is_empty() && scales.iter().all(|&s| good(s)),
        }
    }
}

impl fmt::Display for Quantization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerTensor { scale, zero_point } => write!(f, "scale {scale}, zero {zero_point}"),
            Self::PerChannel { scales } => write!(f, "{} scales", scales.len()),
        }
    }
}
