// 2-D convolution of each channel with one filter of its own. One invocation: four output
// pixels, four channels.

struct Params {
    window: Window,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>;
// [tap][quad]
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;

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
    let zero = vec4<f32>(0.0);
    var sum_0 = bias[quad];
    var sum_1 = sum_0;
    var sum_2 = sum_0;
    var sum_3 = sum_0;
    var at = quad;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        for (var tap_column = 0u; tap_column < params.window.kernel_width; tap_column++) {
            let taps = four_taps(pixels, tap_row, tap_column);
            let w = weight[at];
            sum_0 += w * select(zero, input[taps.offset.x + quad], taps.inside.x);
            sum_1 += w * select(zero, input[taps.offset.y + quad], taps.inside.y);
            sum_2 += w * select(zero, input[taps.offset.z + quad], taps.inside.z);
            sum_3 += w * select(zero, input[taps.offset.w + quad], taps.inside.w);
            at += params.window.input_quads;
        }
    }
    store(first, quad, sum_0);
    store(first + 1u, quad, sum_1);
    store(first + 2u, quad, sum_2);
    store(first + 3u, quad, sum_3);
}

fn store(pixel: u32, quad: u32, sum: vec4<f32>) {
    if pixel < params.window.pixels {
        output[pixel * params.window.input_quads + quad] = activate(params.activation, sum);
    }
}
