// Dense 2-D convolution. One team: a run of TILE_PIXELS output pixels, TILE_QUADS output quads; its
// members share the inputs. Needs window.wgsl, run.wgsl, normalization.wgsl, one of input_f32.wgsl,
// input_colors.wgsl and input_pixels.wgsl, weights_f32.wgsl, sums_f32.wgsl, conv_f32.wgsl,
// tiles.wgsl, conv_tiles.wgsl and epilogue.wgsl.

struct Params {
    window: Window,
    // Read if the input is pixels.
    normalization: Normalization,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Input>;
// [tap][input quad][output quad] of weights_f32.wgsl
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

fn store(i: u32, pixel: u32, quad: u32, sum: vec4<f32>) {
    if quad < params.window.output_quads {
        let value = activate(params.activation, sum + bias_of(i));
        output[pixel * params.window.output_quads + quad] =
            Stored(zero_padding(value, quad, params.window.output_channels));
    }
}
