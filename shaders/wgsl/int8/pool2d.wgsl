// Average, maximum or rescaled mean of a sliding window over int8; padded positions do not
// count. One invocation: one output pixel, four channels. Needs fixed_point.wgsl,
// requantize.wgsl, window.wgsl and average.wgsl.

struct Params {
    window: Window,
    average: Average,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = linear_invocation(workgroup, workgroups, local);
    let quad = index % params.window.input_quads;
    let pixel = index / params.window.input_quads;
    if pixel >= params.window.pixels {
        return;
    }
    let pixels = four_pixels(pixel);
    var sum = vec4<i32>(0);
    var largest = vec4<i32>(-128);
    var count = 0;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        for (var tap_column = 0u; tap_column < params.window.kernel_width; tap_column++) {
            let taps = four_taps(pixels, tap_row, tap_column);
            if taps.inside.x {
                let x = unpack4xI8(input[taps.offset.x + quad]);
                sum += x;
                largest = max(largest, x);
                count += 1;
            }
        }
    }
    if params.average.kind == KIND_MAX {
        output[index] = pack4xI8(largest);
    } else {
        output[index] = average(params.average, sum, count);
    }
}
