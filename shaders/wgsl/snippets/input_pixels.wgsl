// What a float shader reads: the bytes of a pixel, normalized. Needs normalization.wgsl and a
// `params` with a `normalization`.

alias Input = u32;

fn real(pixel: Input) -> vec4<f32> {
    let values = vec4<f32>(unpack4xU8(pixel));
    return (values - params.normalization.mean) * params.normalization.scale;
}
