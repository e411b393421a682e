// Functions of one byte, looked up. Needs a `table` of 256 bytes for each, by the byte as stored,
// four to a word, least significant first.

fn look_up(function: u32, quad: u32) -> u32 {
    let bytes = unpack4xU8(quad);
    return pack4xU8(vec4<u32>(
        entry(function, bytes.x),
        entry(function, bytes.y),
        entry(function, bytes.z),
        entry(function, bytes.w),
    ));
}

// What the functions after a layer make of its bytes, if there are any.
fn followed(quad: u32) -> u32 {
    if HAS_TABLE {
        return look_up(0u, quad);
    }
    return quad;
}

fn entry(function: u32, byte: u32) -> u32 {
    return (table[64u * function + byte / 4u] >> (8u * (byte % 4u))) & 0xffu;
}
