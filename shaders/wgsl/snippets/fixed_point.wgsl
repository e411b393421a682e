// 32-bit fixed-point steps, four lanes at a time, exactly those of `pocketvision_core::quant`.

// round(a * b / 2^31): half away from zero, but negative ties go up; the one product that
// overflows saturates.
//
// WGSL has no 64-bit integers: the magnitude of the product is built from 16-bit halves.
fn rounding_doubling_high_mul(a: vec4<i32>, b: vec4<i32>) -> vec4<i32> {
    let negative = (a < vec4<i32>(0)) != (b < vec4<i32>(0));
    let x = magnitude(a);
    let y = magnitude(b);
    let half_mask = vec4<u32>(0xffffu);
    let sixteen = vec4<u32>(16u);
    let x_low = x & half_mask;
    let x_high = x >> sixteen;
    let y_low = y & half_mask;
    let y_high = y >> sixteen;
    let low_low = x_low * y_low;
    let low_high = x_low * y_high;
    let high_low = x_high * y_low;
    let middle = (low_low >> sixteen) + (low_high & half_mask) + (high_low & half_mask);
    let low = (low_low & half_mask) | (middle << sixteen);
    let high = x_high * y_high + (low_high >> sixteen) + (high_low >> sixteen)
        + (middle >> sixteen);

    let half = vec4<u32>(1u << 30u) - select(vec4<u32>(0u), vec4<u32>(1u), negative);
    let rounded_low = low + half;
    let carry = select(vec4<u32>(0u), vec4<u32>(1u), rounded_low < low);
    let rounded = ((high + carry) << vec4<u32>(1u)) | (rounded_low >> vec4<u32>(31u));
    // 2^31 is only reached by the smallest integer squared.
    let positive = bitcast<vec4<i32>>(min(rounded, vec4<u32>(0x7fffffffu)));
    return select(positive, -bitcast<vec4<i32>>(rounded), negative);
}

fn magnitude(x: vec4<i32>) -> vec4<u32> {
    let bits = bitcast<vec4<u32>>(x);
    return select(bits, ~bits + vec4<u32>(1u), x < vec4<i32>(0));
}

// round(x / 2^exponent), half away from zero, for exponents 0 to 31.
fn rounding_divide_by_power_of_two(x: vec4<i32>, exponent: vec4<u32>) -> vec4<i32> {
    let mask = bitcast<vec4<i32>>((vec4<u32>(1u) << exponent) - vec4<u32>(1u));
    let negative = select(vec4<i32>(0), vec4<i32>(1), x < vec4<i32>(0));
    let threshold = (mask >> vec4<u32>(1u)) + negative;
    let round_up = select(vec4<i32>(0), vec4<i32>(1), (x & mask) > threshold);
    return (x >> exponent) + round_up;
}
