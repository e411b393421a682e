// The product of an int8 tensor and a scale of each channel, exactly as
// `pocketvision_core::quant::QuantizedMul` has it where its multiplier is below 1. Needs
// fixed_point.wgsl and requantize.wgsl.

// 8 words, so that fields may follow in a uniform.
struct Scaling {
    image_zero_point: i32,
    scale_zero_point: i32,
    mantissa: u32,
    shift_right: u32,
    zero_point: i32,
    low: i32,
    high: i32,
    unused_0: u32,
}

// `factor` is the scale less its zero point.
//
// A product of two bytes has 16 bits, so what `rounding_doubling_high_mul` does takes two
// multiplications: the lowest 16 bits of the product with the mantissa only tell a negative tie.
fn scaled(quad: u32, factor: vec4<i32>) -> u32 {
    let product = (unpack4xI8(quad) - params.scaling.image_zero_point) * factor;
    let negative = product < vec4<i32>(0);
    let x = bitcast<vec4<u32>>(abs(product));
    let low = x * (params.scaling.mantissa & 0xffffu);
    let high = x * (params.scaling.mantissa >> 16u) + (low >> vec4<u32>(16u));
    let is_exact = (low & vec4<u32>(0xffffu)) == vec4<u32>(0u);
    let half = vec4<u32>(1u << 14u) - select(vec4<u32>(0u), vec4<u32>(1u), negative & is_exact);
    let rounded = bitcast<vec4<i32>>((high + half) >> vec4<u32>(15u));
    let value = rounding_divide_by_power_of_two(
        select(rounded, -rounded, negative),
        vec4<u32>(params.scaling.shift_right),
    );
    return pack4xI8(
        place(value, params.scaling.zero_point, params.scaling.low, params.scaling.high),
    );
}
