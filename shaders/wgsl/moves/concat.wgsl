// One of the tensors that are put side by side: writes its box of the output and leaves the
// rest. One invocation: four channels of one output pixel inside the box. Needs quad_f32.wgsl
// or quad_int8.wgsl.

struct Params {
    input_height: u32,
    input_width: u32,
    input_channels: u32,
    input_quads: u32,
    output_height: u32,
    output_width: u32,
    output_quads: u32,
    // Where the box begins.
    first_row: u32,
    first_column: u32,
    first_channel: u32,
    // Output quads that the box touches at each pixel, and all of them together.
    box_quads: u32,
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
    let pixel = index / params.box_quads;
    let quad = params.first_channel / 4u + index - pixel * params.box_quads;
    let line = pixel / params.input_width;
    let image = line / params.input_height;
    let row = line - image * params.input_height + params.first_row;
    let column = pixel - line * params.input_width + params.first_column;
    let line_out = image * params.output_height + row;
    let at = (line_out * params.output_width + column) * params.output_quads + quad;
    let old = output[at];
    output[at] = quad_of(
        choose(pixel, 4u * quad, lane(old, 0u)),
        choose(pixel, 4u * quad + 1u, lane(old, 1u)),
        choose(pixel, 4u * quad + 2u, lane(old, 2u)),
        choose(pixel, 4u * quad + 3u, lane(old, 3u)),
    );
}

// The input's number at an output channel, or the old one outside the box.
fn choose(pixel: u32, output_channel: u32, old: Lane) -> Lane {
    // Channels before the box wrap around to beyond its end.
    let channel = output_channel - params.first_channel;
    if channel >= params.input_channels {
        return old;
    }
    return lane(input[pixel * params.input_quads + channel / 4u], channel % 4u);
}
