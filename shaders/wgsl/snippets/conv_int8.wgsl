// The sums of a dense convolution for a run of pixels and TILE_QUADS output quads, of one of `shares`
// parts of the inputs, by the invocation at a place of those that load for each other. Needs run.wgsl,
// sums_int8.wgsl, taps_int8.wgsl, and an `input` and `weight` as int8/conv2d.wgsl has them. Positions outside hold the zero point: what it adds to each sum is taken
// off the bias.

fn convolve(run: Run, first_quad: u32, share: u32, shares: u32, place: u32) {
    clear_sums();
    let zero = pack4xI8(vec4<i32>(params.input_zero_point));
    let first = first_column_of(run);
    let stride = weight_stride(params.window.output_quads);
    var columns: array<u32, COLUMNS>;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        let row = tap_row_of(run, tap_row);
        let is_row = row < params.window.input_height;
        let line = (run.image * params.window.input_height + select(0u, row, is_row))
            * params.window.input_width;
        for (var k = share; k < params.window.input_quads; k += shares) {
            for (var c = 0u; c < COLUMNS; c++) { // unrolled
                let column = first + c;
                let inside = is_row && column < params.window.input_width;
                let at = (line + select(0u, column, inside)) * params.window.input_quads + k;
                columns[c] = select(zero, input[at], inside);
            }
            for (var t = 0u; t < KERNEL_WIDTH; t++) { // unrolled
                for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
                    inputs[p] = columns[p * STRIDE_WIDTH + t * DILATION_WIDTH];
                }
                let tap = tap_row * KERNEL_WIDTH + t;
                accumulate_tap((tap * params.window.input_quads + k) * stride + first_quad, place);
            }
        }
    }
    correct_sums(params.weight_zero_point);
}
