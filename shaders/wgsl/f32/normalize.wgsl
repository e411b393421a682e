// A picture's bytes as normalized floats. One invocation: a pixel. Needs normalization.wgsl and
// input_pixels.wgsl.

struct Params {
    normalization: Normalization,
    elements: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Input>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    if index < params.elements {
        output[index] = Stored(load(index));
    }
}
