// The second half of a fused pair: the 1x1 convolution that reads what the first half left in
// workgroup memory, to which a tensor may be added. Needs run.wgsl, sums_f32.wgsl and
// epilogue.wgsl.

// [pixel of the workgroup's runs][quad], rows padded to an even number of quads.
var<workgroup> hidden: array<vec4<f32>, MEMORY_VECTORS>;

fn hidden_stride() -> u32 {
    return (params.window.output_quads + 1u) / 2u * 2u;
}

fn hide(pixel: u32, quad: u32, sum: vec4<f32>) {
    // Beyond the last quad the bias is one of the projection: finite, not read.
    hidden[pixel * hidden_stride() + quad] = activate(params.hidden_activation, sum + bias[quad]);
}

fn project(first_run: u32, local: u32) {
    let blocks = quad_blocks(params.project_quads);
    let row = weight_row(params.project_quads);
    for (var item = local; item < params.tile_runs * blocks; item += WORKGROUP_SIZE) {
        let first_quad = item % blocks * TILE_QUADS;
        let number = item / blocks;
        if first_run + number < run_count() {
            clear_sums();
            for (var k = 0u; k < params.window.output_quads; k++) {
                for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
                    inputs[p] = hidden[(number * TILE_PIXELS + p) * hidden_stride() + k];
                }
                let at = params.project_at + weight_at(k, first_quad, row);
                accumulate(at, lane_step(row));
            }
            let run = run_of(first_run + number);
            let first = first_pixel(run);
            var results = sums;
            for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) {
                let p = i / TILE_QUADS;
                if run.column + p < params.window.output_width {
                    store(first + p, first_quad + i % TILE_QUADS, results[i]);
                }
            }
        }
    }
}

fn store(pixel: u32, quad: u32, sum: vec4<f32>) {
    if quad < params.project_quads {
        var value = activate(params.activation, sum + bias[params.window.output_quads + quad]);
        let at = pixel * params.project_quads + quad;
        if params.has_residual != 0u {
            value += vec4<f32>(residual[at]);
        }
        output[at] = Stored(zero_padding(value, quad, params.project_channels));
    }
}
