// Four neighbouring float channels, for shaders that only move numbers.

alias Quad = Stored;
alias Lane = f32;

fn lane(quad: Quad, index: u32) -> Lane {
    return f32(quad[index]);
}

fn quad_of(a: Lane, b: Lane, c: Lane, d: Lane) -> Quad {
    return Stored(vec4<f32>(a, b, c, d));
}

fn quad_of_word(word: u32) -> Quad {
    return Stored(vec4<f32>(bitcast<f32>(word)));
}
