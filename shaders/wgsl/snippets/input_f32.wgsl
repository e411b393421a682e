// What a float shader reads: floats as they are stored.

alias Input = Stored;

fn real(quad: Input) -> vec4<f32> {
    return vec4<f32>(quad);
}
