// Any function of one byte, looked up: activations, changes of scale, zero point or
// signedness. One invocation: four channels of one pixel.

struct Params {
    elements: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// 256 bytes by the input's byte as stored, four to a word, least significant first.
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
        let bytes = unpack4xU8(input[index]);
        output[index] = pack4xU8(
            vec4<u32>(look_up(bytes.x), look_up(bytes.y), look_up(bytes.z), look_up(bytes.w)),
        );
    }
}

fn look_up(byte: u32) -> u32 {
    return (table[byte / 4u] >> (8u * (byte % 4u))) & 0xffu;
}
