// The second half of a fused pair: the 1x1 convolution that reads what the first half left in
// workgroup memory, to which a tensor may be added. Needs run.wgsl, sums_int8.wgsl,
// requantize.wgsl, look_up.wgsl and residual.wgsl.

// [pixel of the workgroup's runs][quad], rows padded to an even number of quads.
var<workgroup> hidden: array<u32, 4u * MEMORY_VECTORS>;

fn hidden_stride() -> u32 {
    return (params.window.output_quads + 1u) / 2u * 2u;
}

fn hide(pixel: u32, quad: u32, sum: vec4<i32>) {
    // Beyond the last quad the record is one of the projection: any will do, it is not read.
    hidden[pixel * hidden_stride() + quad] = followed(requantize(
        sum + channels[quad].bias,
        channels[quad].multiplier,
        params.hidden_zero_point,
        params.hidden_low,
        params.hidden_high,
    ));
}

fn project(first_run: u32, local: u32) {
    let blocks = quad_blocks(params.project_quads);
    let stride = weight_stride(params.project_quads);
    for (var item = local; item < params.tile_runs * blocks; item += WORKGROUP_SIZE) {
        let first_quad = item % blocks * TILE_QUADS;
        let number = item / blocks;
        if first_run + number < run_count() {
            clear_sums();
            for (var k = 0u; k < params.window.output_quads; k++) {
                for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
                    inputs[p] = hidden[(number * TILE_PIXELS + p) * hidden_stride() + k];
                }
                accumulate(params.project_at + k * stride + first_quad);
            }
            correct_sums(params.project_weight_zero_point);
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

fn store(pixel: u32, quad: u32, sum: vec4<i32>) {
    if quad < params.project_quads {
        let channel = params.window.output_quads + quad;
        var value = requantize(
            sum + channels[channel].bias,
            channels[channel].multiplier,
            params.output_zero_point,
            params.output_low,
            params.output_high,
        );
        let at = pixel * params.project_quads + quad;
        if params.residual.is_added != 0u {
            value = with_residual(value, residual[at]);
        }
        output[at] = value;
    }
}
