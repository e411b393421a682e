// A row of a depthwise filter, which four neighbours need for runs of their own: the one at place i loads
// each fourth weight from i on. filter_row.wgsl has the same for one alone, inputs_fours.wgsl says who
// neighbours are.

var<private> row_weights: array<Tap, KERNEL_WIDTH>;

// From the last on, since they are made where they are.
fn load_row(first: u32, step: u32, place: u32) {
    for (var t = 0u; t < LOADED_TAPS; t++) { // unrolled
        row_weights[t] = filter_weight(first + min(t * LOADERS + place, KERNEL_WIDTH - 1u) * step);
    }
    for (var i = 0u; i < KERNEL_WIDTH; i++) { // unrolled
        const t = KERNEL_WIDTH - 1u - i;
        row_weights[t] = quadBroadcast(row_weights[t / LOADERS], t % LOADERS);
    }
}
