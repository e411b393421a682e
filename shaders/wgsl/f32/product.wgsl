// 1x1 convolution of stride 1, and fully connected layers: a matrix product over all pixels,
// of inputs that a scale of each channel may multiply, to which a tensor may be added. One
// team: TILE_PIXELS pixels, TEAM_QUADS output quads; its members share the sums, or load inputs for
// each other.
// Needs weights_f32.wgsl, sums_f32.wgsl, inputs.wgsl, tiles.wgsl and epilogue.wgsl.

struct Params {
    // Of one image.
    pixels: u32,
    images: u32,
    input_quads: u32,
    output_quads: u32,
    output_channels: u32,
    activation: u32,
    has_residual: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// [input quad][output quad] of weights_f32.wgsl
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
// [image][input quad]; read if HAS_SCALE.
@group(0) @binding(4) var<storage, read> scale: array<Stored>;
// Read if has_residual.
@group(0) @binding(5) var<storage, read> residual: array<Stored>;
@group(0) @binding(6) var<storage, read_write> output: array<Stored>;

fn compute(tile: u32, team: Team) {
    let blocks = (params.output_quads + TEAM_QUADS - 1u) / TEAM_QUADS;
    let first_quad = tile % blocks * TEAM_QUADS + team.place * TILE_QUADS;
    let pixel_blocks = (params.pixels + TILE_PIXELS - 1u) / TILE_PIXELS;
    let image = tile / blocks / pixel_blocks;
    let first = tile / blocks % pixel_blocks * TILE_PIXELS;

    // Tiles beyond the last image, and pixels beyond the last, are computed from the last and
    // not stored.
    let real_image = min(image, params.images - 1u);
    var offset: array<u32, LOADED_PIXELS>;
    for (var p = 0u; p < LOADED_PIXELS; p++) { // unrolled
        let within = min(first + p * LOADERS + team.place, params.pixels - 1u);
        let pixel = real_image * params.pixels + within;
        offset[p] = pixel * params.input_quads;
    }
    let row = weight_row(params.output_quads);
    // A member beyond the last quad computes it again.
    let real_quad = min(first_quad, params.output_quads - 1u);
    load_bias(real_quad);
    clear_sums();
    for (var k = team.share; k < params.input_quads; k += team.shares) {
        for (var p = 0u; p < LOADED_PIXELS; p++) { // unrolled
            inputs[p] = vec4<f32>(input[offset[p] + k]);
        }
        if HAS_SCALE {
            let s = vec4<f32>(scale[real_image * params.input_quads + k]);
            for (var p = 0u; p < LOADED_PIXELS; p++) { // unrolled
                inputs[p] *= s;
            }
        }
        share_inputs();
        accumulate(weight_at(k, real_quad, row), lane_step(row));
    }

    if SPLIT > 1u {
        share_sums(team);
        for (var i = team.share; i < TILE_PIXELS * TILE_QUADS; i += team.shares) {
            let sum = shared_sum(team, i);
            store(image, first + i / TILE_QUADS, first_quad + i % TILE_QUADS, sum + bias_of(i));
        }
    } else {
        var results = sums;
        for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled for fours
            let sum = results[i] + bias_of(i);
            store(image, first + i / TILE_QUADS, first_quad + i % TILE_QUADS, sum);
        }
    }
}

fn store(image: u32, pixel: u32, quad: u32, sum: vec4<f32>) {
    if image < params.images && pixel < params.pixels && quad < params.output_quads {
        var value = activate(params.activation, sum);
        let at = (image * params.pixels + pixel) * params.output_quads + quad;
        if params.has_residual != 0u {
            value += vec4<f32>(residual[at]);
        }
        output[at] = Stored(zero_padding(value, quad, params.output_channels));
    }
}
