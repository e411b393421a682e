// 2-D convolution of int8 in groups, and depthwise convolution with several filters a channel.
// One invocation: one output pixel, four output channels, each reading its own group's inputs
// one by one. Needs fixed_point.wgsl and requantize.wgsl.

struct Params {
    window: Window,
    group_inputs: u32,
    group_outputs: u32,
    input_zero_point: i32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// [tap][input of the group][output quad], zero point subtracted.
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
    let quad = index % params.window.output_quads;
    let pixel = index / params.window.output_quads;
    if pixel >= params.window.pixels {
        return;
    }
    let pixels = four_pixels(pixel);
    // Lanes beyond the last channel compute the last one again.
    let channel = min(
        vec4<u32>(4u * quad) + vec4<u32>(0u, 1u, 2u, 3u),
        vec4<u32>(params.window.output_channels - 1u),
    );
    let first_input = channel / params.group_outputs * params.group_inputs;
    var sum = channels[quad].bias;
    var at = quad;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        for (var tap_column = 0u; tap_column < params.window.kernel_width; tap_column++) {
            let taps = four_taps(pixels, tap_row, tap_column);
            for (var k = 0u; k < params.group_inputs; k++) {
                var x = vec4<i32>(params.input_zero_point);
                if taps.inside.x {
                    x = vec4<i32>(
                        one_input(taps.offset.x, first_input.x + k),
                        one_input(taps.offset.x, first_input.y + k),
                        one_input(taps.offset.x, first_input.z + k),
                        one_input(taps.offset.x, first_input.w + k),
                    );
                }
                sum += weight[at] * x;
                at += params.window.output_quads;
            }
        }
    }
    output[pixel * params.window.output_quads + quad] = requantize(
        sum,
        channels[quad].multiplier,
        params.output_zero_point,
        params.output_low,
        params.output_high,
    );
}

fn one_input(offset: u32, channel: u32) -> i32 {
    return unpack4xI8(input[offset + channel / 4u])[channel % 4u];
}
