// The weights of a tap, which four neighbours need for runs of their own: the one at place i loads those
// of output i. taps_int8.wgsl has the same for one alone, inputs_fours.wgsl says who neighbours are.

fn accumulate_tap(at: u32, place: u32) {
    for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
        let own = weight[at + q][place];
        let w = vec4<u32>(
            quadBroadcast(own, 0u),
            quadBroadcast(own, 1u),
            quadBroadcast(own, 2u),
            quadBroadcast(own, 3u),
        );
        for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
            sums[p * TILE_QUADS + q] += dot_four_channels(inputs[p], w);
        }
    }
    accumulate_inputs();
}
