// Products of four int8 inputs with four int8 weights of each of four output channels.

fn dot_four_channels(input: u32, weight: vec4<u32>) -> vec4<i32> {
    return vec4<i32>(
        dot4I8Packed(input, weight.x),
        dot4I8Packed(input, weight.y),
        dot4I8Packed(input, weight.z),
        dot4I8Packed(input, weight.w),
    );
}

fn sum_of_lanes(input: u32) -> i32 {
    return dot4I8Packed(input, 0x01010101u);
}
