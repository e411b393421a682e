// Average, maximum or rescaled mean of a sliding window over int8; padded positions do not
// count. One invocation: one output pixel, four channels. Needs fixed_point.wgsl and
// requantize.wgsl.

struct Params {
    window: Window,
    kind: u32,
    zero_sum: i32,
    mantissa: i32,
    shift_left: u32,
    shift_right: u32,
    output_zero_point: i32,
}

const KIND_MAX: u32 = 0u;
// An average whose halves go away from zero.
const KIND_AVERAGE_AWAY: u32 = 1u;
// An average whose halves go up.
const KIND_AVERAGE_UP: u32 = 2u;
const KIND_MEAN: u32 = 3u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    let quad = index % params.window.input_quads;
    let pixel = index / params.window.input_quads;
    if pixel >= params.window.pixels {
        return;
    }
    let pixels = four_pixels(pixel);
    var sum = vec4<i32>(0);
    var largest = vec4<i32>(-128);
    var count = 0;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        for (var tap_column = 0u; tap_column < params.window.kernel_width; tap_column++) {
            let taps = four_taps(pixels, tap_row, tap_column);
            if taps.inside.x {
                let x = unpack4xI8(input[taps.offset.x + quad]);
                sum += x;
                largest = max(largest, x);
                count += 1;
            }
        }
    }
    var value = largest;
    switch params.kind {
        case KIND_AVERAGE_AWAY: {
            let half = vec4<i32>(count / 2);
            value = (sum + select(-half, half, sum > vec4<i32>(0))) / vec4<i32>(max(count, 1));
        }
        case KIND_AVERAGE_UP: {
            value = floor_divide(sum + vec4<i32>(count / 2), max(count, 1));
        }
        case KIND_MEAN: {
            let multiplier =
                splat_multiplier(params.mantissa, params.shift_left, params.shift_right);
            let mean = multiply(sum - params.zero_sum, multiplier);
            value = place(mean, params.output_zero_point, -128, 127);
        }
        default: {
        }
    }
    output[index] = pack4xI8(clamp(value, vec4<i32>(-128), vec4<i32>(127)));
}

fn floor_divide(x: vec4<i32>, divisor: i32) -> vec4<i32> {
    let quotient = x / vec4<i32>(divisor);
    let below = quotient * divisor > x;
    return quotient - select(vec4<i32>(0), vec4<i32>(1), below);
}
