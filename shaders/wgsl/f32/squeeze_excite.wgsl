// Squeeze-and-excitation from the pooled sums to the scale of each channel: both of its layers.
// One workgroup: one image. Needs weights_f32.wgsl, product_f32.wgsl, team.wgsl, team_sum.wgsl and
// epilogue.wgsl.

struct Params {
    images: u32,
    bands: u32,
    quads: u32,
    squeezed_quads: u32,
    // 1 over the pixels that the sums are of.
    per_pixel: f32,
    squeeze_activation: u32,
    gate_at: u32,
    gate_activation: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [image][band][quad], sums.
@group(0) @binding(1) var<storage, read> pooled: array<vec4<f32>>;
// Of the first layer, [quad][squeezed quad], and from gate_at on of the second.
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
// Of the squeezed quads, then of the quads.
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

var<workgroup> mean: array<vec4<f32>, MOST_EXCITED_QUADS>;
var<workgroup> squeezed: array<vec4<f32>, MOST_SQUEEZED_QUADS>;

alias Sum = vec4<f32>;

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
    for (var quad = local; quad < params.quads; quad += LARGE_WORKGROUP_SIZE) {
        var sum = vec4<f32>(0.0);
        for (var band = 0u; band < params.bands; band++) {
            sum += pooled[(image * params.bands + band) * params.quads + quad];
        }
        mean[quad] = sum * params.per_pixel;
    }
    workgroupBarrier();

    let team = team_of(member);
    let squeezed_row = weight_row(params.squeezed_quads);
    for (var round = 0u; round < params.squeezed_quads; round += team_count()) {
        let quad = round + team.number;
        var sum = vec4<f32>(0.0);
        if quad < params.squeezed_quads {
            for (var k = team.share; k < params.quads; k += team.shares) {
                sum += product(weight_at(k, quad, squeezed_row), lane_step(squeezed_row), mean[k]);
            }
        }
        sum = team_sum(team, sum);
        if team.share == 0u && quad < params.squeezed_quads {
            squeezed[quad] = activate(params.squeeze_activation, sum + bias[quad]);
        }
    }
    workgroupBarrier();

    let row = weight_row(params.quads);
    for (var quad = local; quad < params.quads; quad += LARGE_WORKGROUP_SIZE) {
        var sum = bias[params.squeezed_quads + quad];
        for (var k = 0u; k < params.squeezed_quads; k++) {
            let at = params.gate_at + weight_at(k, quad, row);
            sum += product(at, lane_step(row), squeezed[k]);
        }
        let value = activate(params.gate_activation, sum);
        output[image * params.quads + quad] = Stored(zero_padding(value, quad, params.channels));
    }
}
