// 2-D convolution of each int8 channel with one filter of its own. One invocation: four
// output pixels, four channels. Needs fixed_point.wgsl and requantize.wgsl.

struct Params {
    window: Window,
    input_zero_point: i32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// [tap][quad], zero point subtracted.
@group(0) @binding(2) var<storage, read> weight: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read> channels: array<OutputChannels>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    let quad = index % params.window.input_quads;
    let first = index / params.window.input_quads * 4u;
    if first >= params.window.pixels {
        return;
    }
    let pixels = four_pixels(first);
    let zero = vec4<i32>(params.input_zero_point);
    var sum_0 = vec4<i32>(0);
    var sum_1 = vec4<i32>(0);
    var sum_2 = vec4<i32>(0);
    var sum_3 = vec4<i32>(0);
    var at = quad;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        for (var tap_column = 0u; tap_column < params.window.kernel_width; tap_column++) {
            let taps = four_taps(pixels, tap_row, tap_column);
            let w = weight[at];
            sum_0 += w * select(zero, unpack4xI8(input[taps.offset.x + quad]), taps.inside.x);
            sum_1 += w * select(zero, unpack4xI8(input[taps.offset.y + quad]), taps.inside.y);
            sum_2 += w * select(zero, unpack4xI8(input[taps.offset.z + quad]), taps.inside.z);
            sum_3 += w * select(zero, unpack4xI8(input[taps.offset.w + quad]), taps.inside.w);
            at += params.window.input_quads;
        }
    }
    store(first, quad, sum_0);
    store(first + 1u, quad, sum_1);
    store(first + 2u, quad, sum_2);
    store(first + 3u, quad, sum_3);
}

fn store(pixel: u32, quad: u32, sum: vec4<i32>) {
    if pixel < params.window.pixels {
        output[pixel * params.window.input_quads + quad] = requantize(
            sum + channels[quad].bias,
            channels[quad].multiplier,
            params.output_zero_point,
            params.output_low,
            params.output_high,
        );
    }
}
