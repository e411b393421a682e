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
    // Bits of headroom that the operands of a sum are given before they are scaled.
    headroom: u32,
    a_zero_point: i32,
    a_mantissa: i32,
    a_shift_left: u32,
    a_shift_right: u32,
    b_zero_point: i32,
    b_mantissa: i32,
    b_shift_left: u32,
    b_shift_right: u32,
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
@group(0) @binding(3) var<storage, read_write> output: array<u32>;

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
    var x = unpack4xI8(a[at.x]);
    var y = unpack4xI8(b[at.y]);
    if params.a_repeats_channel != 0u {
        x = x.xxxx;
    }
    if params.b_repeats_channel != 0u {
        y = y.xxxx;
    }
    x -= vec4<i32>(params.a_zero_point);
    y -= vec4<i32>(params.b_zero_point);
    var value: vec4<i32>;
    if params.is_product != 0u {
        value = x * y;
    } else {
        let headroom = vec4<u32>(params.headroom);
        let scale_a =
            splat_multiplier(params.a_mantissa, params.a_shift_left, params.a_shift_right);
        let scale_b =
            splat_multiplier(params.b_mantissa, params.b_shift_left, params.b_shift_right);
        value = multiply(x << headroom, scale_a) + multiply(y << headroom, scale_b);
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
