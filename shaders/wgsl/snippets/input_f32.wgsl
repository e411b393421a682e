// What a float shader reads: floats as they are stored. Needs an `input` of these.

alias Input = Stored;

// The quad of a number.
fn load(quad: u32) -> vec4<f32> {
    return vec4<f32>(input[quad]);
}
