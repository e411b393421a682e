// Average or maximum of a sliding window; padded positions do not count. One invocation: one
// output pixel, four channels.

struct Params {
    window: Window,
    is_max: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored>;

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
    var sum = vec4<f32>(0.0);
    var largest = vec4<f32>(-0x1.fffffep+127);
    var count = 0.0;
    for (var tap_row = 0u; tap_row < params.window.kernel_height; tap_row++) {
        for (var tap_column = 0u; tap_column < params.window.kernel_width; tap_column++) {
            let taps = four_taps(pixels, tap_row, tap_column);
            if taps.inside.x {
                let x = vec4<f32>(input[taps.offset.x + quad]);
                sum += x;
                largest = max(largest, x);
                count += 1.0;
            }
        }
    }
    var value = sum / count;
    if params.is_max != 0u {
        value = largest;
    }
    output[index] = Stored(value);
}
