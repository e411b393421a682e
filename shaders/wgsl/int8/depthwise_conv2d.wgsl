// 2-D convolution of each int8 channel with one filter of its own. One invocation: a run of
// TILE_PIXELS output pixels, four channels; neighbours may load for each other. Needs
// fixed_point.wgsl, requantize.wgsl, window.wgsl, run.wgsl, filter_row.wgsl, depthwise_int8.wgsl and
// look_up.wgsl.

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
    let place = index % LOADERS;
    let quad = index / LOADERS % params.window.output_quads;
    let number = index / LOADERS / params.window.output_quads * LOADERS + place;
    // Of neighbours that load for each other none may leave.
    if LOADERS == 1u && number >= run_count() {
        return;
    }
    let run = run_of(number);
    convolve_depthwise(run, quad, place);
    let first = first_pixel(run);
    let end = select(0u, params.window.output_width - run.column, number < run_count());
    var results = run_sums;
    for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled for fours
        if p < end {
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
