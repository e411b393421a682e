// Where dense float weights lie, from the first of a layer: what each of the four inputs of an input
// quad adds to an output quad. In rows, each of what one input adds to all outputs, neighbouring
// invocations read neighbouring quads; in tiles of four inputs, HAS_TILES, an invocation reads its
// quads side by side, which processors like better. `row`: of `weight_row`.

// From an output quad to the next.
const QUAD_STEP: u32 = select(1u, 4u, HAS_TILES);

// What the first of the inputs adds.
fn weight_at(input_quad: u32, quad: u32, row: u32) -> u32 {
    return 4u * input_quad * row + QUAD_STEP * quad;
}

// From an input to the next.
fn lane_step(row: u32) -> u32 {
    return select(row, 1u, HAS_TILES);
}

// Output quads, padded to an even number of them.
fn weight_row(output_quads: u32) -> u32 {
    return (output_quads + 1u) / 2u * 2u;
}
