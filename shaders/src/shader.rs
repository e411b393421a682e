//! The shaders by name, and what each binds, takes and writes.

use crate::params::{self, ParamsLayout as _};
use crate::{LARGE_WORKGROUP_SIZE, WORKGROUP_SIZE};

/// Every shader. Those of int8 layers also read a table, of what follows them: see
/// [`Variant::has_table`](crate::Variant::has_table).
///
/// | shader | buffers read | work |
/// |---|---|---|
/// | `ProductF32` | input; weight `[input quad][output quad]`; bias; scale; residual | a tile of pixels x output quads, shared by `split` invocations |
/// | `ProductInt8` | input; weight; `OutputChannels`; scale; residual | the same |
/// | `Conv2dF32`, `Conv2dInt8`, `Conv2dColors`, `Conv2dPixels` | input; weight `[tap][input quad][output quad]`; bias or `OutputChannels` | a run x output quads, shared by `split` invocations |
/// | `DepthwiseConv2dF32`, `DepthwiseConv2dInt8` | input; weight `[tap][quad]`, integers as i32, zero point subtracted; bias or `OutputChannels` | a run x a quad |
/// | `Conv2dProjectF32`, `Conv2dProjectInt8`, `Conv2dProjectColors`, `Conv2dProjectPixels`, `DepthwiseProjectF32`, `DepthwiseProjectInt8` | input; weights of both; biases or `OutputChannels` of both; residual | a workgroup for `tile_runs` runs |
/// | `ExpandDepthwiseF32` | input; weights of both; biases of both | a workgroup for a band of rows x a slice of quads |
/// | `ProductPoolF32`, `ProductPoolInt8` | input; weight; bias or `OutputChannels` | a workgroup for an image x output quads |
/// | `DepthwisePoolF32` | input; weight `[tap][quad]`; bias | a workgroup for runs of an image x a slice of quads |
/// | `SqueezeF32` | pooled sums; weight; bias | a workgroup for an image x an output quad |
/// | `SqueezeExciteF32` | pooled sums; weights of both; biases of both | a workgroup for an image |
/// | `SqueezeExciteInt8` | input; weights of both; `OutputChannels` of both; 256 bytes for each | a workgroup for an image |
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
    Conv2dColors,
    Conv2dPixels,
    DepthwiseConv2dF32,
    DepthwiseConv2dInt8,
    Conv2dProjectF32,
    Conv2dProjectInt8,
    Conv2dProjectColors,
    Conv2dProjectPixels,
    DepthwiseProjectF32,
    DepthwiseProjectInt8,
    ExpandDepthwiseF32,
    ProductPoolF32,
    ProductPoolInt8,
    DepthwisePoolF32,
    SqueezeF32,
    SqueezeExciteF32,
    SqueezeExciteInt8,
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

impl Shader {
    /// All of them.
    pub const ALL: [Self; 46] = [
        Self::ProductF32,
        Self::ProductInt8,
        Self::Conv2dF32,
        Self::Conv2dInt8,
        Self::Conv2dColors,
        Self::Conv2dPixels,
        Self::DepthwiseConv2dF32,
        Self::DepthwiseConv2dInt8,
        Self::Conv2dProjectF32,
        Self::Conv2dProjectInt8,
        Self::Conv2dProjectColors,
        Self::Conv2dProjectPixels,
        Self::DepthwiseProjectF32,
        Self::DepthwiseProjectInt8,
        Self::ExpandDepthwiseF32,
        Self::ProductPoolF32,
        Self::ProductPoolInt8,
        Self::DepthwisePoolF32,
        Self::SqueezeF32,
        Self::SqueezeExciteF32,
        Self::SqueezeExciteInt8,
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
            Self::Conv2dColors => "f32/conv2d colors",
            Self::Conv2dPixels => "f32/conv2d pixels",
            Self::ProductF32 => "f32/product",
            Self::ProductInt8 => "int8/product",
            Self::Conv2dProjectF32 => "f32/conv2d_project",
            Self::Conv2dProjectInt8 => "int8/conv2d_project",
            Self::Conv2dProjectColors => "f32/conv2d_project colors",
            Self::Conv2dProjectPixels => "f32/conv2d_project pixels",
            Self::DepthwiseProjectF32 => "f32/depthwise_project",
            Self::DepthwiseProjectInt8 => "int8/depthwise_project",
            Self::ExpandDepthwiseF32 => "f32/expand_depthwise",
            Self::ProductPoolF32 => "f32/product_pool",
            Self::ProductPoolInt8 => "int8/product_pool",
            Self::DepthwisePoolF32 => "f32/depthwise_pool",
            Self::SqueezeF32 => "f32/squeeze",
            Self::SqueezeExciteF32 => "f32/squeeze_excite",
            Self::SqueezeExciteInt8 => "int8/squeeze_excite",
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
            Self::ProductInt8 => &["input", "weight", "channels", "scale", "residual", "table"],
            Self::Conv2dProjectF32
            | Self::Conv2dProjectColors
            | Self::Conv2dProjectPixels
            | Self::DepthwiseProjectF32 => &["input", "weight", "bias", "residual"],
            Self::Conv2dProjectInt8 | Self::DepthwiseProjectInt8 => {
                &["input", "weight", "channels", "residual", "table"]
            }
            Self::Conv2dF32
            | Self::Conv2dColors
            | Self::Conv2dPixels
            | Self::DepthwiseConv2dF32
            | Self::ExpandDepthwiseF32
            | Self::DepthwisePoolF32
            | Self::ProductPoolF32
            | Self::GroupedConv2dF32
            | Self::ConvTranspose2dF32 => &["input", "weight", "bias"],
            Self::Conv2dInt8 | Self::DepthwiseConv2dInt8 | Self::ProductPoolInt8 => {
                &["input", "weight", "channels", "table"]
            }
            Self::GroupedConv2dInt8 | Self::ConvTranspose2dInt8 => &["input", "weight", "channels"],
            Self::SqueezeF32 | Self::SqueezeExciteF32 => &["pooled", "weight", "bias"],
            Self::SqueezeExciteInt8 => &["input", "weight", "channels", "table"],
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
            Self::ExpandDepthwiseF32 | Self::DepthwisePoolF32 => &["output", "pooled"],
            _ => &["output"],
        }
    }

    /// Whether its params may be part of its text, [`Self::source_of_layer`]. Where results must be
    /// the reference's to the last bit or nearly, a compiler must not know the numbers that it would
    /// compute with in another order: NVIDIA's makes `(x - mean) * scale` a product and a sum.
    pub const fn can_fix_params(self) -> bool {
        !matches!(self, Self::ResizeInt8 | Self::Normalize)
    }

    /// Invocations of its workgroups.
    pub const fn workgroup_size(self) -> u32 {
        match self {
            Self::DepthwisePoolF32 | Self::SqueezeExciteF32 | Self::SqueezeExciteInt8 => {
                LARGE_WORKGROUP_SIZE
            }
            _ => WORKGROUP_SIZE,
        }
    }

    /// The fields of its `params`, in order.
    pub const fn params(self) -> &'static [params::Field] {
        match self {
            Self::Conv2dF32 | Self::Conv2dColors | Self::Conv2dPixels => params::Conv2dF32::FIELDS,
            Self::Conv2dInt8 => params::Conv2dInt8::FIELDS,
            Self::ProductF32 => params::ProductF32::FIELDS,
            Self::ProductInt8 => params::ProductInt8::FIELDS,
            Self::Conv2dProjectF32 | Self::Conv2dProjectColors | Self::Conv2dProjectPixels => {
                params::Conv2dProjectF32::FIELDS
            }
            Self::Conv2dProjectInt8 => params::Conv2dProjectInt8::FIELDS,
            Self::DepthwiseProjectF32 => params::DepthwiseProjectF32::FIELDS,
            Self::DepthwiseProjectInt8 => params::DepthwiseProjectInt8::FIELDS,
            Self::ExpandDepthwiseF32 => params::ExpandDepthwiseF32::FIELDS,
            Self::ProductPoolF32 => params::ProductPoolF32::FIELDS,
            Self::ProductPoolInt8 => params::ProductPoolInt8::FIELDS,
            Self::DepthwisePoolF32 => params::DepthwisePoolF32::FIELDS,
            Self::SqueezeF32 => params::SqueezeF32::FIELDS,
            Self::SqueezeExciteF32 => params::SqueezeExciteF32::FIELDS,
            Self::SqueezeExciteInt8 => params::SqueezeExciteInt8::FIELDS,
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
}
