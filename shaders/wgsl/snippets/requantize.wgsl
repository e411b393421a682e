// From 32-bit sums to int8. Needs fixed_point.wgsl.

// `pocketvision_core::quant::Multiplier` for four channels: shift left, multiply by
// mantissa / 2^31, divide by a power of two, rounding after each of the last two.
struct Multiplier {
    mantissa: vec4<i32>,
    shift_left: vec4<u32>,
    shift_right: vec4<u32>,
}

// What turns the sums of four output channels into int8.
struct OutputChannels {
    // Less what the zero point of the input adds to the sum of weight * input.
    bias: vec4<i32>,
    multiplier: Multiplier,
}

fn multiply(x: vec4<i32>, multiplier: Multiplier) -> vec4<i32> {
    let product = rounding_doubling_high_mul(x << multiplier.shift_left, multiplier.mantissa);
    return rounding_divide_by_power_of_two(product, multiplier.shift_right);
}

fn splat_multiplier(mantissa: i32, shift_left: u32, shift_right: u32) -> Multiplier {
    return Multiplier(vec4<i32>(mantissa), vec4<u32>(shift_left), vec4<u32>(shift_right));
}

fn requantize(
    sum: vec4<i32>,
    multiplier: Multiplier,
    zero_point: i32,
    low: i32,
    high: i32,
) -> u32 {
    return pack4xI8(place(multiply(sum, multiplier), zero_point, low, high));
}

// x + zero_point within low and high, without overflow on the way.
fn place(x: vec4<i32>, zero_point: i32, low: i32, high: i32) -> vec4<i32> {
    return clamp(x, vec4<i32>(low - zero_point), vec4<i32>(high - zero_point)) + zero_point;
}
