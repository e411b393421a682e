// Transposed convolution: each output pixel gathers what input pixels add to it. One invocation:
// one output pixel, four output channels. Needs epilogue.wgsl.

struct Params {
    input_height: u32,
    input_width: u32,
    input_channels: u32,
    input_quads: u32,
    output_height: u32,
    output_width: u32,
    output_channels: u32,
    output_quads: u32,
    elements: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_height: u32,
    stride_width: u32,
    crop_top: u32,
    crop_left: u32,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// [tap][input][output quad]
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
    if index >= params.elements {
        return;
    }
    let pixel = index / params.output_quads;
    let quad = index - pixel * params.output_quads;
    let line = pixel / params.output_width;
    let image = line / params.output_height;
    let y = line - image * params.output_height + params.crop_top;
    let x = pixel - line * params.output_width + params.crop_left;
    var sum = bias[quad];
    for (var tap_row = 0u; tap_row < min(params.kernel_height, y + 1u); tap_row++) {
        let row = (y - tap_row) / params.stride_height;
        if row * params.stride_height != y - tap_row || row >= params.input_height {
            continue;
        }
        for (var tap_column = 0u; tap_column < min(params.kernel_width, x + 1u); tap_column++) {
            let column = (x - tap_column) / params.stride_width;
            if column * params.stride_width != x - tap_column || column >= params.input_width {
                continue;
            }
            let source = ((image * params.input_height + row) * params.input_width + column)
                * params.input_quads;
            let tap = tap_row * params.kernel_width + tap_column;
            var at = tap * params.input_channels * params.output_quads + quad;
            for (var k = 0u; k < params.input_channels; k++) {
                sum += vec4<f32>(weight[at]) * f32(input[source + k / 4u][k % 4u]);
                at += params.output_quads;
            }
        }
    }
    let value = activate(params.activation, sum);
    output[index] = Stored(zero_padding(value, quad, params.output_channels));
}
