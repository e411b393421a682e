// The weights of a tap, which each invocation loads: `at` and `step` as `accumulate` of sums_f32.wgsl has
// them. taps_f32_fours.wgsl has what four load for each other.

fn accumulate_tap(at: u32, step: u32, place: u32) {
    accumulate(at, step);
}
