// The weights of a tap, which each invocation loads: `at` as `accumulate` of sums_int8.wgsl has it.
// taps_int8_fours.wgsl has what four load for each other.

fn accumulate_tap(at: u32, place: u32) {
    accumulate(at);
}
