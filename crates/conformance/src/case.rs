//! What a case says, read from TOML.

use pocketvision_core::op::{
    ActivationKind, Axis, CoordinateMode, IntegerInterpolation, IntegerRounding, Padding, PoolKind,
    Rescaling, ResizeKind,
};
use serde::Deserialize;
use thiserror::Error;

/// One case: a small graph in one or more element types.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique within its file; says what is special about it.
    pub name: String,
    /// The element types it is run in.
    pub elements: Vec<Elements>,
    /// Height, width and so on of the (first) input, NHWC.
    pub input: [usize; 4],
    /// How inputs and weights are drawn.
    #[serde(default)]
    pub fill: Fill,
    /// The operators, each reading the one before it.
    pub ops: Vec<CaseOp>,
    /// The file it is from, without extension.
    #[serde(skip)]
    pub group: String,
}

/// Element types of a case.
///
/// ```
/// use pocketvision_conformance::Elements;
///
/// assert_eq!(Elements::F32.name(), "f32");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elements {
    /// Everything in f32.
    F32,
    /// Int8 with one weight scale an output channel, zero point 0.
    Int8,
    /// Int8 with one weight scale and a zero point that is not 0, as in networks that were
    /// stored as uint8.
    Int8PerTensor,
}

impl Elements {
    /// The name in test names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
            Self::Int8PerTensor => "int8_per_tensor",
        }
    }
}

/// How random numbers are drawn.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// Evenly spread.
    #[default]
    Random,
    /// From the ends of the range: -128 and 127, or magnitudes from 2^-20 to 2^6.
    Extremes,
}

/// An operator of a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CaseOp {
    /// Dense or grouped convolution.
    Conv2d {
        /// Output channels.
        channels: usize,
        /// Rows and columns of taps.
        kernel: [usize; 2],
        /// Rows and columns between outputs.
        #[serde(default = "ones")]
        stride: [usize; 2],
        /// Rows and columns between taps.
        #[serde(default = "ones")]
        dilation: [usize; 2],
        /// Border.
        #[serde(default = "same")]
        padding: Padding,
        /// Groups of channels.
        #[serde(default = "one")]
        groups: usize,
        /// Whether there is a bias.
        #[serde(default = "yes")]
        bias: bool,
        /// Fused activation.
        activation: Option<ActivationKind>,
    },
    /// Convolution of each channel on its own.
    DepthwiseConv2d {
        /// Filters for each channel.
        #[serde(default = "one")]
        multiplier: usize,
        /// Rows and columns of taps.
        kernel: [usize; 2],
        /// Rows and columns between outputs.
        #[serde(default = "ones")]
        stride: [usize; 2],
        /// Rows and columns between taps.
        #[serde(default = "ones")]
        dilation: [usize; 2],
        /// Border.
        #[serde(default = "same")]
        padding: Padding,
        /// Fused activation.
        activation: Option<ActivationKind>,
    },
    /// Fully connected layer.
    Linear {
        /// Output channels.
        channels: usize,
        /// Fused activation.
        activation: Option<ActivationKind>,
    },
    /// Transposed convolution.
    ConvTranspose2d {
        /// Output channels.
        channels: usize,
        /// Rows and columns of taps.
        kernel: [usize; 2],
        /// Output rows and columns between inputs.
        stride: [usize; 2],
        /// Rows cut off above and below, columns left and right.
        #[serde(default)]
        crop: [usize; 4],
        /// Fused activation.
        activation: Option<ActivationKind>,
    },
    /// Pooling.
    Pool2d {
        /// Average, maximum or mean.
        pool: PoolKind,
        /// Rows and columns; the whole image if left out.
        kernel: Option<[usize; 2]>,
        /// Rows and columns between outputs.
        #[serde(default = "ones")]
        stride: [usize; 2],
        /// Border.
        #[serde(default = "valid")]
        padding: Padding,
        /// Rounding of int8 averages.
        #[serde(default)]
        rounding: IntegerRounding,
    },
    /// Sum with a second operand.
    Add {
        /// The second operand.
        with: Operand,
        /// Fused activation.
        activation: Option<ActivationKind>,
    },
    /// Product with a second operand.
    Mul {
        /// The second operand.
        with: Operand,
        /// Fused activation.
        activation: Option<ActivationKind>,
    },
    /// Elementwise function.
    Activation {
        /// Which.
        function: ActivationKind,
    },
    /// Softmax over the channels.
    Softmax {
        /// Sharpness.
        #[serde(default = "one_f32")]
        beta: f32,
    },
    /// Index of the largest channel.
    ArgMax,
    /// Another height and width.
    Resize {
        /// How many pixels make one.
        resize: ResizeKind,
        /// Height and width.
        size: [usize; 2],
        /// Where output pixels lie.
        #[serde(default)]
        coordinates: CoordinateMode,
        /// How integers are interpolated.
        #[serde(default)]
        interpolation: IntegerInterpolation,
    },
    /// Box encodings to detections; the anchors are a grid.
    DetectionPostprocess {
        /// The scores.
        with: Operand,
        /// Classes without the background.
        classes: usize,
        /// Detections of each class; without it all classes at once.
        per_class: Option<usize>,
        /// Detections at most.
        max_detections: usize,
    },
    /// Side by side with another tensor.
    Concat {
        /// Along which dimension.
        axis: Axis,
        /// How the second tensor's integers are rescaled.
        #[serde(default)]
        rescaling: Rescaling,
        /// The second tensor.
        with: Operand,
    },
    /// A border.
    Pad {
        /// Rows above and below, columns left and right.
        border: [usize; 4],
    },
    /// Another shape.
    Reshape {
        /// The new shape.
        shape: [usize; 4],
    },
    /// From the case's element to uint8 and back, as at a network's edges.
    ThroughUint8,
    /// From int8 to f32, or from f32 to int8.
    SwitchFloat,
    /// From a picture's bytes to f32. Where it comes first, the input is bytes.
    Normalize {
        /// Mean of each channel.
        mean: [f32; 3],
        /// Deviation of each channel.
        std: [f32; 3],
    },
}

/// The second operand of an operator that takes two.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// A second input of this shape.
    Input([usize; 4]),
    /// A constant of this shape.
    Constant([usize; 4]),
    /// The result of an earlier operator, by position; 0 is the input.
    Earlier(usize),
}

/// A case file that cannot be used.
#[derive(Debug, Error)]
pub enum CaseError {
    /// Not the TOML of a list of cases.
    #[error("cases/{file}.toml: {source}")]
    Parse {
        /// The file, without extension.
        file: &'static str,
        /// What is wrong.
        source: toml::de::Error,
    },
    /// A graph that cannot be built.
    #[error("case {case}: {source}")]
    Graph {
        /// The case's full name.
        case: String,
        /// What is wrong.
        source: pocketvision_core::GraphError,
    },
}

/// Every case, in the order of the files.
///
/// ```
/// let cases = pocketvision_conformance::cases()?;
/// assert!(cases.iter().any(|case| case.group == "conv2d" && !case.ops.is_empty()));
/// # Ok::<(), pocketvision_conformance::CaseError>(())
/// ```
///
/// # Errors
/// If a file is not a list of cases.
pub fn cases() -> Result<Vec<Case>, CaseError> {
    #[derive(Deserialize)]
    struct File {
        case: Vec<Case>,
    }
    let mut all = Vec::new();
    for (group, text) in FILES {
        let file: File =
            toml::from_str(text).map_err(|source| CaseError::Parse { file: group, source })?;
        all.extend(file.case.into_iter().map(|case| Case { group: group.to_string(), ..case }));
    }
    Ok(all)
}

const FILES: [(&str, &str); 13] = [
    ("conv2d", include_str!("../cases/conv2d.toml")),
    ("depthwise_conv2d", include_str!("../cases/depthwise_conv2d.toml")),
    ("linear", include_str!("../cases/linear.toml")),
    ("pool2d", include_str!("../cases/pool2d.toml")),
    ("elementwise", include_str!("../cases/elementwise.toml")),
    ("activation", include_str!("../cases/activation.toml")),
    ("softmax", include_str!("../cases/softmax.toml")),
    ("layout", include_str!("../cases/layout.toml")),
    ("resize", include_str!("../cases/resize.toml")),
    ("segmentation", include_str!("../cases/segmentation.toml")),
    ("detection", include_str!("../cases/detection.toml")),
    ("quantize", include_str!("../cases/quantize.toml")),
    ("blocks", include_str!("../cases/blocks.toml")),
];

const fn ones() -> [usize; 2] {
    [1, 1]
}

const fn one() -> usize {
    1
}

const fn one_f32() -> f32 {
    1.0
}

const fn yes() -> bool {
    true
}

const fn same() -> Padding {
    Padding::Same
}

const fn valid() -> Padding {
    Padding::Valid
}
