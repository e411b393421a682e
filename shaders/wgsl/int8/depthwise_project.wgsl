// Depthwise convolution of int8 and the 1x1 convolution that alone reads it, fused. One
// workgroup: tile_runs runs of TILE_PIXELS output pixels, all channels; what lies between the
// two never leaves its memory. Needs fixed_point.wgsl, requantize.wgsl, dot.wgsl, window.wgsl,
// run.wgsl, sums_int8.wgsl, depthwise_int8.wgsl, look_up.wgsl, residual.wgsl and
// project_int8.wgsl.

struct Params {
    // Of the first convolution: its outputs are the hidden channels.
    window: Window,
    residual: Residual,
    input_zero_point: i32,
    depthwise_at: u32,
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
// Quads of the first from depthwise_at on, [tap][quad], zero point subtracted, and tiles of the
// second from project_at on.
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
    let quads = params.window.output_quads;
    for (var item = local; item < params.tile_runs * quads; item += WORKGROUP_SIZE) {
        let quad = item % quads;
        let number = item / quads;
        convolve_depthwise(run_of(first_run + number), quad, 0u);
        var results = run_sums;
        for (var p = 0u; p < TILE_PIXELS; p++) {
            hide(number * TILE_PIXELS + p, quad, results[p]);
        }
    }
    workgroupBarrier();
    project(first_run, local);
}
