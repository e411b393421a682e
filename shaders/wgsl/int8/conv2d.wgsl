// Dense 2-D convolution of int8. One team: a run of TILE_PIXELS output pixels, TILE_QUADS output
// quads; its members share the inputs. Needs fixed_point.wgsl, requantize.wgsl, dot.wgsl,
// window.wgsl, run.wgsl, sums_int8.wgsl, conv_int8.wgsl, tiles.wgsl, conv_tiles.wgsl and
// look_up.wgsl.

struct Params {
    window: Window,
    input_zero_point: i32,
    weight_zero_point: i32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// [tap][input quad][output quad], tiles
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> channels: array<OutputChannels>;
// Of the functions that follow; read if HAS_TABLE.
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<u32>;

fn store(i: u32, pixel: u32, quad: u32, sum: vec4<i32>) {
    if quad < params.window.output_quads {
        output[pixel * params.window.output_quads + quad] = followed(requantize(
            sum + channels[quad].bias,
            channels[quad].multiplier,
            params.output_zero_point,
            params.output_low,
            params.output_high,
        ));
    }
}
