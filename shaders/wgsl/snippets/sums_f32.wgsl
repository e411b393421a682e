// Sums of a tile of TILE_PIXELS pixels by TILE_QUADS output quads, in registers. Needs a
// `weight` of tiles of four inputs by four outputs, four quads each: quad i is what input i
// adds to four outputs.
//
// What becomes of the sums is a loop over a copy of them. Written out for each, the end of a tile
// would be most of a shader, and take most of the time that drivers compile. A counter as an index
// into the sums themselves would move them to memory.

alias Sum = vec4<f32>;

var<private> sums: array<Sum, TILE_PIXELS * TILE_QUADS>;
var<private> inputs: array<vec4<f32>, TILE_PIXELS>;

fn clear_sums() {
    for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled
        sums[i] = vec4<f32>(0.0);
    }
}

// Adds what the four channels in `inputs` give. `at` is where the tile of the first output
// quad begins; those of the next quads follow it.
fn accumulate(at: u32) {
    for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
        let w_0 = vec4<f32>(weight[at + 4u * q]);
        let w_1 = vec4<f32>(weight[at + 4u * q + 1u]);
        let w_2 = vec4<f32>(weight[at + 4u * q + 2u]);
        let w_3 = vec4<f32>(weight[at + 4u * q + 3u]);
        for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
            let x = inputs[p];
            sums[p * TILE_QUADS + q] += w_0 * x.x + w_1 * x.y + w_2 * x.z + w_3 * x.w;
        }
    }
}

// Quads from one row of tiles to the next: output quads are padded to an even number of them.
fn weight_stride(output_quads: u32) -> u32 {
    return 4u * ((output_quads + 1u) / 2u * 2u);
}

fn quad_blocks(quads: u32) -> u32 {
    return (quads + TILE_QUADS - 1u) / TILE_QUADS;
}
