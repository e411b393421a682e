// Sum or product of two int8 tensors, each at its own scale; a dimension of 1 is repeated.
// One invocation: four channels of one output pixel. Needs broadcast.wgsl, fixed_point.wgsl
// and requantize.wgsl.

struct Params {
    // Of images, rows, columns and quads.
    a_strides: vec4<u32>,
    b_strides: vec4<u32>,
    output_height: u32,
    output_width: u32,
    output_quads: u32,
    elements: u32,
    a_repeats_channel: u32,
    b_repeats_channel: u32,
    is_product: u32,
    output_mantissa: i32,
    output_shift_left: u32,
    output_shift_right: u32,
    output_zero_point: i32,
    output_low: i32,
    output_high: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
// What is added or multiplied for each byte of `a`, then for each byte of `b`: for a sum the
// operand at the common scale, for a product the operand less its zero point.
@group(0) @binding(3) var<storage, read> operands: array<i32, 512>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    if index >= params.elements {
        return;
    }
    let at = operands_of(index);
    var x = look_up(a[at.x], 0u);
    var y = look_up(b[at.y], 256u);
    if params.a_repeats_channel != 0u {
        x = x.xxxx;
    }
    if params.b_repeats_channel != 0u {
        y = y.xxxx;
    }
    var value = x + y;
    if params.is_product != 0u {
        value = x * y;
    }
    let scale_output = splat_multiplier(
        params.output_mantissa,
        params.output_shift_left,
        params.output_shift_right,
    );
    output[index] = requantize(
        value,
        scale_output,
        params.output_zero_point,
        params.output_low,
        params.output_high,
    );
}

fn look_up(quad: u32, first: u32) -> vec4<i32> {
    let at = unpack4xU8(quad) + vec4<u32>(first);
    return vec4<i32>(operands[at.x], operands[at.y], operands[at.z], operands[at.w]);
}
