// Dense 2-D convolution of int8. One team: a run of TILE_PIXELS output pixels, TILE_QUADS output
// quads; its members share the inputs. Needs fixed_point.wgsl, requantize.wgsl, dot.wgsl,
// window.wgsl, run.wgsl, sums_int8.wgsl, conv_int8.wgsl, tiles.wgsl and look_up.wgsl.

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

fn compute(tile: u32, team: Team) {
    let blocks = quad_blocks(params.window.output_quads);
    let first_quad = tile % blocks * TILE_QUADS;
    // A run beyond the last is computed from the last and not stored.
    let number = tile / blocks;
    let run = run_of(number);
    convolve(run, first_quad, team.share, team.shares);
    let first = first_pixel(run);
    var end = params.window.output_width - run.column;
    end = select(0u, end, number < run_count());
    if SPLIT > 1u {
        share_sums(team);
        for (var i = team.share; i < TILE_PIXELS * TILE_QUADS; i += team.shares) {
            let sum = shared_sum(team, i);
            if i / TILE_QUADS < end {
                store(first + i / TILE_QUADS, first_quad + i % TILE_QUADS, sum);
            }
        }
    } else {
        var results = sums;
        for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) {
            if i / TILE_QUADS < end {
                store(first + i / TILE_QUADS, first_quad + i % TILE_QUADS, results[i]);
            }
        }
    }
}

fn store(pixel: u32, quad: u32, sum: vec4<i32>) {
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
