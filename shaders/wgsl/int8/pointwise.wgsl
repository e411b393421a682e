// 1x1 convolution of stride 1 of int8, and fully connected layers: a matrix product over all
// pixels. One invocation: four pixels, four output channels. Needs fixed_point.wgsl,
// requantize.wgsl and dot.wgsl.

struct Params {
    pixels: u32,
    input_quads: u32,
    output_quads: u32,
    weight_zero_point: i32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// [input quad][output quad]; component o holds the four weights of output channel o.
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
    let quad = index % params.output_quads;
    let first = index / params.output_quads * 4u;
    if first >= params.pixels {
        return;
    }
    // Pixels beyond the last are computed from the last and not stored.
    let pixel = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.pixels - 1u));
    let offset = pixel * params.input_quads;
    // Sums of weight * input, and of the inputs alone: sum((w - z) * x) = sum(w * x) - z * sum(x).
    var sum_0 = vec4<i32>(0);
    var sum_1 = vec4<i32>(0);
    var sum_2 = vec4<i32>(0);
    var sum_3 = vec4<i32>(0);
    var inputs = vec4<i32>(0);
    var at = quad;
    for (var k = 0u; k < params.input_quads; k++) {
        let w = weight[at];
        let x_0 = input[offset.x + k];
        let x_1 = input[offset.y + k];
        let x_2 = input[offset.z + k];
        let x_3 = input[offset.w + k];
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
        at += params.output_quads;
    }
    let correction = inputs * params.weight_zero_point;
    store(first, quad, sum_0 - correction.x);
    store(first + 1u, quad, sum_1 - correction.y);
    store(first + 2u, quad, sum_2 - correction.z);
    store(first + 3u, quad, sum_3 - correction.w);
}

fn store(pixel: u32, quad: u32, sum: vec4<i32>) {
    if pixel < params.pixels {
        output[pixel * params.output_quads + quad] = requantize(
            sum + channels[quad].bias,
            channels[quad].multiplier,
            params.output_zero_point,
            params.output_low,
            params.output_high,
        );
    }
}
