// What a depthwise convolution reads: an `input` of whole images.

fn source(image: u32, row: u32, column: u32, quad: u32) -> vec4<f32> {
    let line = image * params.window.input_height + row;
    let pixel = line * params.window.input_width + column;
    return vec4<f32>(input[pixel * params.window.input_quads + quad]);
}
