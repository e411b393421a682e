// 1x1 convolution of int8 and the average over the whole image that alone reads it, fused. One
// workgroup: one image, TILE_QUADS output quads; its invocations share the pixels, and SPLIT of
// them the inputs of one block of pixels. Needs fixed_point.wgsl, requantize.wgsl, dot.wgsl,
// sums_int8.wgsl, workgroup.wgsl, look_up.wgsl and average.wgsl.

struct Params {
    average: Average,
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
// Of the functions that follow; read if HAS_TABLE.
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<u32>;

const BLOCKS: u32 = WORKGROUP_SIZE / SPLIT;

var<workgroup> split_sums: array<vec4<i32>, PARTIAL_SUMS>;

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
    var pool: array<vec4<i32>, TILE_QUADS>;
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
                    inputs[p] = input[offset[p] + k];
                }
                accumulate(k * weight_stride(params.output_quads) + first_quad);
            }
            correct_sums(params.weight_zero_point);
        }
        if SPLIT > 1u {
            for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) { // unrolled
                split_sums[i * WORKGROUP_SIZE + local] = sums[i];
            }
            workgroupBarrier();
            for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
                for (var p = 0u; p < TILE_PIXELS && first + p < params.pixels; p++) {
                    let i = p * TILE_QUADS + q;
                    if i % SPLIT == share {
                        var sum = split_sums[i * WORKGROUP_SIZE + lane];
                        for (var other = 1u; other < SPLIT; other++) {
                            sum += split_sums[i * WORKGROUP_SIZE + other * BLOCKS + lane];
                        }
                        pool[q] += finished(first_quad + q, sum);
                    }
                }
            }
            workgroupBarrier();
        } else {
            var results = sums;
            for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
                for (var p = 0u; p < TILE_PIXELS && first + p < params.pixels; p++) {
                    pool[q] += finished(first_quad + q, results[p * TILE_QUADS + q]);
                }
            }
        }
    }
    for (var q = 0u; q < TILE_QUADS; q++) { // unrolled
        let sum = sum_for_first(member, pool[q]);
        let quad = first_quad + q;
        if local == 0u && quad < params.output_quads && image < params.images {
            output[image * params.output_quads + quad] =
                average(params.average, sum, i32(params.pixels));
        }
    }
}

// An output of the convolution, and of what follows it, as the integer that it would be stored as.
fn finished(quad: u32, sum: vec4<i32>) -> vec4<i32> {
    // Beyond the last quad: any, it is not stored.
    let channel = min(quad, params.output_quads - 1u);
    return unpack4xI8(followed(requantize(
        sum + channels[channel].bias,
        channels[channel].multiplier,
        params.output_zero_point,
        params.output_low,
        params.output_high,
    )));
}
