// A border around each image. One invocation: four channels of one output pixel. Needs
// quad_f32.wgsl or quad_int8.wgsl.

struct Params {
    input_height: u32,
    input_width: u32,
    quads: u32,
    output_height: u32,
    output_width: u32,
    elements: u32,
    top: u32,
    left: u32,
    // What the border holds: one word of four bytes, or the bits of a float.
    fill: u32,
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
    let pixel = index / params.quads;
    let quad = index - pixel * params.quads;
    let line = pixel / params.output_width;
    let image = line / params.output_height;
    // Positions before the image wrap around to beyond its end.
    let column = pixel - line * params.output_width - params.left;
    let row = line - image * params.output_height - params.top;
    var value = quad_of_word(params.fill);
    if row < params.input_height && column < params.input_width {
        let line_in = image * params.input_height + row;
        value = input[(line_in * params.input_width + column) * params.quads + quad];
    }
    output[index] = value;
}
