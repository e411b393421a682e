//! The uniform `params` of each shader, as the host writes it.
//!
//! Each structure has the name, order and types of the fields in its shader's text (a test
//! holds them together); [`ParamsLayout::words`] is what goes into the uniform buffer. What
//! a field means is said here once for all shaders that have it:
//!
//! * `pixels`: output positions, all images together; `elements`: output quads; `*_quads`:
//!   channels in fours, rounded up; `*_channels`: channels before padding.
//! * `*_strides`: distances in quads between neighbours of an operand: images, rows, columns,
//!   quads; 0 where a dimension of 1 is repeated. `*_repeats_channel`: 1 if the operand's only
//!   channel is repeated.
//! * `activation`: a number of [`activation`].
//! * `*_zero_point`, `*_low`, `*_high`: integers of an int8 tensor; `*_mantissa`,
//!   `*_shift_left`, `*_shift_right`: a `pocketvision_core::quant::Multiplier`.

/// Fields that can be written to a uniform buffer, four bytes each.
pub trait ParamsLayout {
    /// Name and type of each field, in order.
    const FIELDS: &'static [Field];

    /// The fields' bits, in order.
    fn words(&self) -> Vec<u32>;
}

/// A field of a `params`: its name and its type in WGSL.
pub type Field = (&'static str, &'static str);

/// Numbers of `activation` in float shaders.
pub mod activation {
    /// The number itself.
    pub const NONE: u32 = 0;
    /// `max(x, 0)`.
    pub const RELU: u32 = 1;
    /// `clamp(x, 0, 6)`.
    pub const RELU6: u32 = 2;
    /// `x * relu6(x + 3) / 6`.
    pub const HARD_SWISH: u32 = 3;
    /// `relu6(x + 3) / 6`.
    pub const HARD_SIGMOID: u32 = 4;
    /// `1 / (1 + exp(-x))`.
    pub const SIGMOID: u32 = 5;
}

/// Numbers of [`Average::kind`].
pub mod pool_kind {
    /// The largest.
    pub const MAX: u32 = 0;
    /// The average, halves away from zero.
    pub const AVERAGE_AWAY: u32 = 1;
    /// The average, halves up.
    pub const AVERAGE_UP: u32 = 2;
    /// The average rescaled to the output.
    pub const MEAN: u32 = 3;
}

/// What a field may be.
trait FieldType {
    /// Its type in WGSL.
    const NAME: &'static str;

    fn append_to(&self, words: &mut Vec<u32>);
}

impl FieldType for u32 {
    const NAME: &'static str = "u32";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.push(*self);
    }
}

impl FieldType for i32 {
    const NAME: &'static str = "i32";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.push(self.cast_unsigned());
    }
}

impl FieldType for f32 {
    const NAME: &'static str = "f32";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.push(self.to_bits());
    }
}

impl FieldType for [u32; 4] {
    const NAME: &'static str = "vec4<u32>";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.extend(self);
    }
}

impl FieldType for [f32; 4] {
    const NAME: &'static str = "vec4<f32>";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.extend(self.map(f32::to_bits));
    }
}

macro_rules! part {
    ($($name:ident)*) => {$(
        impl FieldType for $name {
            const NAME: &'static str = stringify!($name);

            fn append_to(&self, words: &mut Vec<u32>) {
                words.extend(self.words());
            }
        }
    )*};
}

// Each a multiple of four words, as fields may follow it in a uniform.
part!(Window Residual Average Normalization);

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Debug)]
        #[expect(missing_docs, reason = "the module says what each field means")]
        pub struct $name { $(pub $field: $ty,)* }

        impl ParamsLayout for $name {
            const FIELDS: &'static [Field] = &[$((stringify!($field), <$ty as FieldType>::NAME),)*];

            fn words(&self) -> Vec<u32> {
                let mut words = Vec::new();
                $(self.$field.append_to(&mut words);)*
                words
            }
        }
    )*};
}

params! {
    /// A window sliding over images, part of the params of convolutions and pools:
    /// `snippets/window.wgsl`.
    Window {
        input_height: u32,
        input_width: u32,
        input_quads: u32,
        output_height: u32,
        output_width: u32,
        output_quads: u32,
        output_channels: u32,
        pixels: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride_height: u32,
        stride_width: u32,
        dilation_height: u32,
        dilation_width: u32,
        padding_top: u32,
        padding_left: u32,
    }

    /// A tensor that an int8 convolution adds: `snippets/residual.wgsl`. `own_*` scale the
    /// convolution's result, `sum_*` the sum.
    Residual {
        is_added: u32,
        own_zero_point: i32,
        own_mantissa: i32,
        own_shift_right: u32,
        zero_point: i32,
        mantissa: i32,
        shift_right: u32,
        sum_mantissa: i32,
        sum_shift_right: u32,
        sum_zero_point: i32,
        sum_low: i32,
        sum_high: i32,
    }

    /// How int8 numbers are pooled: `snippets/average.wgsl`. `kind` is a number of
    /// [`pool_kind`].
    Average {
        kind: u32,
        zero_sum: i32,
        mantissa: i32,
        shift_left: u32,
        shift_right: u32,
        zero_point: i32,
        unused_0: u32,
        unused_1: u32,
    }

    /// How a picture's bytes become floats: `snippets/normalization.wgsl`. `scale` is the
    /// reciprocal of the deviation; both are 0 in the fourth lane.
    Normalization {
        mean: [f32; 4],
        scale: [f32; 4],
    }

    /// Of `f32/product.wgsl`. `pixels` are those of one image.
    ProductF32 {
        pixels: u32,
        images: u32,
        input_quads: u32,
        output_quads: u32,
        output_channels: u32,
        activation: u32,
        has_residual: u32,
    }

    /// Of `int8/product.wgsl`.
    ProductInt8 {
        residual: Residual,
        pixels: u32,
        input_quads: u32,
        output_quads: u32,
        weight_zero_point: i32,
        output_zero_point: i32,
        output_low: i32,
        output_high: i32,
    }

    /// Of `f32/conv2d.wgsl`.
    Conv2dF32 {
        window: Window,
        normalization: Normalization,
        activation: u32,
    }

    /// Of `int8/conv2d.wgsl`.
    Conv2dInt8 {
        window: Window,
        input_zero_point: i32,
        weight_zero_point: i32,
        output_zero_point: i32,
        output_low: i32,
        output_high: i32,
    }

    /// Of `f32/depthwise_conv2d.wgsl`. `*_at`: where weights begin in their buffer, in tiles
    /// or quads.
    DepthwiseConv2dF32 {
        window: Window,
        depthwise_at: u32,
        activation: u32,
    }

    /// Of `int8/depthwise_conv2d.wgsl`.
    DepthwiseConv2dInt8 {
        window: Window,
        depthwise_at: u32,
        input_zero_point: i32,
        output_zero_point: i32,
        output_low: i32,
        output_high: i32,
    }

    /// Of `f32/conv2d_project.wgsl`: of the two convolutions, the window is the first one's.
    Conv2dProjectF32 {
        window: Window,
        normalization: Normalization,
        hidden_activation: u32,
        tile_runs: u32,
        project_at: u32,
        project_quads: u32,
        project_channels: u32,
        activation: u32,
        has_residual: u32,
    }

    /// Of `f32/depthwise_project.wgsl`.
    DepthwiseProjectF32 {
        window: Window,
        depthwise_at: u32,
        hidden_activation: u32,
        tile_runs: u32,
        project_at: u32,
        project_quads: u32,
        project_channels: u32,
        activation: u32,
        has_residual: u32,
    }

    /// Of `int8/conv2d_project.wgsl`.
    Conv2dProjectInt8 {
        window: Window,
        residual: Residual,
        input_zero_point: i32,
        weight_zero_point: i32,
        hidden_zero_point: i32,
        hidden_low: i32,
        hidden_high: i32,
        tile_runs: u32,
        project_at: u32,
        project_quads: u32,
        project_weight_zero_point: i32,
        output_zero_point: i32,
        output_low: i32,
        output_high: i32,
    }

    /// Of `int8/depthwise_project.wgsl`.
    DepthwiseProjectInt8 {
        window: Window,
        residual: Residual,
        input_zero_point: i32,
        depthwise_at: u32,
        hidden_zero_point: i32,
        hidden_low: i32,
        hidden_high: i32,
        tile_runs: u32,
        project_at: u32,
        project_quads: u32,
        project_weight_zero_point: i32,
        output_zero_point: i32,
        output_low: i32,
        output_high: i32,
    }

    /// Of `f32/expand_depthwise.wgsl`: the window is the depthwise convolution's.
    ExpandDepthwiseF32 {
        window: Window,
        source_quads: u32,
        hidden_activation: u32,
        depthwise_at: u32,
        activation: u32,
        band_rows: u32,
        bands: u32,
        slice_shift: u32,
    }

    /// Of `f32/product_pool.wgsl`. `pixels` are those of one image.
    ProductPoolF32 {
        pixels: u32,
        images: u32,
        input_quads: u32,
        output_quads: u32,
        output_channels: u32,
        activation: u32,
    }

    /// Of `int8/product_pool.wgsl`. `pixels` are those of one image.
    ProductPoolInt8 {
        average: Average,
        pixels: u32,
        images: u32,
        input_quads: u32,
        output_quads: u32,
        weight_zero_point: i32,
        output_zero_point: i32,
        output_low: i32,
        output_high: i32,
    }

    /// Of `f32/squeeze_excite.wgsl`.
    SqueezeExciteF32 {
        images: u32,
        bands: u32,
        quads: u32,
        squeezed_quads: u32,
        per_pixel: f32,
        squeeze_activation: u32,
        gate_at: u32,
        gate_activation: u32,
        channels: u32,
    }

    /// Of `f32/grouped_conv2d.wgsl`.
    GroupedConv2dF32 {
        window: Window,
        group_inputs: u32,
        group_outputs: u32,
        activation: u32,
    }

    /// Of `int8/grouped_conv2d.wgsl`.
    GroupedConv2dInt8 {
        window: Window,
        group_inputs: u32,
        group_outputs: u32,
        input_zero_point: i32,
        output_zero_point: i32,
        output_low: i32,
        output_high: i32,
    }

    /// Of `f32/pool2d.wgsl`.
    Pool2dF32 {
        window: Window,
        is_max: u32,
    }

    /// Of `int8/pool2d.wgsl`.
    Pool2dInt8 {
        window: Window,
        average: Average,
    }

    /// Of `f32/elementwise.wgsl`.
    ElementwiseF32 {
        a_strides: [u32; 4],
        b_strides: [u32; 4],
        output_height: u32,
        output_width: u32,
        output_quads: u32,
        elements: u32,
        a_repeats_channel: u32,
        b_repeats_channel: u32,
        is_product: u32,
        activation: u32,
    }

    /// Of `int8/elementwise.wgsl`.
    ElementwiseInt8 {
        a_strides: [u32; 4],
        b_strides: [u32; 4],
        output_height: u32,
        output_width: u32,
        output_quads: u32,
        elements: u32,
        a_repeats_channel: u32,
        b_repeats_channel: u32,
        is_product: u32,
        output_mantissa: i32,
        output_shift_left: u32,
        output_shift_right: u32,
        output_zero_point: i32,
        output_low: i32,
        output_high: i32,
    }

    /// Of `f32/activation.wgsl`.
    ActivationF32 {
        elements: u32,
        activation: u32,
    }

    /// Of `int8/table.wgsl` and of `int8/dequantize.wgsl`.
    Table {
        elements: u32,
    }

    /// Of `f32/normalize.wgsl`.
    Normalize {
        normalization: Normalization,
        elements: u32,
    }

    /// Of `f32/softmax.wgsl`.
    SoftmaxF32 {
        pixels: u32,
        quads: u32,
        channels: u32,
        beta: f32,
    }

    /// Of `int8/softmax.wgsl`.
    SoftmaxInt8 {
        pixels: u32,
        quads: u32,
        channels: u32,
    }

    /// Of `int8/quantize.wgsl`.
    Quantize {
        elements: u32,
        lowest: i32,
    }

    /// Of `f32/conv_transpose2d.wgsl`.
    ConvTranspose2dF32 {
        input_height: u32,
        input_width: u32,
        input_channels: u32,
        input_quads: u32,
        output_height: u32,
        output_width: u32,
        output_channels: u32,
        output_quads: u32,
        elements: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride_height: u32,
        stride_width: u32,
        crop_top: u32,
        crop_left: u32,
        activation: u32,
    }

    /// Of `int8/conv_transpose2d.wgsl`.
    ConvTranspose2dInt8 {
        input_height: u32,
        input_width: u32,
        input_channels: u32,
        input_quads: u32,
        output_height: u32,
        output_width: u32,
        output_quads: u32,
        elements: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride_height: u32,
        stride_width: u32,
        crop_top: u32,
        crop_left: u32,
        input_zero_point: i32,
        output_zero_point: i32,
        output_low: i32,
        output_high: i32,
    }

    /// Of `f32/arg_max.wgsl` and of `int8/arg_max.wgsl`.
    ArgMax {
        pixels: u32,
        quads: u32,
        channels: u32,
    }

    /// Of `f32/resize.wgsl`.
    ResizeF32 {
        input_height: u32,
        input_width: u32,
        quads: u32,
        output_height: u32,
        output_width: u32,
        elements: u32,
    }

    /// Of `int8/resize.wgsl`; `zero` is 0.
    ResizeInt8 {
        input_height: u32,
        input_width: u32,
        quads: u32,
        output_height: u32,
        output_width: u32,
        elements: u32,
        is_fixed_point: u32,
        zero: u32,
    }

    /// Of `moves/pad.wgsl`.
    Pad {
        input_height: u32,
        input_width: u32,
        quads: u32,
        output_height: u32,
        output_width: u32,
        elements: u32,
        top: u32,
        left: u32,
        fill: u32,
    }

    /// Of `moves/concat.wgsl`.
    Concat {
        input_height: u32,
        input_width: u32,
        input_channels: u32,
        input_quads: u32,
        output_height: u32,
        output_width: u32,
        output_quads: u32,
        first_row: u32,
        first_column: u32,
        first_channel: u32,
        box_quads: u32,
        elements: u32,
    }

    /// Of `moves/reshape.wgsl`.
    Reshape {
        input_channels: u32,
        input_quads: u32,
        output_channels: u32,
        output_quads: u32,
        elements: u32,
    }
}
