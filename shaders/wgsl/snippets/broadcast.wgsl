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
    return vec2<u32>(dot(position, params.a_strides), dot(position, params.b_strides));
}
