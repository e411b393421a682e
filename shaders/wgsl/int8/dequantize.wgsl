// From int8 or uint8 to f32, looked up. One invocation: four channels of one pixel.

struct Params {
    elements: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// The real number of each byte as stored.
@group(0) @binding(2) var<storage, read> table: array<f32, 256>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    if index < params.elements {
        let bytes = unpack4xU8(input[index]);
        output[index] =
            Stored(vec4<f32>(table[bytes.x], table[bytes.y], table[bytes.z], table[bytes.w]));
    }
}
