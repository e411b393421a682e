// Images of int8 at another size, by either of TFLite's rules. One invocation: one output pixel,
// four channels.

struct Params {
    input_height: u32,
    input_width: u32,
    quads: u32,
    output_height: u32,
    output_width: u32,
    elements: u32,
    // 1 for shares of 1/1024, 0 for floats.
    is_fixed_point: u32,
    // 0, which no compiler knows: see `rounded`.
    zero: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// Of each row and column of the output: the one before, the one after, the share of the latter.
@group(0) @binding(2) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> columns: array<vec4<u32>>;
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
    let pixel = index / params.quads;
    let quad = index - pixel * params.quads;
    let line = pixel / params.output_width;
    let column = columns[pixel - line * params.output_width];
    let image = line / params.output_height;
    let row = rows[line - image * params.output_height];
    let upper = (image * params.input_height + row.x) * params.input_width;
    let lower = (image * params.input_height + row.y) * params.input_width;
    let upper_left = input[(upper + column.x) * params.quads + quad];
    let lower_left = input[(lower + column.x) * params.quads + quad];
    let upper_right = input[(upper + column.y) * params.quads + quad];
    let lower_right = input[(lower + column.y) * params.quads + quad];
    if params.is_fixed_point != 0u {
        let down = bitcast<i32>(row.z);
        let right = bitcast<i32>(column.z);
        let sum = unpack4xI8(upper_left) * (1024 - down) * (1024 - right)
            + unpack4xI8(lower_left) * down * (1024 - right)
            + unpack4xI8(upper_right) * (1024 - down) * right
            + unpack4xI8(lower_right) * down * right;
        let half = vec4<i32>(1 << 19u);
        let nearest = (sum + select(-half, half, sum > vec4<i32>(0))) / vec4<i32>(1 << 20u);
        output[index] = pack4xI8(clamp(nearest, vec4<i32>(-128), vec4<i32>(127)));
    } else {
        let down = bitcast<f32>(row.z);
        let right = bitcast<f32>(column.z);
        let up = rounded(vec4<f32>(1.0 - down));
        let left = rounded(vec4<f32>(1.0 - right));
        var sum = weighed(upper_left, up, left);
        sum = rounded(sum + weighed(lower_left, vec4<f32>(down), left));
        sum = rounded(sum + weighed(upper_right, up, vec4<f32>(right)));
        sum = rounded(sum + weighed(lower_right, vec4<f32>(down), vec4<f32>(right)));
        let nearest = vec4<i32>(clamp(rounded(sum + 0.5), vec4<f32>(0.0), vec4<f32>(255.0)));
        output[index] = pack4xI8(nearest - 128);
    }
}

// Four numbers plus 128, times two shares, rounded twice.
fn weighed(numbers: u32, vertical: vec4<f32>, horizontal: vec4<f32>) -> vec4<f32> {
    let unsigned = vec4<f32>(unpack4xI8(numbers) + 128);
    return rounded(rounded(unsigned * vertical) * horizontal);
}

// The number as it is, in a way that keeps compilers from fusing the operation that made it with
// the next one, which would leave out a rounding.
fn rounded(x: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) ^ vec4<u32>(params.zero));
}
