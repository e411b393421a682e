// What four inputs add to a quad of outputs, where it is not a tile's. Needs weights_f32.wgsl and a
// `weight` of such. `at` is the weight of the first input, and `step` the way to the next.

fn product(at: u32, step: u32, x: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(weight[at]) * x.x + vec4<f32>(weight[at + step]) * x.y
        + vec4<f32>(weight[at + 2u * step]) * x.z + vec4<f32>(weight[at + 3u * step]) * x.w;
}
