// Runs: TILE_PIXELS neighbouring output pixels of one row, which share most of the input
// under their windows. The last run of a row reaches beyond it. Needs a `params` with a
// `window`, and window.wgsl.

// Input columns under a run.
const COLUMNS: u32 = (TILE_PIXELS - 1u) * STRIDE_WIDTH + (KERNEL_WIDTH - 1u) * DILATION_WIDTH + 1u;

struct Run {
    image: u32,
    row: u32,
    // Of the first pixel.
    column: u32,
}

fn runs_of_a_row() -> u32 {
    return (params.window.output_width + TILE_PIXELS - 1u) / TILE_PIXELS;
}

// Runs of all images; each image has whole rows of them.
fn run_count() -> u32 {
    let rows = params.window.pixels / params.window.output_width;
    return rows * runs_of_a_row();
}

// The run of a number; beyond the last, the last again.
fn run_of(number: u32) -> Run {
    let runs = runs_of_a_row();
    let number_within = min(number, run_count() - 1u);
    let line = number_within / runs;
    let image = line / params.window.output_height;
    return Run(
        image,
        line - image * params.window.output_height,
        (number_within - line * runs) * TILE_PIXELS,
    );
}

// Index of a run's first output pixel among those of all images.
fn first_pixel(run: Run) -> u32 {
    let line = run.image * params.window.output_height + run.row;
    return line * params.window.output_width + run.column;
}

// The input row under a row of taps. Rows outside are negative or beyond the last: as unsigned
// numbers, all are beyond the last.
fn tap_row_of(run: Run, tap_row: u32) -> u32 {
    return run.row * params.window.stride_height + tap_row * params.window.dilation_height
        - params.window.padding_top;
}

// The first input column under a run, which may be outside as well.
fn first_column_of(run: Run) -> u32 {
    return run.column * STRIDE_WIDTH - params.window.padding_left;
}
