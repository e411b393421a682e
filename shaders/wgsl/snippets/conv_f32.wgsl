// The sums of a dense convolution for a run of pixels and TILE_QUADS output quads, of one of `shares`
// parts of the inputs, by the invocation at a place of those that load for each other. Needs run.wgsl,
// weights_f32.wgsl, sums_f32.wgsl, taps_f32.wgsl, one of input_f32.wgsl, input_colors.wgsl and
// input_pixels.wgsl, and an `input` and `weight` as f32/conv2d.wgsl has them.

fn convolve(run: Run, first_quad: u32, share: u32, shares: u32, place: u32) {
    load_bias(first_quad);
    clear_sums();
    let first = first_column_of(run);
    let row_of_weights = weight_row(params.window.output_quads);
    var columns: array<vec4<f32>, COLUMNS>;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        let row = tap_row_of(run, tap_row);
        let is_row = row < params.window.input_height;
        // Of neighbours that load for each other one may have a row where another has none.
        if LOADERS > 1u || is_row {
            let real_row = select(0u, row, is_row);
            let line = (run.image * params.window.input_height + real_row) * params.window.input_width;
            for (var k = share; k < params.window.input_quads; k += shares) {
                for (var c = 0u; c < COLUMNS; c++) { // unrolled
                    let column = first + c;
                    let inside = is_row && column < params.window.input_width;
                    let at = (line + select(0u, column, inside)) * params.window.input_quads + k;
                    columns[c] = select(vec4<f32>(0.0), load(at), inside);
                }
                for (var t = 0u; t < KERNEL_WIDTH; t++) { // unrolled
                    for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
                        inputs[p] = columns[p * STRIDE_WIDTH + t * DILATION_WIDTH];
                    }
                    let tap = tap_row * KERNEL_WIDTH + t;
                    let at = weight_at(tap * params.window.input_quads + k, first_quad, row_of_weights);
                    accumulate_tap(at, lane_step(row_of_weights), place);
                }
            }
        }
    }
}
