// The first layer of squeeze-and-excitation, from the pooled sums. One workgroup: one image, one
// output quad. Needs weights_f32.wgsl, product_f32.wgsl, workgroup.wgsl and epilogue.wgsl.

struct Params {
    images: u32,
    bands: u32,
    quads: u32,
    squeezed_quads: u32,
    squeezed_channels: u32,
    // 1 over the pixels that the sums are of.
    per_pixel: f32,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [image][band][quad], sums.
@group(0) @binding(1) var<storage, read> pooled: array<vec4<f32>>;
// [input quad][output quad] of weights_f32.wgsl
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

alias Sum = vec4<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    member: Member,
) {
    let index = linear_workgroup(workgroup, workgroups);
    let quad = index % params.squeezed_quads;
    // A workgroup beyond the last image computes the last again.
    let image = min(index / params.squeezed_quads, params.images - 1u);
    let row = weight_row(params.squeezed_quads);
    var sum = vec4<f32>(0.0);
    for (var k = member.index; k < params.quads; k += WORKGROUP_SIZE) {
        var pool = vec4<f32>(0.0);
        for (var band = 0u; band < params.bands; band++) {
            pool += pooled[(image * params.bands + band) * params.quads + k];
        }
        sum += product(weight_at(k, quad, row), lane_step(row), pool);
    }
    let value = sum_of_workgroup(member, sum) * params.per_pixel + bias[quad];
    if member.index == 0u {
        output[image * params.squeezed_quads + quad] = Stored(
            zero_padding(activate(params.activation, value), quad, params.squeezed_channels),
        );
    }
}
