// From f32 to int8 or uint8, exactly as the host rounds it: the host finds the smallest float
// that becomes each integer, the shader counts how many of these thresholds a number reaches.
// A division here might differ from the host's in its last bit. One invocation: four channels
// of one pixel.

struct Params {
    elements: u32,
    // The smallest integer that the output holds.
    lowest: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// The smallest float that becomes `lowest + i`, rising; entry 0 is not read.
@group(0) @binding(2) var<storage, read> thresholds: array<f32, 256>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    if index < params.elements {
        let x = vec4<f32>(input[index]);
        let steps = vec4<i32>(reached(x.x), reached(x.y), reached(x.z), reached(x.w));
        output[index] = pack4xI8(steps + vec4<i32>(params.lowest));
    }
}

// The index of the last threshold that is not above x, by bisection.
fn reached(x: f32) -> i32 {
    var steps = 0u;
    for (var bit = 128u; bit > 0u; bit /= 2u) {
        if thresholds[steps + bit] <= x {
            steps += bit;
        }
    }
    return i32(steps);
}
