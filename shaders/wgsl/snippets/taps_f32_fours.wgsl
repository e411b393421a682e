// The weights of a tap, which four neighbours need for runs of their own: the one at place i loads those
// of input i. taps_f32.wgsl has the same for one alone, inputs_fours.wgsl says who neighbours are.

fn accumulate_tap(at: u32, step: u32, place: u32) {
    for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
        let w = vec4<f32>(weight[at + place * step + QUAD_STEP * q]);
        let w_0 = quadBroadcast(w, 0u);
        let w_1 = quadBroadcast(w, 1u);
        let w_2 = quadBroadcast(w, 2u);
        let w_3 = quadBroadcast(w, 3u);
        for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
            sums[p * TILE_QUADS + q] += sum_of_products(inputs[p], w_0, w_1, w_2, w_3);
        }
    }
}
