// The inputs of a tile as four neighbours loaded them, which WGSL calls a quad: the one at place i has
// each fourth pixel from i on, in the first LOADED_PIXELS of its `inputs`. All then have all.
//
// Invocations are taken to be numbered along subgroups, as every driver known to us numbers them.

// From the last on, since they are made where they are.
fn share_inputs() {
    for (var i = 0u; i < TILE_PIXELS; i++) { // unrolled
        const p = TILE_PIXELS - 1u - i;
        inputs[p] = quadBroadcast(inputs[p / LOADERS], p % LOADERS);
    }
}
