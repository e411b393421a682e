// A window sliding over images, and what it covers for four output pixels at once. Needs a
// `params` with a `window`.

// 16 words, so that fields may follow in a uniform.
struct Window {
    input_height: u32,
    input_width: u32,
    input_quads: u32,
    output_height: u32,
    output_width: u32,
    output_quads: u32,
    output_channels: u32,
    pixels: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_height: u32,
    stride_width: u32,
    dilation_height: u32,
    dilation_width: u32,
    padding_top: u32,
    padding_left: u32,
}

// Image, row and column of output pixels counted through all images. Pixels beyond the last
// are the last one again.
struct FourPixels {
    image: vec4<u32>,
    row: vec4<i32>,
    column: vec4<i32>,
}

fn four_pixels(first: u32) -> FourPixels {
    let pixel = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.window.pixels - 1u));
    let line = pixel / params.window.output_width;
    let row = line % params.window.output_height;
    let column = pixel - line * params.window.output_width;
    return FourPixels(
        line / params.window.output_height,
        vec4<i32>(row * params.window.stride_height) - vec4<i32>(i32(params.window.padding_top)),
        vec4<i32>(column * params.window.stride_width) - vec4<i32>(i32(params.window.padding_left)),
    );
}

// The input pixels under one tap of the window.
struct FourTaps {
    // Offset of each pixel's first quad; 0 where it is outside.
    offset: vec4<u32>,
    inside: vec4<bool>,
}

fn four_taps(pixels: FourPixels, tap_row: u32, tap_column: u32) -> FourTaps {
    let row = pixels.row + vec4<i32>(i32(tap_row * params.window.dilation_height));
    let column = pixels.column + vec4<i32>(i32(tap_column * params.window.dilation_width));
    // As unsigned numbers, negative positions are beyond the end too.
    let r = bitcast<vec4<u32>>(row);
    let c = bitcast<vec4<u32>>(column);
    let inside = (r < vec4<u32>(params.window.input_height)) & (c < vec4<u32>(params.window.input_width));
    let pixel = (pixels.image * params.window.input_height + r) * params.window.input_width + c;
    return FourTaps(select(vec4<u32>(0u), pixel * params.window.input_quads, inside), inside);
}
