// The same numbers in the same order with another number of channels, where padding to whole
// quads moves them. One invocation: four channels of one output pixel. Needs quad_f32.wgsl or
// quad_int8.wgsl.

struct Params {
    input_channels: u32,
    input_quads: u32,
    output_channels: u32,
    output_quads: u32,
    elements: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Quad>;
@group(0) @binding(2) var<storage, read_write> output: array<Quad>;

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
    let first = pixel * params.output_channels + 4u * quad;
    // Lanes beyond the last channel repeat a real number.
    let last = pixel * params.output_channels + params.output_channels - 1u;
    output[index] = quad_of(
        number(min(first, last)),
        number(min(first + 1u, last)),
        number(min(first + 2u, last)),
        number(min(first + 3u, last)),
    );
}

fn number(position: u32) -> Lane {
    let pixel = position / params.input_channels;
    let channel = position - pixel * params.input_channels;
    return lane(input[pixel * params.input_quads + channel / 4u], channel % 4u);
}
