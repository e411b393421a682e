// Four neighbouring f32 channels, for shaders that only move numbers.

alias Quad = vec4<f32>;
alias Lane = f32;

fn lane(quad: Quad, index: u32) -> Lane {
    return quad[index];
}

fn quad_of(a: Lane, b: Lane, c: Lane, d: Lane) -> Quad {
    return vec4<f32>(a, b, c, d);
}

fn quad_of_word(word: u32) -> Quad {
    return vec4<f32>(bitcast<f32>(word));
}
