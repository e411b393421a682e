// The sum of an int8 convolution's result and another tensor, exactly as
// `pocketvision_core::quant::QuantizedAdd` has it. Needs fixed_point.wgsl and requantize.wgsl.

// 12 words, so that fields may follow in a uniform.
struct Residual {
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

fn with_residual(own: u32, other: u32) -> u32 {
    let own_multiplier =
        splat_multiplier(params.residual.own_mantissa, 0u, params.residual.own_shift_right);
    let multiplier =
        splat_multiplier(params.residual.mantissa, 0u, params.residual.shift_right);
    let headroom = vec4<u32>(20u);
    let own_real = (unpack4xI8(own) - params.residual.own_zero_point) << headroom;
    let other_real = (unpack4xI8(other) - params.residual.zero_point) << headroom;
    return requantize(
        multiply(own_real, own_multiplier) + multiply(other_real, multiplier),
        splat_multiplier(params.residual.sum_mantissa, 0u, params.residual.sum_shift_right),
        params.residual.sum_zero_point,
        params.residual.sum_low,
        params.residual.sum_high,
    );
}
