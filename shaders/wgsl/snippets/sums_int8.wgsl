// Sums of a tile of TILE_PIXELS pixels by TILE_QUADS output quads, in registers. Needs a
// `weight` of tiles of four inputs by four outputs, in which component o holds the four
// weights of output o, and dot.wgsl.
//
// What becomes of the sums is a loop over a copy of them. Requantizing is long: written out for
// each, the end of a tile would be most of a shader. A counter as an index into the sums
// themselves would move them to memory.

alias Sum = vec4<i32>;

var<private> sums: array<Sum, TILE_PIXELS * TILE_QUADS>;
var<private> inputs: array<u32, TILE_PIXELS>;
// Of the inputs alone: sum((w - z) * x) = sum(w * x) - z * sum(x).
var<private> input_sums: array<i32, TILE_PIXELS>;

fn clear_sums() {
    for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled
        sums[i] = vec4<i32>(0);
    }
    for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
        input_sums[p] = 0;
    }
}

// Adds what the four channels in `inputs` give. `at` is the tile of the first output quad;
// those of the next quads follow it.
fn accumulate(at: u32) {
    for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
        let w = weight[at + q];
        for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
            sums[p * TILE_QUADS + q] += dot_four_channels(inputs[p], w);
        }
    }
    accumulate_inputs();
}

// What the zero point of the weights is multiplied by.
fn accumulate_inputs() {
    if HAS_WEIGHT_ZERO_POINT {
        for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
            input_sums[p] += sum_of_lanes(inputs[p]);
        }
    }
}

// Takes off what the zero point of the weights added.
fn correct_sums(weight_zero_point: i32) {
    if HAS_WEIGHT_ZERO_POINT {
        for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
            for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
                sums[p * TILE_QUADS + q] -= vec4<i32>(input_sums[p] * weight_zero_point);
            }
        }
    }
}

// Quads from one row of tiles to the next: output quads are padded to an even number of them.
fn weight_stride(output_quads: u32) -> u32 {
    return (output_quads + 1u) / 2u * 2u;
}

fn quad_blocks(quads: u32) -> u32 {
    return (quads + TILE_QUADS - 1u) / TILE_QUADS;
}
