// 2-D convolution of each int8 channel with one filter of its own. One invocation: a run of
// TILE_PIXELS output pixels, four channels. Needs fixed_point.wgsl, requantize.wgsl,
// window.wgsl, run.wgsl, depthwise_int8.wgsl and look_up.wgsl.

struct Params {
    window: Window,
    depthwise_at: u32,
    input_zero_point: i32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// [tap][quad], zero point subtracted.
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> channels: array<OutputChannels>;
// Of the functions that follow; read if HAS_TABLE.
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    let quad = index % params.window.output_quads;
    if index / params.window.output_quads >= run_count() {
        return;
    }
    let run = run_of(index / params.window.output_quads);
    convolve_depthwise(run, quad);
    let first = first_pixel(run);
    var results = run_sums;
    for (var p = 0u; p < TILE_PIXELS; p++) {
        if run.column + p < params.window.output_width {
            output[(first + p) * params.window.output_quads + quad] = followed(requantize(
                results[p] + channels[quad].bias,
                channels[quad].multiplier,
                params.output_zero_point,
                params.output_low,
                params.output_high,
            ));
        }
    }
}
