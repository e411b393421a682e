// 1x1 convolution of stride 1, and fully connected layers: a matrix product over all pixels.
// One invocation: four pixels, four output channels.

struct Params {
    pixels: u32,
    input_quads: u32,
    output_quads: u32,
    output_channels: u32,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>;
// [input quad][output quad]; column i holds what input lane i adds to four outputs.
@group(0) @binding(2) var<storage, read> weight: array<mat4x4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;

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
    var sum_0 = bias[quad];
    var sum_1 = sum_0;
    var sum_2 = sum_0;
    var sum_3 = sum_0;
    var at = quad;
    for (var k = 0u; k < params.input_quads; k++) {
        let w = weight[at];
        sum_0 += w * input[offset.x + k];
        sum_1 += w * input[offset.y + k];
        sum_2 += w * input[offset.z + k];
        sum_3 += w * input[offset.w + k];
        at += params.output_quads;
    }
    store(first, quad, sum_0);
    store(first + 1u, quad, sum_1);
    store(first + 2u, quad, sum_2);
    store(first + 3u, quad, sum_3);
}

fn store(pixel: u32, quad: u32, sum: vec4<f32>) {
    if pixel < params.pixels {
        let value = activate(params.activation, sum);
        output[pixel * params.output_quads + quad] =
            zero_padding(value, quad, params.output_channels);
    }
}
