// 2-D convolution in groups, and depthwise convolution with several filters a channel. One
// invocation: one output pixel, four output channels, each reading its own group's inputs
// one by one.

struct Params {
    window: Window,
    group_inputs: u32,
    group_outputs: u32,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// [tap][input of the group][output quad]
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

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
    var sum = bias[quad];
    var at = quad;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        for (var tap_column = 0u; tap_column < params.window.kernel_width; tap_column++) {
            let taps = four_taps(pixels, tap_row, tap_column);
            for (var k = 0u; k < params.group_inputs; k++) {
                if taps.inside.x {
                    let x = vec4<f32>(
                        one_input(taps.offset.x, first_input.x + k),
                        one_input(taps.offset.x, first_input.y + k),
                        one_input(taps.offset.x, first_input.z + k),
                        one_input(taps.offset.x, first_input.w + k),
                    );
                    sum += vec4<f32>(weight[at]) * x;
                }
                at += params.window.output_quads;
            }
        }
    }
    let value = activate(params.activation, sum);
    output[pixel * params.window.output_quads + quad] =
        Stored(zero_padding(value, quad, params.window.output_channels));
}

fn one_input(offset: u32, channel: u32) -> f32 {
    return f32(input[offset + channel / 4u][channel % 4u]);
}
