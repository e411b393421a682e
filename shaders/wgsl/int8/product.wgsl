// 1x1 convolution of stride 1 of int8, and fully connected layers: a matrix product over all
// pixels, of inputs that a scale of each channel may multiply, whose outputs a table may map, to
// which a tensor may be added. One team: TILE_PIXELS pixels, TEAM_QUADS output quads; its members
// share the sums, or load inputs for each other. Needs fixed_point.wgsl, requantize.wgsl, dot.wgsl,
// sums_int8.wgsl, inputs.wgsl, tiles.wgsl, scaling.wgsl, look_up.wgsl and residual.wgsl.

struct Params {
    scaling: Scaling,
    residual: Residual,
    // Of one image.
    pixels: u32,
    images: u32,
    input_quads: u32,
    output_quads: u32,
    weight_zero_point: i32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// [input quad][output quad], tiles
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> channels: array<OutputChannels>;
// [image][input quad]; read if HAS_SCALE.
@group(0) @binding(4) var<storage, read> scale: array<u32>;
// Read if it is added.
@group(0) @binding(5) var<storage, read> residual: array<u32>;
// Of the functions that follow; read if HAS_TABLE.
@group(0) @binding(6) var<storage, read> table: array<u32>;
@group(0) @binding(7) var<storage, read_write> output: array<u32>;

// Of an invocation's only quad, where it has one.
var<private> only_channels: OutputChannels;

fn channels_of(quad: u32) -> OutputChannels {
    if HAS_ONE_QUAD {
        return only_channels;
    }
    return channels[quad];
}

const HAS_ONE_QUAD: bool = LOADERS > 1u && TILE_QUADS == 1u;

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
    // A member beyond the last quad computes it again.
    let real_quad = min(first_quad, params.output_quads - 1u);
    if HAS_ONE_QUAD {
        only_channels = channels[real_quad];
    }
    clear_sums();
    for (var k = team.share; k < params.input_quads; k += team.shares) {
        for (var p = 0u; p < LOADED_PIXELS; p++) { // unrolled
            inputs[p] = input[offset[p] + k];
        }
        if HAS_SCALE {
            let factor = unpack4xI8(scale[real_image * params.input_quads + k])
                - params.scaling.scale_zero_point;
            for (var p = 0u; p < LOADED_PIXELS; p++) { // unrolled
                inputs[p] = scaled(inputs[p], factor);
            }
        }
        share_inputs();
        accumulate(k * weight_stride(params.output_quads) + real_quad);
    }
    correct_sums(params.weight_zero_point);

    if SPLIT > 1u {
        share_sums(team);
        for (var i = team.share; i < TILE_PIXELS * TILE_QUADS; i += team.shares) {
            let sum = shared_sum(team, i);
            store(image, first + i / TILE_QUADS, first_quad + i % TILE_QUADS, sum);
        }
    } else {
        var results = sums;
        for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) {
            store(image, first + i / TILE_QUADS, first_quad + i % TILE_QUADS, results[i]);
        }
    }
}

fn store(image: u32, pixel: u32, quad: u32, sum: vec4<i32>) {
    if image < params.images && pixel < params.pixels && quad < params.output_quads {
        let own = channels_of(quad);
        var value = followed(requantize(
            sum + own.bias,
            own.multiplier,
            params.output_zero_point,
            params.output_low,
            params.output_high,
        ));
        let at = (image * params.pixels + pixel) * params.output_quads + quad;
        if params.residual.is_added != 0u {
            value = with_residual(value, residual[at]);
        }
        output[at] = value;
    }
}
