// 1x1 convolution and the depthwise convolution that alone reads it, fused, with the sums that
// squeeze-and-excitation pools. One workgroup: a band of output rows of one image, a slice of
// a few quads; it expands the input rows under the band in its own memory. Needs
// window.wgsl, run.wgsl, weights_f32.wgsl, sums_f32.wgsl, depthwise_f32.wgsl and epilogue.wgsl.

struct Params {
    // Of the depthwise convolution.
    window: Window,
    // Of the 1x1 convolution.
    source_quads: u32,
    hidden_activation: u32,
    depthwise_at: u32,
    activation: u32,
    band_rows: u32,
    bands: u32,
    // A slice is 1, 2 or 4 quads, 2 to the power of this, and not fewer than TILE_QUADS.
    slice_shift: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// [input quad][quad], and from depthwise_at on [tap][quad].
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
// Of the 1x1 convolution, then of the depthwise one.
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;
// [image][band][quad], the sums over the band.
@group(0) @binding(5) var<storage, read_write> pooled: array<vec4<f32>>;

// [input row of the band][column][quad of the slice]
var<workgroup> hidden: array<vec4<f32>, MEMORY_VECTORS>;
var<workgroup> partial: array<vec4<f32>, WORKGROUP_SIZE>;
var<private> first_row: u32;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let quads = params.window.output_quads;
    let slice_quads = 1u << params.slice_shift;
    let slices = (quads + slice_quads - 1u) / slice_quads;
    let index = linear_workgroup(workgroup, workgroups);
    let slice_quad = index % slices * slice_quads;
    let band = index / slices % params.bands;
    let images = params.window.pixels / (params.window.output_height * params.window.output_width);
    // A workgroup beyond the last image computes the last again.
    let image = min(index / slices / params.bands, images - 1u);

    // Output rows of the band, and the input rows under them.
    let top = band * params.band_rows;
    let bottom = min(top + params.band_rows, params.window.output_height);
    let reach = (params.window.kernel_height - 1u) * params.window.dilation_height + 1u;
    first_row = u32(max(
        i32(top * params.window.stride_height) - i32(params.window.padding_top),
        0,
    ));
    let end_row = u32(clamp(
        i32((bottom - 1u) * params.window.stride_height + reach) - i32(params.window.padding_top),
        i32(first_row),
        i32(params.window.input_height),
    ));

    let pixels = (end_row - first_row) * params.window.input_width;
    let first_pixel_in =
        (image * params.window.input_height + first_row) * params.window.input_width;
    let blocks = slice_quads / TILE_QUADS;
    let pixel_blocks = (pixels + TILE_PIXELS - 1u) / TILE_PIXELS;
    for (var item = local; item < pixel_blocks * blocks; item += WORKGROUP_SIZE) {
        let quad = item % blocks * TILE_QUADS;
        let first = item / blocks * TILE_PIXELS;
        expand(first_pixel_in, first, pixels, slice_quad + quad);
        var results = sums;
        for (var i = 0u; i < TILE_PIXELS * TILE_QUADS; i++) {
            let pixel = first + i / TILE_QUADS;
            let slice_lane = quad + i % TILE_QUADS;
            if pixel < pixels {
                hidden[pixel * slice_quads + slice_lane] =
                    activate(params.hidden_activation, results[i] + bias[slice_quad + slice_lane]);
            }
        }
    }
    workgroupBarrier();

    // The slice's quads take turns, so that each invocation has one quad only.
    var pool = vec4<f32>(0.0);
    let quad = slice_quad + local % slice_quads;
    let row_runs = runs_of_a_row();
    if quad < quads {
        let runs = (bottom - top) * row_runs;
        for (var item = local / slice_quads; item < runs; item += WORKGROUP_SIZE / slice_quads) {
            let row = item / row_runs;
            let run = Run(image, top + row, (item - row * row_runs) * TILE_PIXELS);
            slice_first = slice_quad;
            convolve_depthwise(run, quad, 0u);
            let first = first_pixel(run);
            var results = run_sums;
            for (var p = 0u; p < TILE_PIXELS; p++) {
                if run.column + p < params.window.output_width {
                    let value = activate(params.activation, results[p] + bias[quads + quad]);
                    pool += value;
                    output[(first + p) * quads + quad] = Stored(value);
                }
            }
        }
    }
    partial[local] = pool;
    workgroupBarrier();
    if local < slice_quads && quad < quads {
        for (var other = local + slice_quads; other < WORKGROUP_SIZE; other += slice_quads) {
            pool += partial[other];
        }
        pooled[(image * params.bands + band) * quads + quad] = pool;
    }
}

var<private> slice_first: u32;

fn expand(first_pixel_in: u32, first: u32, pixels: u32, first_quad: u32) {
    clear_sums();
    var offset: array<u32, TILE_PIXELS>;
    for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
        offset[p] = (first_pixel_in + min(first + p, pixels - 1u)) * params.source_quads;
    }
    for (var k = 0u; k < params.source_quads; k++) {
        for (var p = 0u; p < TILE_PIXELS; p++) { // unrolled
            inputs[p] = vec4<f32>(input[offset[p] + k]);
        }
        let row = weight_row(params.window.output_quads);
        accumulate(weight_at(k, first_quad, row), lane_step(row));
    }
}

fn source(image: u32, row: u32, column: u32, quad: u32) -> vec4<f32> {
    let pixel = (row - first_row) * params.window.input_width + column;
    return hidden[(pixel << params.slice_shift) + quad - slice_first];
}
