// Dense 2-D convolution. One invocation: a run of TILE_PIXELS output pixels, TILE_QUADS output
// quads. Needs window.wgsl, run.wgsl, normalization.wgsl, one of input_f32.wgsl and
// input_pixels.wgsl, sums_f32.wgsl, conv_f32.wgsl and epilogue.wgsl.

struct Params {
    window: Window,
    // Read if the input is pixels.
    normalization: Normalization,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Input>;
// [tap][input quad][output quad], tiles
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

fn store(pixel: u32, quad: u32, sum: vec4<f32>) {
    if quad < params.window.output_quads {
        let value = activate(params.activation, sum + bias[quad]);
        output[pixel * params.window.output_quads + quad] =
            Stored(zero_padding(value, quad, params.window.output_channels));
    }
}
