//! The compute shaders of PocketVision, in WGSL, one file an operator.
//!
//! A shader here is plain text that can be read, highlighted and validated as it stands: no
//! template language stands between the file and what the driver sees. A [`Shader`] is a
//! body from `wgsl/f32`, `wgsl/int8` or `wgsl/moves` behind the few snippets that it needs
//! from `wgsl/snippets` ([`Shader::source`] puts them together); the order does not matter
//! to WGSL. What differs between two dispatches of one shader is a uniform `params`, not
//! text, so a network needs about as many pipelines as it has kinds of operators.
//!
//! **Tensors.** Channels vary fastest and are padded to a multiple of four, so that four
//! neighbouring channels, a *quad*, are one load: a `vec4<f32>`, or one `u32` of four bytes,
//! the first channel in its lowest byte, int8 in two's complement. Quad `q` of pixel `(n, y,
//! x)` is element `((n * height + y) * width + x) * quads + q`. The lanes of a padded channel
//! hold arbitrary bytes in integer tensors and finite numbers in float tensors; shaders
//! multiply them by a weight of 0, and outputs drop them.
//!
//! **Bindings.** All are in group 0. Binding 0 is the uniform `params`, described by a
//! structure of [`params`]; bindings 1 to n are the read-only buffers that [`Shader::reads`]
//! names; binding n + 1 is the one buffer written, the output. No shader needs more than five
//! buffers, and every workgroup has [`WORKGROUP_SIZE`] invocations.
//!
//! **Dispatch.** Invocations count through [`Work::Invocations`] elements, or workgroups
//! through [`Work::Workgroups`], in x and then in y: a count beyond what one dimension of a
//! dispatch allows is split over the two.
//!
//! **Exactness.** Integer shaders follow `pocketvision_core::quant` to the bit.
//! `requantize.wgsl` builds the 64-bit products that WGSL lacks from 16-bit halves;
//! functions of one byte, and conversions between bytes and floats, are tables from the host.

pub mod params;

use params::ParamsLayout;

/// Invocations of every workgroup.
pub const WORKGROUP_SIZE: u32 = 64;

/// Name of every entry point.
pub const ENTRY_POINT: &str = "main";

/// Name of the override constant of [`Shader::Conv2dInt8`] and [`Shader::PointwiseInt8`]:
/// 0 if the zero point of the weights is 0, which saves a sum; otherwise 1.
pub const HAS_WEIGHT_ZERO_POINT: &str = "HAS_WEIGHT_ZERO_POINT";

/// Every shader.
///
/// | shader | buffers read | work |
/// |---|---|---|
/// | `Conv2dF32` | input; weight `[tap][input quad][output quad]` 4x4 columns by input; bias | a tile of 4 pixels x 4 output channels |
/// | `Conv2dInt8` | input; weight, the same tiles, 4 bytes by output; `OutputChannels` | the same |
/// | `PointwiseF32`, `PointwiseInt8` | the same with one tap | the same |
/// | `DepthwiseConv2dF32` | input; weight `[tap][quad]`; bias | a tile of 4 pixels x 4 channels |
/// | `DepthwiseConv2dInt8` | input; weight `[tap][quad]` as i32, zero point subtracted; `OutputChannels` | the same |
/// | `GroupedConv2dF32`, `GroupedConv2dInt8` | input; weight `[tap][group input][output quad]`, integers as i32, zero point subtracted; bias or `OutputChannels` | a quad |
/// | `Pool2dF32`, `Pool2dInt8` | input | a quad |
/// | `ElementwiseF32` | a; b | a quad |
/// | `ElementwiseInt8` | a; b; 512 integers, one for each byte of a, then of b | a quad |
/// | `ActivationF32` | input | a quad |
/// | `Table` | input; 256 bytes | a quad |
/// | `SoftmaxF32` | input | a workgroup for each pixel |
/// | `SoftmaxInt8` | input; 256 exponentials | a workgroup for each pixel |
/// | `Quantize` | input; 256 thresholds | a quad |
/// | `Dequantize` | input; 256 floats | a quad |
/// | `ConvTranspose2dF32`, `ConvTranspose2dInt8` | input; weight `[tap][input][output quad]`, integers as i32, zero point subtracted; bias or `OutputChannels` | a quad |
/// | `ArgMaxF32`, `ArgMaxInt8` | input | a pixel |
/// | `ResizeF32`, `ResizeInt8` | input; a sample for each row and for each column: two indices and a weight | a quad |
/// | `PadF32`, `PadInt8`, `ConcatF32`, `ConcatInt8`, `ReshapeF32`, `ReshapeInt8` | input | a quad |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "the table above says what each is")]
pub enum Shader {
    Conv2dF32,
    Conv2dInt8,
    PointwiseF32,
    PointwiseInt8,
    DepthwiseConv2dF32,
    DepthwiseConv2dInt8,
    GroupedConv2dF32,
    GroupedConv2dInt8,
    Pool2dF32,
    Pool2dInt8,
    ElementwiseF32,
    ElementwiseInt8,
    ActivationF32,
    Table,
    SoftmaxF32,
    SoftmaxInt8,
    Quantize,
    Dequantize,
    ConvTranspose2dF32,
    ConvTranspose2dInt8,
    ArgMaxF32,
    ArgMaxInt8,
    ResizeF32,
    ResizeInt8,
    PadF32,
    PadInt8,
    ConcatF32,
    ConcatInt8,
    ReshapeF32,
    ReshapeInt8,
}

/// What a dispatch counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Work {
    /// Invocations, rounded up to whole workgroups; those beyond the count do nothing.
    Invocations(u32),
    /// Workgroups.
    Workgroups(u32),
}

impl Work {
    /// Workgroups altogether.
    pub const fn workgroups(self) -> u32 {
        match self {
            Self::Invocations(count) => count.div_ceil(WORKGROUP_SIZE),
            Self::Workgroups(count) => count,
        }
    }
}

impl Shader {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::Conv2dF32,
        Self::Conv2dInt8,
        Self::PointwiseF32,
        Self::PointwiseInt8,
        Self::DepthwiseConv2dF32,
        Self::DepthwiseConv2dInt8,
        Self::GroupedConv2dF32,
        Self::GroupedConv2dInt8,
        Self::Pool2dF32,
        Self::Pool2dInt8,
        Self::ElementwiseF32,
        Self::ElementwiseInt8,
        Self::ActivationF32,
        Self::Table,
        Self::SoftmaxF32,
        Self::SoftmaxInt8,
        Self::Quantize,
        Self::Dequantize,
        Self::ConvTranspose2dF32,
        Self::ConvTranspose2dInt8,
        Self::ArgMaxF32,
        Self::ArgMaxInt8,
        Self::ResizeF32,
        Self::ResizeInt8,
        Self::PadF32,
        Self::PadInt8,
        Self::ConcatF32,
        Self::ConcatInt8,
        Self::ReshapeF32,
        Self::ReshapeInt8,
    ];

    /// The path of its body and the element it works on: what profiles call the kernel.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conv2dF32 => "f32/conv2d",
            Self::Conv2dInt8 => "int8/conv2d",
            Self::PointwiseF32 => "f32/pointwise",
            Self::PointwiseInt8 => "int8/pointwise",
            Self::DepthwiseConv2dF32 => "f32/depthwise_conv2d",
            Self::DepthwiseConv2dInt8 => "int8/depthwise_conv2d",
            Self::GroupedConv2dF32 => "f32/grouped_conv2d",
            Self::GroupedConv2dInt8 => "int8/grouped_conv2d",
            Self::Pool2dF32 => "f32/pool2d",
            Self::Pool2dInt8 => "int8/pool2d",
            Self::ElementwiseF32 => "f32/elementwise",
            Self::ElementwiseInt8 => "int8/elementwise",
            Self::ActivationF32 => "f32/activation",
            Self::Table => "int8/table",
            Self::SoftmaxF32 => "f32/softmax",
            Self::SoftmaxInt8 => "int8/softmax",
            Self::Quantize => "int8/quantize",
            Self::Dequantize => "int8/dequantize",
            Self::ConvTranspose2dF32 => "f32/conv_transpose2d",
            Self::ConvTranspose2dInt8 => "int8/conv_transpose2d",
            Self::ArgMaxF32 => "f32/arg_max",
            Self::ArgMaxInt8 => "int8/arg_max",
            Self::ResizeF32 => "f32/resize",
            Self::ResizeInt8 => "int8/resize",
            Self::PadF32 => "moves/pad f32",
            Self::PadInt8 => "moves/pad int8",
            Self::ConcatF32 => "moves/concat f32",
            Self::ConcatInt8 => "moves/concat int8",
            Self::ReshapeF32 => "moves/reshape f32",
            Self::ReshapeInt8 => "moves/reshape int8",
        }
    }

    /// The read-only buffers, at bindings 1, 2 and so on. The output follows them.
    pub const fn reads(self) -> &'static [&'static str] {
        match self {
            Self::Conv2dF32
            | Self::PointwiseF32
            | Self::DepthwiseConv2dF32
            | Self::GroupedConv2dF32
            | Self::ConvTranspose2dF32 => &["input", "weight", "bias"],
            Self::Conv2dInt8
            | Self::PointwiseInt8
            | Self::DepthwiseConv2dInt8
            | Self::GroupedConv2dInt8
            | Self::ConvTranspose2dInt8 => &["input", "weight", "channels"],
            Self::ResizeF32 | Self::ResizeInt8 => &["input", "rows", "columns"],
            Self::ElementwiseF32 => &["a", "b"],
            Self::ElementwiseInt8 => &["a", "b", "operands"],
            Self::Table | Self::Dequantize => &["input", "table"],
            Self::Quantize => &["input", "thresholds"],
            Self::SoftmaxInt8 => &["input", "exponentials"],
            Self::Pool2dF32
            | Self::Pool2dInt8
            | Self::ActivationF32
            | Self::SoftmaxF32
            | Self::ArgMaxF32
            | Self::ArgMaxInt8
            | Self::PadF32
            | Self::PadInt8
            | Self::ConcatF32
            | Self::ConcatInt8
            | Self::ReshapeF32
            | Self::ReshapeInt8 => &["input"],
        }
    }

    /// The fields of its `params`, in order.
    pub const fn params(self) -> &'static [params::Field] {
        match self {
            Self::Conv2dF32 => params::Conv2dF32::FIELDS,
            Self::Conv2dInt8 => params::Conv2dInt8::FIELDS,
            Self::PointwiseF32 => params::PointwiseF32::FIELDS,
            Self::PointwiseInt8 => params::PointwiseInt8::FIELDS,
            Self::DepthwiseConv2dF32 => params::DepthwiseConv2dF32::FIELDS,
            Self::DepthwiseConv2dInt8 => params::DepthwiseConv2dInt8::FIELDS,
            Self::GroupedConv2dF32 => params::GroupedConv2dF32::FIELDS,
            Self::GroupedConv2dInt8 => params::GroupedConv2dInt8::FIELDS,
            Self::Pool2dF32 => params::Pool2dF32::FIELDS,
            Self::Pool2dInt8 => params::Pool2dInt8::FIELDS,
            Self::ElementwiseF32 => params::ElementwiseF32::FIELDS,
            Self::ElementwiseInt8 => params::ElementwiseInt8::FIELDS,
            Self::ActivationF32 => params::ActivationF32::FIELDS,
            Self::Table | Self::Dequantize => params::Table::FIELDS,
            Self::SoftmaxF32 => params::SoftmaxF32::FIELDS,
            Self::SoftmaxInt8 => params::SoftmaxInt8::FIELDS,
            Self::Quantize => params::Quantize::FIELDS,
            Self::ConvTranspose2dF32 => params::ConvTranspose2dF32::FIELDS,
            Self::ConvTranspose2dInt8 => params::ConvTranspose2dInt8::FIELDS,
            Self::ArgMaxF32 | Self::ArgMaxInt8 => params::ArgMax::FIELDS,
            Self::ResizeF32 => params::ResizeF32::FIELDS,
            Self::ResizeInt8 => params::ResizeInt8::FIELDS,
            Self::PadF32 | Self::PadInt8 => params::Pad::FIELDS,
            Self::ConcatF32 | Self::ConcatInt8 => params::Concat::FIELDS,
            Self::ReshapeF32 | Self::ReshapeInt8 => params::Reshape::FIELDS,
        }
    }

    /// The whole text, ready to compile.
    pub fn source(self) -> String {
        let (body, snippets) = self.parts();
        let mut source = String::from(INVOCATION);
        for part in snippets.iter().chain([&body]) {
            source.push('\n');
            source.push_str(part);
        }
        source
    }

    /// The body, and the snippets that it needs besides `invocation.wgsl`.
    const fn parts(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Conv2dF32 => (include_str!("../wgsl/f32/conv2d.wgsl"), &[EPILOGUE, WINDOW]),
            Self::Conv2dInt8 => {
                (include_str!("../wgsl/int8/conv2d.wgsl"), &[FIXED_POINT, REQUANTIZE, DOT, WINDOW])
            }
            Self::PointwiseF32 => (include_str!("../wgsl/f32/pointwise.wgsl"), &[EPILOGUE]),
            Self::PointwiseInt8 => {
                (include_str!("../wgsl/int8/pointwise.wgsl"), &[FIXED_POINT, REQUANTIZE, DOT])
            }
            Self::DepthwiseConv2dF32 => {
                (include_str!("../wgsl/f32/depthwise_conv2d.wgsl"), &[EPILOGUE, WINDOW])
            }
            Self::DepthwiseConv2dInt8 => (
                include_str!("../wgsl/int8/depthwise_conv2d.wgsl"),
                &[FIXED_POINT, REQUANTIZE, WINDOW],
            ),
            Self::GroupedConv2dF32 => {
                (include_str!("../wgsl/f32/grouped_conv2d.wgsl"), &[EPILOGUE, WINDOW])
            }
            Self::GroupedConv2dInt8 => (
                include_str!("../wgsl/int8/grouped_conv2d.wgsl"),
                &[FIXED_POINT, REQUANTIZE, WINDOW],
            ),
            Self::Pool2dF32 => (include_str!("../wgsl/f32/pool2d.wgsl"), &[WINDOW]),
            Self::Pool2dInt8 => {
                (include_str!("../wgsl/int8/pool2d.wgsl"), &[FIXED_POINT, REQUANTIZE, WINDOW])
            }
            Self::ElementwiseF32 => {
                (include_str!("../wgsl/f32/elementwise.wgsl"), &[EPILOGUE, BROADCAST])
            }
            Self::ElementwiseInt8 => (
                include_str!("../wgsl/int8/elementwise.wgsl"),
                &[FIXED_POINT, REQUANTIZE, BROADCAST],
            ),
            Self::ActivationF32 => (include_str!("../wgsl/f32/activation.wgsl"), &[EPILOGUE]),
            Self::Table => (include_str!("../wgsl/int8/table.wgsl"), &[]),
            Self::SoftmaxF32 => (include_str!("../wgsl/f32/softmax.wgsl"), &[]),
            Self::SoftmaxInt8 => (include_str!("../wgsl/int8/softmax.wgsl"), &[FIXED_POINT]),
            Self::Quantize => (include_str!("../wgsl/int8/quantize.wgsl"), &[]),
            Self::Dequantize => (include_str!("../wgsl/int8/dequantize.wgsl"), &[]),
            Self::ConvTranspose2dF32 => {
                (include_str!("../wgsl/f32/conv_transpose2d.wgsl"), &[EPILOGUE])
            }
            Self::ConvTranspose2dInt8 => {
                (include_str!("../wgsl/int8/conv_transpose2d.wgsl"), &[FIXED_POINT, REQUANTIZE])
            }
            Self::ArgMaxF32 => (include_str!("../wgsl/f32/arg_max.wgsl"), &[]),
            Self::ArgMaxInt8 => (include_str!("../wgsl/int8/arg_max.wgsl"), &[]),
            Self::ResizeF32 => (include_str!("../wgsl/f32/resize.wgsl"), &[]),
            Self::ResizeInt8 => (include_str!("../wgsl/int8/resize.wgsl"), &[]),
            Self::PadF32 => (PAD, &[QUAD_F32]),
            Self::PadInt8 => (PAD, &[QUAD_INT8]),
            Self::ConcatF32 => (CONCAT, &[QUAD_F32]),
            Self::ConcatInt8 => (CONCAT, &[QUAD_INT8]),
            Self::ReshapeF32 => (RESHAPE, &[QUAD_F32]),
            Self::ReshapeInt8 => (RESHAPE, &[QUAD_INT8]),
        }
    }
}

const INVOCATION: &str = include_str!("../wgsl/snippets/invocation.wgsl");
const EPILOGUE: &str = include_str!("../wgsl/snippets/epilogue.wgsl");
const FIXED_POINT: &str = include_str!("../wgsl/snippets/fixed_point.wgsl");
const REQUANTIZE: &str = include_str!("../wgsl/snippets/requantize.wgsl");
const DOT: &str = include_str!("../wgsl/snippets/dot.wgsl");
const WINDOW: &str = include_str!("../wgsl/snippets/window.wgsl");
const BROADCAST: &str = include_str!("../wgsl/snippets/broadcast.wgsl");
const QUAD_F32: &str = include_str!("../wgsl/snippets/quad_f32.wgsl");
const QUAD_INT8: &str = include_str!("../wgsl/snippets/quad_int8.wgsl");
const PAD: &str = include_str!("../wgsl/moves/pad.wgsl");
const CONCAT: &str = include_str!("../wgsl/moves/concat.wgsl");
const RESHAPE: &str = include_str!("../wgsl/moves/reshape.wgsl");
