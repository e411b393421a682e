// Squeeze-and-excitation of int8 from the image to the scale of each channel: the average, both of
// the layers, and the functions of one byte that follow each. One workgroup: one image. Needs
// fixed_point.wgsl, requantize.wgsl, dot.wgsl, average.wgsl, team.wgsl, team_sum.wgsl and
// look_up.wgsl.

struct Params {
    average: Average,
    images: u32,
    // Of one image.
    pixels: u32,
    quads: u32,
    squeezed_quads: u32,
    squeeze_weight_zero_point: i32,
    squeeze_zero_point: i32,
    gate_at: u32,
    gate_weight_zero_point: i32,
    gate_zero_point: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// Tiles of the first layer, [quad][squeezed quad], and from gate_at on of the second.
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
// Of the squeezed quads, then of the quads.
@group(0) @binding(3) var<storage, read> channels: array<OutputChannels>;
// What becomes of the bytes of the first layer, then of those of the second.
@group(0) @binding(4) var<storage, read> table: array<u32, 128>;
@group(0) @binding(5) var<storage, read_write> output: array<u32>;

var<workgroup> mean: array<u32, MOST_EXCITED_QUADS>;
var<workgroup> squeezed: array<u32, MOST_SQUEEZED_QUADS>;
var<workgroup> strip_sums: array<vec4<i32>, LARGE_WORKGROUP_SIZE>;

alias Sum = vec4<i32>;

// Teams share the output quads of the first layer, which has few.
const MEMBERS: u32 = LARGE_WORKGROUP_SIZE;
const SHARES: u32 = 8u;

@compute @workgroup_size(LARGE_WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    member: Member,
) {
    let local = member.index;
    let image = linear_workgroup(workgroup, workgroups);
    if image >= params.images {
        return;
    }
    // Neighbours read neighbouring quads; what is left of them share the pixels.
    let width = min(params.quads, LARGE_WORKGROUP_SIZE);
    let strips = LARGE_WORKGROUP_SIZE / width;
    let strip = local / width;
    let mean_rounds = (params.quads + width - 1u) / width;
    for (var round = 0u; round < mean_rounds; round++) {
        let quad = round * width + local % width;
        var sum = vec4<i32>(0);
        if strip < strips && quad < params.quads {
            for (var pixel = strip; pixel < params.pixels; pixel += strips) {
                sum += unpack4xI8(input[(image * params.pixels + pixel) * params.quads + quad]);
            }
        }
        strip_sums[local] = sum;
        workgroupBarrier();
        if strip == 0u && quad < params.quads {
            for (var other = 1u; other < strips; other++) {
                sum += strip_sums[other * width + local];
            }
            mean[quad] = average(params.average, sum, i32(params.pixels));
        }
        workgroupBarrier();
    }

    let team = team_of(member);
    for (var round = 0u; round < params.squeezed_quads; round += team_count()) {
        let quad = round + team.number;
        var sum = vec4<i32>(0);
        if quad < params.squeezed_quads {
            for (var k = team.share; k < params.quads; k += team.shares) {
                let at = k * weight_stride(params.squeezed_quads) + quad;
                sum += product(mean[k], weight[at], params.squeeze_weight_zero_point);
            }
        }
        sum = team_sum(team, sum);
        if team.share == 0u && quad < params.squeezed_quads {
            squeezed[quad] = look_up(0u, finished(sum, quad, params.squeeze_zero_point));
        }
    }
    workgroupBarrier();

    for (var quad = local; quad < params.quads; quad += LARGE_WORKGROUP_SIZE) {
        var sum = vec4<i32>(0);
        for (var k = 0u; k < params.squeezed_quads; k++) {
            let at = params.gate_at + k * weight_stride(params.quads) + quad;
            sum += product(squeezed[k], weight[at], params.gate_weight_zero_point);
        }
        let value = finished(sum, params.squeezed_quads + quad, params.gate_zero_point);
        output[image * params.quads + quad] = look_up(1u, value);
    }
}

// What four inputs add to four outputs.
fn product(inputs: u32, weights: vec4<u32>, weight_zero_point: i32) -> vec4<i32> {
    var sum = dot_four_channels(inputs, weights);
    if HAS_WEIGHT_ZERO_POINT {
        sum -= vec4<i32>(sum_of_lanes(inputs) * weight_zero_point);
    }
    return sum;
}

// The layer's outputs as int8; its clamp is part of the table.
fn finished(sum: vec4<i32>, channel: u32, zero_point: i32) -> u32 {
    let multiplier = channels[channel].multiplier;
    return requantize(sum + channels[channel].bias, multiplier, zero_point, -128, 127);
}

fn weight_stride(output_quads: u32) -> u32 {
    return (output_quads + 1u) / 2u * 2u;
}
