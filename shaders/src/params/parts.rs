//! What several params have in common, as structures within them.

use super::{Field, FieldType, ParamsLayout};

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
part!(Window Residual Scaling Average Normalization);

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

    /// How a scale of each channel multiplies int8 inputs: `snippets/scaling.wgsl`.
    Scaling {
        image_zero_point: i32,
        scale_zero_point: i32,
        mantissa: u32,
        shift_right: u32,
        zero_point: i32,
        low: i32,
        high: i32,
        unused_0: u32,
    }

    /// How int8 numbers are pooled: `snippets/average.wgsl`. `kind` is a number of
    /// [`pool_kind`](super::pool_kind).
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
}
