// Dense 2-D convolution and the 1x1 convolution that alone reads it, fused. One
// workgroup: tile_runs runs of TILE_PIXELS output pixels, all channels; what lies between the
// two never leaves its memory. Needs window.wgsl, run.wgsl, normalization.wgsl, one of
// input_f32.wgsl, input_colors.wgsl and input_pixels.wgsl, weights_f32.wgsl, sums_f32.wgsl,
// conv_f32.wgsl, epilogue.wgsl and project_f32.wgsl.

struct Params {
    // Of the first convolution: its outputs are the hidden channels.
    window: Window,
    // Read if the input is pixels.
    normalization: Normalization,
    hidden_activation: u32,
    tile_runs: u32,
    project_at: u32,
    project_quads: u32,
    project_channels: u32,
    activation: u32,
    has_residual: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Input>;
// Of the first, [tap][input quad][hidden quad], and from project_at on of the second.
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
