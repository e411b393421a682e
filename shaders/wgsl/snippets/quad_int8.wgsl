// Four neighbouring int8 or uint8 channels in one word, for shaders that only move numbers.

alias Quad = u32;
alias Lane = u32;

fn lane(quad: Quad, index: u32) -> Lane {
    return (quad >> (8u * index)) & 0xffu;
}

fn quad_of(a: Lane, b: Lane, c: Lane, d: Lane) -> Quad {
    return a | (b << 8u) | (c << 16u) | (d << 24u);
}

fn quad_of_word(word: u32) -> Quad {
    return word;
}
