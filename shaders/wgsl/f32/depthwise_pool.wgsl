// 2-D convolution of each channel with one filter of its own, with the sums that
// squeeze-and-excitation pools. One workgroup: RUNS runs of TILE_PIXELS output pixels of one image,
// POOLED_SLICE quads. Needs window.wgsl, run.wgsl, source_f32.wgsl, depthwise_f32.wgsl and epilogue.wgsl.

struct Params {
    window: Window,
    depthwise_at: u32,
    activation: u32,
    // Of an image: workgroups of as many runs.
    bands: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
// [tap][quad]
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;
// [image][band][quad], the sums over the band.
@group(0) @binding(5) var<storage, read_write> pooled: array<vec4<f32>>;

const RUNS: u32 = LARGE_WORKGROUP_SIZE / POOLED_SLICE;

var<workgroup> partial: array<vec4<f32>, LARGE_WORKGROUP_SIZE>;

@compute @workgroup_size(LARGE_WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let quads = params.window.output_quads;
    let slices = (quads + POOLED_SLICE - 1u) / POOLED_SLICE;
    let index = linear_workgroup(workgroup, workgroups);
    let quad = index % slices * POOLED_SLICE + local % POOLED_SLICE;
    let band = index / slices % params.bands;
    let image_runs = params.window.output_height * runs_of_a_row();
    let images = run_count() / image_runs;
    // A workgroup beyond the last image computes the last again.
    let image = min(index / slices / params.bands, images - 1u);
    let number = band * RUNS + local / POOLED_SLICE;

    var pool = vec4<f32>(0.0);
    if quad < quads && number < image_runs {
        let run = run_of(image * image_runs + number);
        convolve_depthwise(run, quad, 0u);
        let first = first_pixel(run);
        var results = run_sums;
        for (var p = 0u; p < TILE_PIXELS; p++) {
            if run.column + p < params.window.output_width {
                let value = activate(params.activation, results[p] + bias[quad]);
                pool += value;
                output[(first + p) * quads + quad] = Stored(value);
            }
        }
    }
    partial[local] = pool;
    for (var reach = LARGE_WORKGROUP_SIZE / 2u; reach >= POOLED_SLICE; reach /= 2u) {
        workgroupBarrier();
        if local < reach {
            partial[local] += partial[local + reach];
        }
    }
    if local < POOLED_SLICE && quad < quads {
        pooled[(image * params.bands + band) * quads + quad] = partial[local];
    }
}
