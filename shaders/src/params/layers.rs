//! The params of layers with weights, each alone.

use super::{Field, FieldType, Normalization, ParamsLayout, Residual, Scaling, Window};

params! {
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

    /// Of `int8/product.wgsl`. `pixels` are those of one image.
    ProductInt8 {
        scaling: Scaling,
        residual: Residual,
        pixels: u32,
        images: u32,
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
}
