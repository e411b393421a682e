// Sum or product of two tensors; a dimension of 1 is repeated. One invocation: four channels
// of one output pixel. Needs broadcast.wgsl.

struct Params {
    // Of images, rows, columns and quads.
    a_strides: vec4<u32>,
    b_strides: vec4<u32>,
    output_height: u32,
    output_width: u32,
    output_quads: u32,
    elements: u32,
    a_repeats_channel: u32,
    b_repeats_channel: u32,
    is_product: u32,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Stored>;
@group(0) @binding(2) var<storage, read> b: array<Stored>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored>;

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
    let at = operands_of(index);
    var x = vec4<f32>(a[at.x]);
    var y = vec4<f32>(b[at.y]);
    if params.a_repeats_channel != 0u {
        x = x.xxxx;
    }
    if params.b_repeats_channel != 0u {
        y = y.xxxx;
    }
    var value = x + y;
    if params.is_product != 0u {
        value = x * y;
    }
    output[index] = Stored(activate(params.activation, value));
}
