// Dense 2-D convolution of int8. One invocation: four output pixels, four output channels. Needs
// fixed_point.wgsl, requantize.wgsl and dot.wgsl.

struct Params {
    window: Window,
    input_zero_point: i32,
    weight_zero_point: i32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// [tap][input quad][output quad]; component o holds the four weights of output channel o.
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> channels: array<OutputChannels>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;

// Whether `weight_zero_point` may be other than 0: symmetric weights skip a sum.
override HAS_WEIGHT_ZERO_POINT: bool = true;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    let quad = index % params.window.output_quads;
    let first = index / params.window.output_quads * 4u;
    if first >= params.window.pixels {
        return;
    }
    let pixels = four_pixels(first);
    let zero = pack4xI8(vec4<i32>(params.input_zero_point));
    // Sums of weight * input, and of the inputs alone: sum((w - z) * x) = sum(w * x) - z * sum(x).
    var sum_0 = vec4<i32>(0);
    var sum_1 = vec4<i32>(0);
    var sum_2 = vec4<i32>(0);
    var sum_3 = vec4<i32>(0);
    var inputs = vec4<i32>(0);
    var at = quad;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        for (var tap_column = 0u; tap_column < params.window.kernel_width; tap_column++) {
            let taps = four_taps(pixels, tap_row, tap_column);
            for (var k = 0u; k < params.window.input_quads; k++) {
                let w = weight[at];
                let x_0 = select(zero, input[taps.offset.x + k], taps.inside.x);
                let x_1 = select(zero, input[taps.offset.y + k], taps.inside.y);
                let x_2 = select(zero, input[taps.offset.z + k], taps.inside.z);
                let x_3 = select(zero, input[taps.offset.w + k], taps.inside.w);
                sum_0 += dot_four_channels(x_0, w);
                sum_1 += dot_four_channels(x_1, w);
                sum_2 += dot_four_channels(x_2, w);
                sum_3 += dot_four_channels(x_3, w);
                if HAS_WEIGHT_ZERO_POINT {
                    inputs += vec4<i32>(
                        sum_of_lanes(x_0),
                        sum_of_lanes(x_1),
                        sum_of_lanes(x_2),
                        sum_of_lanes(x_3),
                    );
                }
                at += params.window.output_quads;
            }
        }
    }
    let correction = inputs * params.weight_zero_point;
    store(first, quad, sum_0 - correction.x);
    store(first + 1u, quad, sum_1 - correction.y);
    store(first + 2u, quad, sum_2 - correction.z);
    store(first + 3u, quad, sum_3 - correction.w);
}

fn store(pixel: u32, quad: u32, sum: vec4<i32>) {
    if pixel < params.window.pixels {
        output[pixel * params.window.output_quads + quad] = requantize(
            sum + channels[quad].bias,
            channels[quad].multiplier,
            params.output_zero_point,
            params.output_low,
            params.output_high,
        );
    }
}
