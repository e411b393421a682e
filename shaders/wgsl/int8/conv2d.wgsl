// Dense 2-D convolution of int8. One invocation: a run of TILE_PIXELS output pixels, TILE_QUADS
// output quads. Needs fixed_point.wgsl, requantize.wgsl, dot.wgsl, window.wgsl, run.wgsl,
// sums_int8.wgsl, conv_int8.wgsl and look_up.wgsl.

struct Params {
    window: Window,
    input_zero_point: i32,
    weight_zero_point: i32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// [tap][input quad][output quad], tiles
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
    let blocks = quad_blocks(params.window.output_quads);
    let first_quad = index % blocks * TILE_QUADS;
    if index / blocks >= run_count() {
        return;
    }
    let run = run_of(index / blocks);
    convolve(run, first_quad);
    let first = first_pixel(run);
    var results = sums;
    for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) {
        let p = i / TILE_QUADS;
        if run.column + p < params.window.output_width {
            store(first + p, first_quad + i % TILE_QUADS, results[i]);
        }
    }
}

fn store(pixel: u32, quad: u32, sum: vec4<i32>) {
    if quad < params.window.output_quads {
        output[pixel * params.window.output_quads + quad] = followed(requantize(
            sum + channels[quad].bias,
            channels[quad].multiplier,
            params.output_zero_point,
            params.output_low,
            params.output_high,
        ));
    }
}
