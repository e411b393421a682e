// The average of int8 numbers from their sum. Needs fixed_point.wgsl and requantize.wgsl.

const KIND_MAX: u32 = 0u;
// An average whose halves go away from zero.
const KIND_AVERAGE_AWAY: u32 = 1u;
// An average whose halves go up.
const KIND_AVERAGE_UP: u32 = 2u;
// An average that is rescaled to the output.
const KIND_MEAN: u32 = 3u;

// 8 words, so that fields may follow in a uniform.
struct Average {
    kind: u32,
    zero_sum: i32,
    mantissa: i32,
    shift_left: u32,
    shift_right: u32,
    zero_point: i32,
    unused_0: u32,
    unused_1: u32,
}

fn average(kind: Average, sum: vec4<i32>, count: i32) -> u32 {
    var value = sum;
    switch kind.kind {
        case KIND_AVERAGE_AWAY: {
            let half = vec4<i32>(count / 2);
            value = (sum + select(-half, half, sum > vec4<i32>(0))) / vec4<i32>(max(count, 1));
        }
        case KIND_AVERAGE_UP: {
            value = floor_divide(sum + vec4<i32>(count / 2), max(count, 1));
        }
        default: {
            let multiplier = splat_multiplier(kind.mantissa, kind.shift_left, kind.shift_right);
            value = place(multiply(sum - kind.zero_sum, multiplier), kind.zero_point, -128, 127);
        }
    }
    return pack4xI8(clamp(value, vec4<i32>(-128), vec4<i32>(127)));
}

fn floor_divide(x: vec4<i32>, divisor: i32) -> vec4<i32> {
    let quotient = x / vec4<i32>(divisor);
    let below = quotient * divisor > x;
    return quotient - select(vec4<i32>(0), vec4<i32>(1), below);
}
