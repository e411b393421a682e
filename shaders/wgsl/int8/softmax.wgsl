// Softmax over the int8 channels of each pixel in fixed point, exactly that of
// `pocketvision_core::quant::QuantizedSoftmax`. One workgroup: one pixel. Needs
// fixed_point.wgsl and workgroup.wgsl.

struct Params {
    pixels: u32,
    quads: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<u32>;
// exp(-difference) with 31 fractional bits, by difference from the largest score; negative
// where it is too small to count.
@group(0) @binding(2) var<storage, read> exponentials: array<i32, 256>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;

// Integer bits of the sum of exponentials.
const SUM_INTEGER_BITS: u32 = 12u;

alias Sum = vec4<i32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    member: Member,
) {
    let local = member.index;
    let pixel = linear_workgroup(workgroup, workgroups);
    if pixel >= params.pixels {
        return;
    }
    let first = pixel * params.quads;

    var largest = vec4<i32>(-128);
    for (var quad = local; quad < params.quads; quad += WORKGROUP_SIZE) {
        let x = select(vec4<i32>(-128), unpack4xI8(input[first + quad]), is_channel(quad));
        largest = max(largest, x);
    }
    let most = largest_of_workgroup(member, largest);
    let maximum = max(max(most.x, most.y), max(most.z, most.w));

    var sums = vec4<i32>(0);
    for (var quad = local; quad < params.quads; quad += WORKGROUP_SIZE) {
        let values = max(exponentials_of(first, quad, maximum), vec4<i32>(0));
        sums += rounding_divide_by_power_of_two(values, vec4<u32>(SUM_INTEGER_BITS));
    }
    sums = sum_of_workgroup(member, sums);

    // The sum as (1 + x) * 2^-headroom, x in 0..1 with 31 fractional bits.
    let sum = bitcast<u32>(sums.x + sums.y + sums.z + sums.w);
    let headroom = countLeadingZeros(sum);
    let x = bitcast<i32>((sum << min(headroom, 31u)) - (1u << 31u));
    let mantissa = vec4<i32>(one_over_one_plus(x));
    let shift = SUM_INTEGER_BITS + 31u - 8u - headroom;

    for (var quad = local; quad < params.quads; quad += WORKGROUP_SIZE) {
        let values = exponentials_of(first, quad, maximum);
        let products = rounding_doubling_high_mul(mantissa, values);
        var scores = rounding_divide_by_power_of_two(products, vec4<u32>(min(shift, 31u)));
        if shift > 31u {
            // Less than half of 2^32 rounds to 0.
            scores = vec4<i32>(0);
        }
        let counted = select(vec4<i32>(0), scores, values >= vec4<i32>(0));
        output[first + quad] =
            pack4xI8(clamp(counted - 128, vec4<i32>(-128), vec4<i32>(127)));
    }
}

fn is_channel(quad: u32) -> vec4<bool> {
    return vec4<u32>(4u * quad) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.channels);
}

// The exponentials of four scores; negative where one does not count.
fn exponentials_of(first: u32, quad: u32, maximum: i32) -> vec4<i32> {
    let difference = vec4<u32>(vec4<i32>(maximum) - unpack4xI8(input[first + quad])) & vec4<u32>(0xffu);
    let values = vec4<i32>(
        exponentials[difference.x],
        exponentials[difference.y],
        exponentials[difference.z],
        exponentials[difference.w],
    );
    return select(vec4<i32>(-1), values, is_channel(quad));
}

// 1 / (1 + x) for x in 0..1, both with 31 fractional bits: Newton's method on half the
// denominator from the linear guess 48/17 - 32/17 d, three steps with 29 fractional bits.
fn one_over_one_plus(x: i32) -> i32 {
    // The mean of x and 1, rounded down, without overflow.
    let half_denominator = i32((u32(x) + 0x80000000u) >> 1u);
    var guess = 1515870810 + high_mul(half_denominator, -1010580540);
    for (var step = 0; step < 3; step++) {
        let error = (1 << 29u) - high_mul(half_denominator, guess);
        guess += quadruple(high_mul(guess, error));
    }
    return saturating_double(guess);
}

fn high_mul(a: i32, b: i32) -> i32 {
    return rounding_doubling_high_mul(vec4<i32>(a), vec4<i32>(b)).x;
}

fn quadruple(x: i32) -> i32 {
    return saturating_double(saturating_double(x));
}

fn saturating_double(x: i32) -> i32 {
    return clamp(x, -0x40000000, 0x3fffffff) * 2 + select(0, 1, x > 0x3fffffff);
}
