//! The params of layers that are computed together.

use super::{Average, Field, FieldType, Normalization, ParamsLayout, Residual, Window};

params! {
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

    /// Of `f32/depthwise_pool.wgsl`.
    DepthwisePoolF32 {
        window: Window,
        depthwise_at: u32,
        activation: u32,
        bands: u32,
    }

    /// Of `f32/squeeze.wgsl`.
    SqueezeF32 {
        images: u32,
        bands: u32,
        quads: u32,
        squeezed_quads: u32,
        squeezed_channels: u32,
        per_pixel: f32,
        activation: u32,
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

    /// Of `int8/squeeze_excite.wgsl`. `pixels` are those of one image.
    SqueezeExciteInt8 {
        average: Average,
        images: u32,
        pixels: u32,
        quads: u32,
        squeezed_quads: u32,
        squeeze_weight_zero_point: i32,
        squeeze_zero_point: i32,
        gate_at: u32,
        gate_weight_zero_point: i32,
        gate_zero_point: i32,
    }
}
