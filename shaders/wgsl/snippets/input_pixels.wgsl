// What a float shader reads: the bytes of a picture as the caller has them, three for each pixel,
// normalized. Needs normalization.wgsl, a `params` with a `normalization`, and an `input` of these.

alias Input = u32;

// The colors of a pixel, which is its only quad.
fn load(pixel: u32) -> vec4<f32> {
    // In one word or in two; the second is not used if it is beyond the last.
    let first = 3u * pixel;
    let shift = 8u * (first % 4u);
    let low = input[first / 4u] >> shift;
    let high = input[(first + 2u) / 4u] << ((32u - shift) % 32u);
    let word = select(low | high, low, shift == 0u);
    let values = vec4<f32>(unpack4xU8(word));
    return (values - params.normalization.mean) * params.normalization.scale;
}
