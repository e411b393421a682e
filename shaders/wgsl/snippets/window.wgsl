// Positions of a sliding window over an image, for four output pixels at once. Needs a
// `params` with the fields named here.

// Image, row and column of output pixels counted through all images. Pixels beyond the last
// are the last one again.
struct FourPixels {
    image: vec4<u32>,
    row: vec4<i32>,
    column: vec4<i32>,
}

fn four_pixels(first: u32) -> FourPixels {
    let pixel = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.pixels - 1u));
    let line = pixel / params.output_width;
    let row = line % params.output_height;
    let column = pixel - line * params.output_width;
    return FourPixels(
        line / params.output_height,
        vec4<i32>(row * params.stride_height) - vec4<i32>(i32(params.padding_top)),
        vec4<i32>(column * params.stride_width) - vec4<i32>(i32(params.padding_left)),
    );
}

// The input pixels under one tap of the window.
struct FourTaps {
    // Offset of each pixel's first quad; 0 where it is outside.
    offset: vec4<u32>,
    inside: vec4<bool>,
}

fn four_taps(pixels: FourPixels, tap_row: u32, tap_column: u32) -> FourTaps {
    let row = pixels.row + vec4<i32>(i32(tap_row * params.dilation_height));
    let column = pixels.column + vec4<i32>(i32(tap_column * params.dilation_width));
    // As unsigned numbers, negative positions are beyond the end too.
    let r = bitcast<vec4<u32>>(row);
    let c = bitcast<vec4<u32>>(column);
    let inside = (r < vec4<u32>(params.input_height)) & (c < vec4<u32>(params.input_width));
    let pixel = (pixels.image * params.input_height + r) * params.input_width + c;
    return FourTaps(select(vec4<u32>(0u), pixel * params.input_quads, inside), inside);
}
