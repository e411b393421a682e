// Dense 2-D convolution. One team: a run of TILE_PIXELS output pixels, TILE_QUADS output quads; its
// members share the inputs. Needs window.wgsl, run.wgsl, normalization.wgsl, one of input_f32.wgsl,
// input_colors.wgsl and input_pixels.wgsl, weights_f32.wgsl, sums_f32.wgsl, conv_f32.wgsl, tiles.wgsl and
// epilogue.wgsl.

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

fn compute(tile: u32, team: Team) {
    let blocks = quad_blocks(params.window.output_quads);
    let first_quad = tile % blocks * TILE_QUADS;
    // A run beyond the last is computed from the last and not stored.
    let number = tile / blocks;
    let run = run_of(number);
    load_bias(first_quad);
    convolve(run, first_quad, team.share, team.shares);
    let first = first_pixel(run);
    var end = params.window.output_width - run.column;
    end = select(0u, end, number < run_count());
    if SPLIT > 1u {
        share_sums(team);
        for (var i = team.share; i < TILE_PIXELS * TILE_QUADS; i += team.shares) {
            let sum = shared_sum(team, i);
            if i / TILE_QUADS < end {
                store(first + i / TILE_QUADS, first_quad + i % TILE_QUADS, sum + bias_of(i));
            }
        }
    } else {
        var results = sums;
        for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) {
            if i / TILE_QUADS < end {
                let sum = results[i] + bias_of(i);
                store(first + i / TILE_QUADS, first_quad + i % TILE_QUADS, sum);
            }
        }
    }
}

fn store(pixel: u32, quad: u32, sum: vec4<f32>) {
    if quad < params.window.output_quads {
        let value = activate(params.activation, sum);
        output[pixel * params.window.output_quads + quad] =
            Stored(zero_padding(value, quad, params.window.output_channels));
    }
}
