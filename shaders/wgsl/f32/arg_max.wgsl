// Index of the largest channel of each pixel, as a byte; the first of equal ones. One
// invocation: one pixel.

struct Params {
    pixels: u32,
    quads: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let pixel = linear_invocation(workgroup, workgroups, local);
    if pixel >= params.pixels {
        return;
    }
    let first = pixel * params.quads;
    var best = 0u;
    var largest = f32(input[first].x);
    for (var quad = 0u; quad < params.quads; quad++) {
        let x = vec4<f32>(input[first + quad]);
        let lanes = min(params.channels - 4u * quad, 4u);
        for (var lane = 0u; lane < lanes; lane++) {
            if x[lane] > largest {
                largest = x[lane];
                best = 4u * quad + lane;
            }
        }
    }
    output[pixel] = best;
}
