// Images at another size: each number from the four that it lies between. One invocation: one
// output pixel, four channels.

struct Params {
    input_height: u32,
    input_width: u32,
    quads: u32,
    output_height: u32,
    output_width: u32,
    elements: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// Of each row and column of the output: the one before, the one after, the share of the latter.
@group(0) @binding(2) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> columns: array<vec4<u32>>;
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
    let pixel = index / params.quads;
    let quad = index - pixel * params.quads;
    let line = pixel / params.output_width;
    let column = columns[pixel - line * params.output_width];
    let image = line / params.output_height;
    let row = rows[line - image * params.output_height];
    let upper = (image * params.input_height + row.x) * params.input_width;
    let lower = (image * params.input_height + row.y) * params.input_width;
    let down = bitcast<f32>(row.z);
    let right = bitcast<f32>(column.z);
    let left_side = vec4<f32>(input[(upper + column.x) * params.quads + quad]) * (1.0 - down)
        + vec4<f32>(input[(lower + column.x) * params.quads + quad]) * down;
    let right_side = vec4<f32>(input[(upper + column.y) * params.quads + quad]) * (1.0 - down)
        + vec4<f32>(input[(lower + column.y) * params.quads + quad]) * down;
    output[index] = Stored(left_side * (1.0 - right) + right_side * right);
}
