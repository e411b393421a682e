// A row of a depthwise filter, which each invocation loads. Needs an alias `Tap` and a function
// `filter_weight(at)`. filter_row_fours.wgsl has what four load for each other.

var<private> row_weights: array<Tap, KERNEL_WIDTH>;

// From the one at `first` on, with a `step` from tap to tap.
fn load_row(first: u32, step: u32, place: u32) {
    for (var t = 0u; t < KERNEL_WIDTH; t++) { // unrolled
        row_weights[t] = filter_weight(first + t * step);
    }
}
