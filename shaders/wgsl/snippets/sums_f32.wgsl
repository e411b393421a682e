// Sums of a tile of TILE_PIXELS pixels by TILE_QUADS output quads, in registers. Needs
// weights_f32.wgsl, a `weight` of such, and a `bias`.
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

// Adds what the four channels in `inputs` give. `at` is the weight of the first of them and the
// first output quad, and `step` the way from one channel's to the next.
fn accumulate(at: u32, step: u32) {
    for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
        let w_0 = vec4<f32>(weight[at + QUAD_STEP * q]);
        let w_1 = vec4<f32>(weight[at + step + QUAD_STEP * q]);
        let w_2 = vec4<f32>(weight[at + 2u * step + QUAD_STEP * q]);
        let w_3 = vec4<f32>(weight[at + 3u * step + QUAD_STEP * q]);
        for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
            sums[p * TILE_QUADS + q] += sum_of_products(inputs[p], w_0, w_1, w_2, w_3);
        }
    }
}

fn sum_of_products(
    x: vec4<f32>,
    w_0: vec4<f32>,
    w_1: vec4<f32>,
    w_2: vec4<f32>,
    w_3: vec4<f32>,
) -> vec4<f32> {
    return fma(w_0, vec4(x.x), fma(w_1, vec4(x.y), fma(w_2, vec4(x.z), w_3 * x.w)));
}

// The biases of a tile, from before its sums: what is loaded after a loop is waited for. Bias has a
// quad more than outputs.
var<private> first_bias: vec4<f32>;
var<private> last_bias: vec4<f32>;

fn load_bias(first_quad: u32) {
    first_bias = bias[first_quad];
    last_bias = bias[first_quad + TILE_QUADS - 1u];
}

fn bias_of(i: u32) -> vec4<f32> {
    return select(first_bias, last_bias, i % TILE_QUADS != 0u);
}

fn quad_blocks(quads: u32) -> u32 {
    return (quads + TILE_QUADS - 1u) / TILE_QUADS;
}
