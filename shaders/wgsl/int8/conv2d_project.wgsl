// Dense 2-D convolution of int8 and the 1x1 convolution that alone reads it, fused. One
// workgroup: tile_runs runs of TILE_PIXELS output pixels, all channels; what lies between the
// two never leaves its memory. Needs fixed_point.wgsl, requantize.wgsl, dot.wgsl, window.wgsl,
// run.wgsl, sums_int8.wgsl, conv_int8.wgsl, look_up.wgsl, residual.wgsl and project_int8.wgsl.

struct Params {
    // Of the first convolution: its outputs are the hidden channels.
    window: Window,
    residual: Residual,
    input_zero_point: i32,
    weight_zero_point: i32,
    hidden_zero_point: i32,
    hidden_low: i32,
    hidden_high: i32,
    tile_runs: u32,
    project_at: u32,
    project_quads: u32,
    project_weight_zero_point: i32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// Tiles of the first, [tap][input quad][hidden quad], and from project_at on of the second.
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
// Of the hidden quads, then of the output quads.
@group(0) @binding(3) var<storage, read> channels: array<OutputChannels>;
// Read if it is added.
@group(0) @binding(4) var<storage, read> residual: array<u32>;
// Of the functions between the two; read if HAS_TABLE.
@group(0) @binding(5) var<storage, read> table: array<u32>;
@group(0) @binding(6) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first_run = linear_workgroup(workgroup, workgroups) * params.tile_runs;
    let blocks = quad_blocks(params.window.output_quads);
    for (var item = local; item < params.tile_runs * blocks; item += WORKGROUP_SIZE) {
        let first_quad = item % blocks * TILE_QUADS;
        let number = item / blocks;
        convolve(run_of(first_run + number), first_quad, 0u, 1u, 0u);
        var results = sums;
        for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) {
            hide(number * TILE_PIXELS + i / TILE_QUADS, first_quad + i % TILE_QUADS, results[i]);
        }
    }
    workgroupBarrier();
    project(first_run, local);
}
