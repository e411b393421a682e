//! The compute shaders of PocketVision, in WGSL, one file an operator or a fused group of
//! operators.
//!
//! A shader here is plain text that can be read, highlighted and validated as it stands. A
//! [`Shader`] is a body from `wgsl/f32`, `wgsl/int8` or `wgsl/moves` behind the few snippets
//! that it needs from `wgsl/snippets`; [`Shader::source`] puts them together, puts the
//! constants of a [`Variant`] before them (how many pixels an invocation computes, how wide the
//! kernel is), and writes out the loops that are marked `// unrolled`. All else that differs
//! between two dispatches is a uniform `params`, so a network needs about as many pipelines as
//! it has kinds of layers.
//!
//! **Tensors.** Channels vary fastest and are padded to a multiple of four, so that four
//! neighbouring channels, a *quad*, are one load: a `Stored`, which is `vec4<f32>` or, in half
//! precision, `vec4<f16>`, or one `u32` of four bytes, the first channel in its lowest byte,
//! int8 in two's complement. Quad `q` of pixel `(n, y, x)` is element `((n * height + y) *
//! width + x) * quads + q`. The lanes of a padded channel hold arbitrary bytes in integer
//! tensors and finite numbers in float tensors; shaders multiply them by a weight of 0, and
//! outputs drop them. Sums are always f32 or i32.
//!
//! **Pixels.** A picture's bytes are three channels, so each pixel is one quad and one `u32`. The
//! shaders named so read that in place of floats and normalize it as they load it: what lies
//! outside the image is 0 after that, as it is in a network whose input was normalized before.
//!
//! **Tiles.** Dense weights are tiles of four inputs by four outputs. Rows of tiles are padded
//! to an even number, as invocations may compute two output quads. Convolutions count in
//! *runs* of neighbouring pixels of one row, which share the input under their windows.
//!
//! **Bindings.** All are in group 0. Binding 0 is the uniform `params`, described by a
//! structure of [`params`]; then come the read-only buffers that [`Shader::reads`] names, then
//! those written, [`Shader::writes`]. No shader needs more than six buffers besides the
//! uniform. Workgroups have [`WORKGROUP_SIZE`] invocations, those of few outputs
//! [`LARGE_WORKGROUP_SIZE`].
//!
//! **Dispatch.** Invocations count through [`Work::Invocations`] elements, or workgroups
//! through [`Work::Workgroups`], in x and then in y: a count beyond what one dimension of a
//! dispatch allows is split over the two.
//!
//! **Exactness.** Integer shaders follow `pocketvision_core::quant` to the bit.
//! `requantize.wgsl` builds the 64-bit products that WGSL lacks from 16-bit halves;
//! functions of one byte, and conversions between bytes and floats, are tables from the host, but
//! for pixels, which are normalized in floats.

pub mod params;
mod unroll;
mod variant;

use params::ParamsLayout;
pub use variant::Variant;

/// Invocations of nearly every workgroup.
pub const WORKGROUP_SIZE: u32 = 64;

/// Invocations of a workgroup that works alone on an image: the most that WebGPU promises.
pub const LARGE_WORKGROUP_SIZE: u32 = 256;

/// Quads that [`Shader::SqueezeExciteF32`] has room for before squeezing.
pub const MOST_EXCITED_QUADS: usize = 320;

/// Quads that [`Shader::SqueezeExciteF32`] has room for after squeezing.
pub const MOST_SQUEEZED_QUADS: usize = 160;

/// Name of every entry point.
pub const ENTRY_POINT: &str = "main";

/// Every shader.
///
/// | shader | buffers read | work |
/// |---|---|---|
/// | `ProductF32` | input; weight `[input quad][output quad]` tiles; bias; scale; residual | a tile of pixels x output quads, shared by `split` invocations |
/// | `ProductInt8` | input; weight; `OutputChannels`; residual | the same |
/// | `Conv2dF32`, `Conv2dInt8`, `Conv2dPixels` | input; weight `[tap][input quad][output quad]` tiles; bias or `OutputChannels` | a run x output quads |
/// | `DepthwiseConv2dF32`, `DepthwiseConv2dInt8` | input; weight `[tap][quad]`, integers as i32, zero point subtracted; bias or `OutputChannels` | a run x a quad |
/// | `Conv2dProjectF32`, `Conv2dProjectInt8`, `Conv2dProjectPixels`, `DepthwiseProjectF32`, `DepthwiseProjectInt8` | input; weights of both; biases or `OutputChannels` of both; residual | a workgroup for `tile_runs` runs |
/// | `ExpandDepthwiseF32` | input; weights of both; biases of both | a workgroup for a band of rows x a slice of quads |
/// | `ProductPoolF32`, `ProductPoolInt8` | input; weight; bias or `OutputChannels` | a workgroup for an image x output quads |
/// | `SqueezeExciteF32` | pooled sums; weights of both; biases of both | a workgroup for an image |
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
/// | `Normalize` | input | a quad |
/// | `ConvTranspose2dF32`, `ConvTranspose2dInt8` | input; weight `[tap][input][output quad]`, integers as i32, zero point subtracted; bias or `OutputChannels` | a quad |
/// | `ArgMaxF32`, `ArgMaxInt8` | input | a pixel |
/// | `ResizeF32`, `ResizeInt8` | input; a sample for each row and for each column: two indices and a weight | a quad |
/// | `PadF32`, `PadInt8`, `ConcatF32`, `ConcatInt8`, `ReshapeF32`, `ReshapeInt8` | input | a quad |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "the table above says what each is")]
pub enum Shader {
    ProductF32,
    ProductInt8,
    Conv2dF32,
    Conv2dInt8,
    Conv2dPixels,
    DepthwiseConv2dF32,
    DepthwiseConv2dInt8,
    Conv2dProjectF32,
    Conv2dProjectInt8,
    Conv2dProjectPixels,
    DepthwiseProjectF32,
    DepthwiseProjectInt8,
    ExpandDepthwiseF32,
    ProductPoolF32,
    ProductPoolInt8,
    SqueezeExciteF32,
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
    Normalize,
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
    pub const ALL: [Self; 41] = [
        Self::ProductF32,
        Self::ProductInt8,
        Self::Conv2dF32,
        Self::Conv2dInt8,
        Self::Conv2dPixels,
        Self::DepthwiseConv2dF32,
        Self::DepthwiseConv2dInt8,
        Self::Conv2dProjectF32,
        Self::Conv2dProjectInt8,
        Self::Conv2dProjectPixels,
        Self::DepthwiseProjectF32,
        Self::DepthwiseProjectInt8,
        Self::ExpandDepthwiseF32,
        Self::ProductPoolF32,
        Self::ProductPoolInt8,
        Self::SqueezeExciteF32,
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
        Self::Normalize,
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
            Self::Conv2dPixels => "f32/conv2d pixels",
            Self::ProductF32 => "f32/product",
            Self::ProductInt8 => "int8/product",
            Self::Conv2dProjectF32 => "f32/conv2d_project",
            Self::Conv2dProjectInt8 => "int8/conv2d_project",
            Self::Conv2dProjectPixels => "f32/conv2d_project pixels",
            Self::DepthwiseProjectF32 => "f32/depthwise_project",
            Self::DepthwiseProjectInt8 => "int8/depthwise_project",
            Self::ExpandDepthwiseF32 => "f32/expand_depthwise",
            Self::ProductPoolF32 => "f32/product_pool",
            Self::ProductPoolInt8 => "int8/product_pool",
            Self::SqueezeExciteF32 => "f32/squeeze_excite",
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
            Self::Normalize => "f32/normalize",
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

    /// The read-only buffers, at bindings 1, 2 and so on.
    pub const fn reads(self) -> &'static [&'static str] {
        match self {
            Self::ProductF32 => &["input", "weight", "bias", "scale", "residual"],
            Self::ProductInt8 => &["input", "weight", "channels", "residual"],
            Self::Conv2dProjectF32 | Self::Conv2dProjectPixels | Self::DepthwiseProjectF32 => {
                &["input", "weight", "bias", "residual"]
            }
            Self::Conv2dProjectInt8 | Self::DepthwiseProjectInt8 => {
                &["input", "weight", "channels", "residual"]
            }
            Self::Conv2dF32
            | Self::Conv2dPixels
            | Self::DepthwiseConv2dF32
            | Self::ExpandDepthwiseF32
            | Self::ProductPoolF32
            | Self::GroupedConv2dF32
            | Self::ConvTranspose2dF32 => &["input", "weight", "bias"],
            Self::Conv2dInt8
            | Self::DepthwiseConv2dInt8
            | Self::ProductPoolInt8
            | Self::GroupedConv2dInt8
            | Self::ConvTranspose2dInt8 => &["input", "weight", "channels"],
            Self::SqueezeExciteF32 => &["pooled", "weight", "bias"],
            Self::ResizeF32 | Self::ResizeInt8 => &["input", "rows", "columns"],
            Self::ElementwiseF32 => &["a", "b"],
            Self::ElementwiseInt8 => &["a", "b", "operands"],
            Self::Table | Self::Dequantize => &["input", "table"],
            Self::Quantize => &["input", "thresholds"],
            Self::SoftmaxInt8 => &["input", "exponentials"],
            Self::Pool2dF32
            | Self::Pool2dInt8
            | Self::ActivationF32
            | Self::Normalize
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

    /// The buffers written, at the bindings after those read.
    pub const fn writes(self) -> &'static [&'static str] {
        match self {
            Self::ExpandDepthwiseF32 => &["output", "pooled"],
            _ => &["output"],
        }
    }

    /// Invocations of its workgroups.
    pub const fn workgroup_size(self) -> u32 {
        match self {
            Self::SqueezeExciteF32 => LARGE_WORKGROUP_SIZE,
            _ => WORKGROUP_SIZE,
        }
    }

    /// The fields of its `params`, in order.
    pub const fn params(self) -> &'static [params::Field] {
        match self {
            Self::Conv2dF32 | Self::Conv2dPixels => params::Conv2dF32::FIELDS,
            Self::Conv2dInt8 => params::Conv2dInt8::FIELDS,
            Self::ProductF32 => params::ProductF32::FIELDS,
            Self::ProductInt8 => params::ProductInt8::FIELDS,
            Self::Conv2dProjectF32 | Self::Conv2dProjectPixels => params::Conv2dProjectF32::FIELDS,
            Self::Conv2dProjectInt8 => params::Conv2dProjectInt8::FIELDS,
            Self::DepthwiseProjectF32 => params::DepthwiseProjectF32::FIELDS,
            Self::DepthwiseProjectInt8 => params::DepthwiseProjectInt8::FIELDS,
            Self::ExpandDepthwiseF32 => params::ExpandDepthwiseF32::FIELDS,
            Self::ProductPoolF32 => params::ProductPoolF32::FIELDS,
            Self::ProductPoolInt8 => params::ProductPoolInt8::FIELDS,
            Self::SqueezeExciteF32 => params::SqueezeExciteF32::FIELDS,
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
            Self::Normalize => params::Normalize::FIELDS,
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
    pub fn source(self, variant: &Variant) -> String {
        let (body, snippets) = self.parts();
        let mut source = variant.header();
        for part in [INVOCATION].iter().chain(snippets).chain([&body]) {
            source.push('\n');
            source.push_str(&unroll::unroll(part, variant));
        }
        source
    }

    /// The body, and the snippets that it needs besides `invocation.wgsl`.
    const fn parts(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::ProductF32 => (include_str!("../wgsl/f32/product.wgsl"), &[EPILOGUE, SUMS_F32]),
            Self::ProductInt8 => (
                include_str!("../wgsl/int8/product.wgsl"),
                &[FIXED_POINT, REQUANTIZE, DOT, SUMS_INT8, RESIDUAL],
            ),
            Self::Conv2dF32 => {
                (CONV2D_F32, &[EPILOGUE, WINDOW, RUN, NORMALIZATION, INPUT_F32, SUMS_F32, CONV_F32])
            }
            Self::Conv2dPixels => (
                CONV2D_F32,
                &[EPILOGUE, WINDOW, RUN, NORMALIZATION, INPUT_PIXELS, SUMS_F32, CONV_F32],
            ),
            Self::Conv2dInt8 => (
                include_str!("../wgsl/int8/conv2d.wgsl"),
                &[FIXED_POINT, REQUANTIZE, DOT, WINDOW, RUN, SUMS_INT8, CONV_INT8],
            ),
            Self::DepthwiseConv2dF32 => (
                include_str!("../wgsl/f32/depthwise_conv2d.wgsl"),
                &[EPILOGUE, WINDOW, RUN, DEPTHWISE_F32],
            ),
            Self::DepthwiseConv2dInt8 => (
                include_str!("../wgsl/int8/depthwise_conv2d.wgsl"),
                &[FIXED_POINT, REQUANTIZE, WINDOW, RUN, DEPTHWISE_INT8],
            ),
            Self::Conv2dProjectF32 => (
                CONV2D_PROJECT_F32,
                &[EPILOGUE, WINDOW, RUN, NORMALIZATION, INPUT_F32, SUMS_F32, CONV_F32, PROJECT_F32],
            ),
            Self::Conv2dProjectPixels => (
                CONV2D_PROJECT_F32,
                &[
                    EPILOGUE,
                    WINDOW,
                    RUN,
                    NORMALIZATION,
                    INPUT_PIXELS,
                    SUMS_F32,
                    CONV_F32,
                    PROJECT_F32,
                ],
            ),
            Self::Conv2dProjectInt8 => (
                include_str!("../wgsl/int8/conv2d_project.wgsl"),
                &[
                    FIXED_POINT,
                    REQUANTIZE,
                    DOT,
                    WINDOW,
                    RUN,
                    SUMS_INT8,
                    CONV_INT8,
                    RESIDUAL,
                    PROJECT_INT8,
                ],
            ),
            Self::DepthwiseProjectF32 => (
                include_str!("../wgsl/f32/depthwise_project.wgsl"),
                &[EPILOGUE, WINDOW, RUN, SUMS_F32, DEPTHWISE_F32, PROJECT_F32],
            ),
            Self::DepthwiseProjectInt8 => (
                include_str!("../wgsl/int8/depthwise_project.wgsl"),
                &[
                    FIXED_POINT,
                    REQUANTIZE,
                    DOT,
                    WINDOW,
                    RUN,
                    SUMS_INT8,
                    DEPTHWISE_INT8,
                    RESIDUAL,
                    PROJECT_INT8,
                ],
            ),
            Self::ExpandDepthwiseF32 => (
                include_str!("../wgsl/f32/expand_depthwise.wgsl"),
                &[EPILOGUE, WINDOW, RUN, SUMS_F32, DEPTHWISE_F32],
            ),
            Self::ProductPoolF32 => {
                (include_str!("../wgsl/f32/product_pool.wgsl"), &[EPILOGUE, SUMS_F32])
            }
            Self::ProductPoolInt8 => (
                include_str!("../wgsl/int8/product_pool.wgsl"),
                &[FIXED_POINT, REQUANTIZE, DOT, SUMS_INT8, AVERAGE],
            ),
            Self::SqueezeExciteF32 => {
                (include_str!("../wgsl/f32/squeeze_excite.wgsl"), &[EPILOGUE])
            }
            Self::GroupedConv2dF32 => {
                (include_str!("../wgsl/f32/grouped_conv2d.wgsl"), &[EPILOGUE, WINDOW])
            }
            Self::GroupedConv2dInt8 => (
                include_str!("../wgsl/int8/grouped_conv2d.wgsl"),
                &[FIXED_POINT, REQUANTIZE, WINDOW],
            ),
            Self::Pool2dF32 => (include_str!("../wgsl/f32/pool2d.wgsl"), &[WINDOW]),
            Self::Pool2dInt8 => (
                include_str!("../wgsl/int8/pool2d.wgsl"),
                &[FIXED_POINT, REQUANTIZE, WINDOW, AVERAGE],
            ),
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
            Self::Normalize => {
                (include_str!("../wgsl/f32/normalize.wgsl"), &[NORMALIZATION, INPUT_PIXELS])
            }
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
const RUN: &str = include_str!("../wgsl/snippets/run.wgsl");
const NORMALIZATION: &str = include_str!("../wgsl/snippets/normalization.wgsl");
const INPUT_F32: &str = include_str!("../wgsl/snippets/input_f32.wgsl");
const INPUT_PIXELS: &str = include_str!("../wgsl/snippets/input_pixels.wgsl");
const SUMS_F32: &str = include_str!("../wgsl/snippets/sums_f32.wgsl");
const SUMS_INT8: &str = include_str!("../wgsl/snippets/sums_int8.wgsl");
const CONV_F32: &str = include_str!("../wgsl/snippets/conv_f32.wgsl");
const CONV_INT8: &str = include_str!("../wgsl/snippets/conv_int8.wgsl");
const DEPTHWISE_F32: &str = include_str!("../wgsl/snippets/depthwise_f32.wgsl");
const DEPTHWISE_INT8: &str = include_str!("../wgsl/snippets/depthwise_int8.wgsl");
const PROJECT_F32: &str = include_str!("../wgsl/snippets/project_f32.wgsl");
const PROJECT_INT8: &str = include_str!("../wgsl/snippets/project_int8.wgsl");
const RESIDUAL: &str = include_str!("../wgsl/snippets/residual.wgsl");
const AVERAGE: &str = include_str!("../wgsl/snippets/average.wgsl");
const WINDOW: &str = include_str!("../wgsl/snippets/window.wgsl");
const BROADCAST: &str = include_str!("../wgsl/snippets/broadcast.wgsl");
const QUAD_F32: &str = include_str!("../wgsl/snippets/quad_f32.wgsl");
const QUAD_INT8: &str = include_str!("../wgsl/snippets/quad_int8.wgsl");
const CONV2D_F32: &str = include_str!("../wgsl/f32/conv2d.wgsl");
const CONV2D_PROJECT_F32: &str = include_str!("../wgsl/f32/conv2d_project.wgsl");
const PAD: &str = include_str!("../wgsl/moves/pad.wgsl");
const CONCAT: &str = include_str!("../wgsl/moves/concat.wgsl");
const RESHAPE: &str = include_str!("../wgsl/moves/reshape.wgsl");
