// Any function of one byte, looked up: activations, changes of scale, zero point or
// signedness. One invocation: four channels of one pixel. Needs look_up.wgsl.

struct Params {
    elements: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<u32, 64>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    if index < params.elements {
        output[index] = look_up(0u, input[index]);
    }
}
