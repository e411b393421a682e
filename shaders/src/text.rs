//! The text of each shader, put together.

use crate::{Shader, Variant, unroll};

/// The parts of a float convolution that reads one of the `input_*.wgsl`: those that all have, and
/// some of its own.
macro_rules! conv2d_of {
    ($text:ident, $input:ident, $($own:ident),+) => {
        (
            $text,
            &[
                EPILOGUE,
                WINDOW,
                RUN,
                NORMALIZATION,
                $input,
                WEIGHTS_F32,
                SUMS_F32,
                TAPS_F32,
                CONV_F32,
                $($own),+
            ],
        )
    };
}

impl Shader {
    /// Whether it has a form in which subgroups share sums, for [`Variant::has_subgroups`].
    pub fn can_use_subgroups(self) -> bool {
        self.parts().1.iter().any(|&part| with_subgroups(part) != part)
    }

    /// Whether it has a form in which neighbours load for each other, for [`Variant::has_fours`].
    pub const fn can_use_fours(self) -> bool {
        matches!(
            self,
            Self::ProductF32
                | Self::ProductInt8
                | Self::Conv2dF32
                | Self::Conv2dColors
                | Self::Conv2dPixels
                | Self::Conv2dInt8
                | Self::DepthwiseConv2dF32
                | Self::DepthwiseConv2dInt8
        )
    }

    /// The whole text, ready to compile, with [`Self::params`] as a uniform.
    pub fn source(self, variant: &Variant) -> String {
        self.text(variant, false)
    }

    /// The same for one layer, whose params are constants: the words that would be in the uniform.
    ///
    /// # Panics
    /// If there are fewer words than [`Self::params`] has.
    pub fn source_of_layer(self, variant: &Variant, params: &[u32]) -> String {
        self.with_fixed_params(&self.text(variant, true), params)
    }

    /// The same for layers of one kind, [`Self::kind_of`].
    pub fn source_of_kind(self, variant: &Variant, kind: &[u32]) -> String {
        self.with_fixed_kind(&self.text(variant, false), kind)
    }

    fn text(self, variant: &Variant, has_fixed_params: bool) -> String {
        let (body, snippets) = self.parts();
        let mut source = variant.header(has_fixed_params);
        for part in [INVOCATION].iter().chain(snippets).chain([&body]) {
            let part = match variant {
                Variant { has_subgroups: true, .. } => with_subgroups(part),
                Variant { has_fours: true, .. } => with_fours(part),
                _ => part,
            };
            source.push('\n');
            source.push_str(&unroll::unroll(part, variant));
        }
        source
    }

    /// The body, and the snippets that it needs besides `invocation.wgsl`.
    const fn parts(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::ProductF32 => (
                include_str!("../wgsl/f32/product.wgsl"),
                &[EPILOGUE, WEIGHTS_F32, SUMS_F32, INPUTS, TEAM, TILES],
            ),
            Self::ProductInt8 => (
                include_str!("../wgsl/int8/product.wgsl"),
                &[
                    FIXED_POINT,
                    REQUANTIZE,
                    DOT,
                    SUMS_INT8,
                    INPUTS,
                    TEAM,
                    TILES,
                    SCALING,
                    LOOK_UP,
                    RESIDUAL,
                ],
            ),
            Self::Conv2dF32 => conv2d_of!(CONV2D_F32, INPUT_F32, TEAM, TILES, CONV_TILES),
            Self::Conv2dColors => conv2d_of!(CONV2D_F32, INPUT_COLORS, TEAM, TILES, CONV_TILES),
            Self::Conv2dPixels => conv2d_of!(CONV2D_F32, INPUT_PIXELS, TEAM, TILES, CONV_TILES),
            Self::Conv2dInt8 => (
                include_str!("../wgsl/int8/conv2d.wgsl"),
                &[
                    FIXED_POINT,
                    REQUANTIZE,
                    DOT,
                    WINDOW,
                    RUN,
                    SUMS_INT8,
                    TAPS_INT8,
                    CONV_INT8,
                    TEAM,
                    TILES,
                    CONV_TILES,
                    LOOK_UP,
                ],
            ),
            Self::DepthwiseConv2dF32 => (
                include_str!("../wgsl/f32/depthwise_conv2d.wgsl"),
                &[EPILOGUE, WINDOW, RUN, SOURCE_F32, FILTER_ROW, DEPTHWISE_F32],
            ),
            Self::DepthwiseConv2dInt8 => (
                include_str!("../wgsl/int8/depthwise_conv2d.wgsl"),
                &[FIXED_POINT, REQUANTIZE, WINDOW, RUN, FILTER_ROW, DEPTHWISE_INT8, LOOK_UP],
            ),
            Self::Conv2dProjectF32 => conv2d_of!(CONV2D_PROJECT_F32, INPUT_F32, PROJECT_F32),
            Self::Conv2dProjectColors => conv2d_of!(CONV2D_PROJECT_F32, INPUT_COLORS, PROJECT_F32),
            Self::Conv2dProjectPixels => conv2d_of!(CONV2D_PROJECT_F32, INPUT_PIXELS, PROJECT_F32),
            Self::Conv2dProjectInt8 => (
                include_str!("../wgsl/int8/conv2d_project.wgsl"),
                &[
                    FIXED_POINT,
                    REQUANTIZE,
                    DOT,
                    WINDOW,
                    RUN,
                    SUMS_INT8,
                    TAPS_INT8,
                    CONV_INT8,
                    LOOK_UP,
                    RESIDUAL,
                    PROJECT_INT8,
                ],
            ),
            Self::DepthwiseProjectF32 => (
                include_str!("../wgsl/f32/depthwise_project.wgsl"),
                &[
                    EPILOGUE,
                    WINDOW,
                    RUN,
                    WEIGHTS_F32,
                    SUMS_F32,
                    SOURCE_F32,
                    FILTER_ROW,
                    DEPTHWISE_F32,
                    PROJECT_F32,
                ],
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
                    FILTER_ROW,
                    DEPTHWISE_INT8,
                    LOOK_UP,
                    RESIDUAL,
                    PROJECT_INT8,
                ],
            ),
            Self::ExpandDepthwiseF32 => (
                include_str!("../wgsl/f32/expand_depthwise.wgsl"),
                &[EPILOGUE, WINDOW, RUN, WEIGHTS_F32, SUMS_F32, FILTER_ROW, DEPTHWISE_F32],
            ),
            Self::ProductPoolF32 => (
                include_str!("../wgsl/f32/product_pool.wgsl"),
                &[EPILOGUE, WEIGHTS_F32, SUMS_F32, WORKGROUP],
            ),
            Self::ProductPoolInt8 => (
                include_str!("../wgsl/int8/product_pool.wgsl"),
                &[FIXED_POINT, REQUANTIZE, DOT, SUMS_INT8, WORKGROUP, LOOK_UP, AVERAGE],
            ),
            Self::DepthwisePoolF32 => (
                include_str!("../wgsl/f32/depthwise_pool.wgsl"),
                &[EPILOGUE, WINDOW, RUN, SOURCE_F32, FILTER_ROW, DEPTHWISE_F32],
            ),
            Self::SqueezeF32 => (
                include_str!("../wgsl/f32/squeeze.wgsl"),
                &[EPILOGUE, WEIGHTS_F32, PRODUCT_F32, WORKGROUP],
            ),
            Self::SqueezeExciteF32 => (
                include_str!("../wgsl/f32/squeeze_excite.wgsl"),
                &[EPILOGUE, WEIGHTS_F32, PRODUCT_F32, TEAM, TEAM_SUM],
            ),
            Self::SqueezeExciteInt8 => (
                include_str!("../wgsl/int8/squeeze_excite.wgsl"),
                &[FIXED_POINT, REQUANTIZE, DOT, AVERAGE, TEAM, TEAM_SUM, LOOK_UP],
            ),
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
            Self::Table => (include_str!("../wgsl/int8/table.wgsl"), &[LOOK_UP]),
            Self::SoftmaxF32 => (include_str!("../wgsl/f32/softmax.wgsl"), &[WORKGROUP]),
            Self::SoftmaxInt8 => {
                (include_str!("../wgsl/int8/softmax.wgsl"), &[FIXED_POINT, WORKGROUP])
            }
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

/// What stands in a snippet's place where there are subgroups.
fn with_subgroups(part: &'static str) -> &'static str {
    match part {
        TEAM => include_str!("../wgsl/snippets/team_subgroups.wgsl"),
        TEAM_SUM => include_str!("../wgsl/snippets/team_sum_subgroups.wgsl"),
        TILES => include_str!("../wgsl/snippets/tiles_subgroups.wgsl"),
        WORKGROUP => include_str!("../wgsl/snippets/workgroup_subgroups.wgsl"),
        _ => part,
    }
}

/// What stands in a snippet's place where neighbours load for each other.
fn with_fours(part: &'static str) -> &'static str {
    match part {
        INPUTS => include_str!("../wgsl/snippets/inputs_fours.wgsl"),
        FILTER_ROW => include_str!("../wgsl/snippets/filter_row_fours.wgsl"),
        TAPS_F32 => include_str!("../wgsl/snippets/taps_f32_fours.wgsl"),
        TAPS_INT8 => include_str!("../wgsl/snippets/taps_int8_fours.wgsl"),
        _ => part,
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
const INPUT_COLORS: &str = include_str!("../wgsl/snippets/input_colors.wgsl");
const INPUT_PIXELS: &str = include_str!("../wgsl/snippets/input_pixels.wgsl");
const WEIGHTS_F32: &str = include_str!("../wgsl/snippets/weights_f32.wgsl");
const PRODUCT_F32: &str = include_str!("../wgsl/snippets/product_f32.wgsl");
const SUMS_F32: &str = include_str!("../wgsl/snippets/sums_f32.wgsl");
const SUMS_INT8: &str = include_str!("../wgsl/snippets/sums_int8.wgsl");
const INPUTS: &str = include_str!("../wgsl/snippets/inputs.wgsl");
const FILTER_ROW: &str = include_str!("../wgsl/snippets/filter_row.wgsl");
const TAPS_F32: &str = include_str!("../wgsl/snippets/taps_f32.wgsl");
const TAPS_INT8: &str = include_str!("../wgsl/snippets/taps_int8.wgsl");
const TEAM: &str = include_str!("../wgsl/snippets/team.wgsl");
const TEAM_SUM: &str = include_str!("../wgsl/snippets/team_sum.wgsl");
const TILES: &str = include_str!("../wgsl/snippets/tiles.wgsl");
const WORKGROUP: &str = include_str!("../wgsl/snippets/workgroup.wgsl");
const CONV_F32: &str = include_str!("../wgsl/snippets/conv_f32.wgsl");
const CONV_TILES: &str = include_str!("../wgsl/snippets/conv_tiles.wgsl");
const CONV_INT8: &str = include_str!("../wgsl/snippets/conv_int8.wgsl");
const SOURCE_F32: &str = include_str!("../wgsl/snippets/source_f32.wgsl");
const DEPTHWISE_F32: &str = include_str!("../wgsl/snippets/depthwise_f32.wgsl");
const DEPTHWISE_INT8: &str = include_str!("../wgsl/snippets/depthwise_int8.wgsl");
const PROJECT_F32: &str = include_str!("../wgsl/snippets/project_f32.wgsl");
const PROJECT_INT8: &str = include_str!("../wgsl/snippets/project_int8.wgsl");
const LOOK_UP: &str = include_str!("../wgsl/snippets/look_up.wgsl");
const SCALING: &str = include_str!("../wgsl/snippets/scaling.wgsl");
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
