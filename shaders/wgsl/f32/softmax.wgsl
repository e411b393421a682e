// exp(beta * (x - max)) over their sum, over the channels of each pixel. One workgroup: one
// pixel. Needs workgroup.wgsl.

struct Params {
    pixels: u32,
    quads: u32,
    channels: u32,
    beta: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored>;

const LOWEST: f32 = -0x1.fffffep+127;

alias Sum = vec4<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    member: Member,
) {
    let local = member.index;
    let pixel = linear_workgroup(workgroup, workgroups);
    if pixel >= params.pixels {
        return;
    }
    let first = pixel * params.quads;

    var largest = vec4<f32>(LOWEST);
    for (var quad = local; quad < params.quads; quad += WORKGROUP_SIZE) {
        let x = select(vec4<f32>(LOWEST), vec4<f32>(input[first + quad]), is_channel(quad));
        largest = max(largest, x);
    }
    let most = largest_of_workgroup(member, largest);
    let maximum = max(max(most.x, most.y), max(most.z, most.w));

    var sum = vec4<f32>(0.0);
    for (var quad = local; quad < params.quads; quad += WORKGROUP_SIZE) {
        sum += exponentials(first, quad, maximum);
    }
    let sums = sum_of_workgroup(member, sum);
    let total = sums.x + sums.y + sums.z + sums.w;

    for (var quad = local; quad < params.quads; quad += WORKGROUP_SIZE) {
        output[first + quad] = Stored(exponentials(first, quad, maximum) / total);
    }
}

fn is_channel(quad: u32) -> vec4<bool> {
    return vec4<u32>(4u * quad) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.channels);
}

fn exponentials(first: u32, quad: u32, maximum: f32) -> vec4<f32> {
    let value = exp(params.beta * (vec4<f32>(input[first + quad]) - maximum));
    return select(vec4<f32>(0.0), value, is_channel(quad));
}
