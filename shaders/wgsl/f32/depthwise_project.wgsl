// Depthwise convolution and the 1x1 convolution that alone reads it, fused. One
// workgroup: tile_runs runs of TILE_PIXELS output pixels, all channels; what lies between the
// two never leaves its memory. Needs window.wgsl, run.wgsl, weights_f32.wgsl, sums_f32.wgsl,
// source_f32.wgsl, depthwise_f32.wgsl, epilogue.wgsl and project_f32.wgsl.

struct Params {
    // Of the first convolution: its outputs are the hidden channels.
    window: Window,
    depthwise_at: u32,
    hidden_activation: u32,
    tile_runs: u32,
    project_at: u32,
    project_quads: u32,
    project_channels: u32,
    activation: u32,
    has_residual: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// Of the first from depthwise_at on, [tap][quad], and of the second from project_at on,
// [input quad][output quad].
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
// Of the hidden quads, then of the output quads.
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
// Read if has_residual.
@group(0) @binding(4) var<storage, read> residual: array<Stored>;
@group(0) @binding(5) var<storage, read_write> output: array<Stored>;

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
