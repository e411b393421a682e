// 1x1 convolution and the average over the whole image that alone reads it, fused. One
// workgroup: one image, TILE_QUADS output quads; its invocations share the pixels. Needs
// weights_f32.wgsl, sums_f32.wgsl, workgroup.wgsl and epilogue.wgsl.

struct Params {
    // Of one image.
    pixels: u32,
    images: u32,
    input_quads: u32,
    output_quads: u32,
    output_channels: u32,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// [input quad][output quad] of weights_f32.wgsl
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

// Invocations that share one block of pixels, each with its part of the inputs.
const BLOCKS: u32 = WORKGROUP_SIZE / SPLIT;
var<workgroup> split_sums: array<vec4<f32>, PARTIAL_SUMS>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    member: Member,
) {
    let local = member.index;
    let index = linear_workgroup(workgroup, workgroups);
    let blocks = quad_blocks(params.output_quads);
    let first_quad = index % blocks * TILE_QUADS;
    let image = index / blocks;
    // A workgroup beyond the last image computes the last again.
    let first_pixel = min(image, params.images - 1u) * params.pixels;

    let lane = local % BLOCKS;
    let share = local / BLOCKS;
    var pool: array<vec4<f32>, TILE_QUADS>;
    let pixel_blocks = (params.pixels + TILE_PIXELS - 1u) / TILE_PIXELS;
    let rounds = (pixel_blocks + BLOCKS - 1u) / BLOCKS;
    for (var round = 0u; round < rounds; round++) {
        let first = (round * BLOCKS + lane) * TILE_PIXELS;
        clear_sums();
        if first < params.pixels {
            var offset: array<u32, TILE_PIXELS>;
            for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
                offset[p] = (first_pixel + min(first + p, params.pixels - 1u)) * params.input_quads;
            }
            for (var k = share; k < params.input_quads; k += SPLIT) {
                for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
                    inputs[p] = vec4<f32>(input[offset[p] + k]);
                }
                let row = weight_row(params.output_quads);
                accumulate(weight_at(k, first_quad, row), lane_step(row));
            }
        }
        if SPLIT > 1u {
            for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled
                split_sums[i * WORKGROUP_SIZE + local] = sums[i];
            }
            workgroupBarrier();
            for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled
                if i % SPLIT == share {
                    var sum = split_sums[i * WORKGROUP_SIZE + lane];
                    for (var other = 1u; other < SPLIT; other++) {
                        sum += split_sums[i * WORKGROUP_SIZE + other * BLOCKS + lane];
                    }
                    if first + i / TILE_QUADS < params.pixels {
                        pool[i % TILE_QUADS] += finished(first_quad + i % TILE_QUADS, sum);
                    }
                }
            }
            workgroupBarrier();
        } else {
            var results = sums;
            for (var p = 0u; p < TILE_PIXELS; p++) {
                if first + p < params.pixels {
                    for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
                        pool[q] += finished(first_quad + q, results[p * TILE_QUADS + q]);
                    }
                }
            }
        }
    }
    for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
        let sum = sum_for_first(member, pool[q]);
        let quad = first_quad + q;
        if local == 0u && quad < params.output_quads && image < params.images {
            output[image * params.output_quads + quad] =
                Stored(zero_padding(sum / f32(params.pixels), quad, params.output_channels));
        }
    }
}

fn finished(quad: u32, sum: vec4<f32>) -> vec4<f32> {
    // Beyond the last quad: any, it is not stored.
    return activate(params.activation, sum + bias[min(quad, params.output_quads - 1u)]);
}
