// Where the two operands of an output quad lie. Needs a `params` with the fields named here;
// a stride of 0 repeats a dimension of 1.

fn operands_of(index: u32) -> vec2<u32> {
    let pixel = index / params.output_quads;
    let quad = index - pixel * params.output_quads;
    let line = pixel / params.output_width;
    let column = pixel - line * params.output_width;
    let image = line / params.output_height;
    let row = line - image * params.output_height;
    let position = vec4<u32>(image, row, column, quad);
    let a_strides = vec4<u32>(
        params.a_stride_image,
        params.a_stride_row,
        params.a_stride_column,
        params.a_stride_quad,
    );
    let b_strides = vec4<u32>(
        params.b_stride_image,
        params.b_stride_row,
        params.b_stride_column,
        params.b_stride_quad,
    );
    return vec2<u32>(dot(position, a_strides), dot(position, b_strides));
}
