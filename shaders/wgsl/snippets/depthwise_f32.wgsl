// The sums of a depthwise convolution for a run of pixels and one quad, by the invocation at a place of
// those that load for each other. Needs run.wgsl, filter_row.wgsl, a `weight` whose quads [tap][quad]
// begin at `params.depthwise_at`, and a function `source(image, row, column, quad)` that reads the
// input.
//
// Where the loop over the rows of taps is written out, rows outside are read and not used: without
// branches, all loads wait together. So are they where neighbours load for each other, of whom one may
// have a row where another has none.

alias Tap = vec4<f32>;

var<private> run_sums: array<Tap, TILE_PIXELS>;

fn filter_weight(at: u32) -> Tap {
    return Tap(weight[at]);
}

fn convolve_depthwise(run: Run, quad: u32, place: u32) {
    for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
        run_sums[p] = vec4<f32>(0.0);
    }
    let first = first_column_of(run);
    var columns: array<vec4<f32>, COLUMNS>;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        let row = tap_row_of(run, tap_row);
        let is_row = row < params.window.input_height;
        if HAS_FIXED_PARAMS || LOADERS > 1u || is_row {
            // The nearest row inside.
            let real_row = u32(clamp(i32(row), 0, i32(params.window.input_height) - 1));
            for (var c = 0u; c < COLUMNS; c++) { // unrolled
                let column = first + c;
                let inside = is_row && column < params.window.input_width;
                let x = source(run.image, real_row, select(0u, column, inside), quad);
                columns[c] = select(vec4<f32>(0.0), x, inside);
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
}
