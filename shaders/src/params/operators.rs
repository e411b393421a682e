//! The params of operators without weights that compute.

use super::{Average, Field, FieldType, Normalization, ParamsLayout, Window};

params! {
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
}
