// The sums of a depthwise convolution for a run of pixels and one quad, by the invocation at a place of
// those that load for each other. Needs run.wgsl, filter_row.wgsl, an `input`, and a `weight` whose
// quads of integers [tap][quad], less their zero point, begin at `params.depthwise_at`. Positions
// outside hold the zero point: what it adds to each sum is taken off the bias.

alias Tap = vec4<i32>;

var<private> run_sums: array<Tap, TILE_PIXELS>;

fn filter_weight(at: u32) -> Tap {
    return bitcast<Tap>(weight[at]);
}

fn convolve_depthwise(run: Run, quad: u32, place: u32) {
    for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
        run_sums[p] = vec4<i32>(0);
    }
    let zero = vec4<i32>(params.input_zero_point);
    let first = first_column_of(run);
    var columns: array<vec4<i32>, COLUMNS>;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        let row = tap_row_of(run, tap_row);
        let is_row = row < params.window.input_height;
        let line = (run.image * params.window.input_height + select(0u, row, is_row))
            * params.window.input_width;
        for (var c = 0u; c < COLUMNS; c++) { // unrolled
            let column = first + c;
            let inside = is_row && column < params.window.input_width;
            let at = (line + select(0u, column, inside)) * params.window.input_quads + quad;
            columns[c] = select(zero, unpack4xI8(input[at]), inside);
        }
        let step = params.window.output_quads;
        load_row(params.depthwise_at + tap_row * KERNEL_WIDTH * step + quad, step, place);
        for (var t = 0u; t < KERNEL_WIDTH; t++) { // unrolled
            for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
                run_sums[p] += row_weights[t] * columns[p * STRIDE_WIDTH + t * DILATION_WIDTH];
            }
        }
    }
}
