// 2-D convolution of each channel with one filter of its own. One invocation: a run of
// TILE_PIXELS output pixels, four channels; neighbours may load for each other. Needs window.wgsl,
// run.wgsl, source_f32.wgsl, filter_row.wgsl, depthwise_f32.wgsl and epilogue.wgsl.

struct Params {
    window: Window,
    depthwise_at: u32,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// [tap][quad]
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

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
            output[(first + p) * params.window.output_quads + quad] =
                Stored(activate(params.activation, results[p] + bias[quad]));
        }
    }
}
