// What a float shader reads: the floats of a picture as the caller has them, three for each pixel,
// which are f32 in half precision too. Needs an `input` of these.

alias Input = f32;

// The colors of a pixel, which is its only quad.
fn load(pixel: u32) -> vec4<f32> {
    return vec4<f32>(input[3u * pixel], input[3u * pixel + 1u], input[3u * pixel + 2u], 0.0);
}
