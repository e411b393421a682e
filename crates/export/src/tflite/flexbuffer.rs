//! Attributes of custom operators: a map from names to numbers as a FlexBuffer.
//!
//! Every part is 32 bits wide: the names, the places of the names, then before the numbers where
//! the names are, and after them what each is; at the end where the numbers begin. Distances point
//! backwards.

/// A number of a map.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Integer(i32),
    Float(f32),
    Truth(bool),
}

/// The bytes of a map.
pub(super) fn map(numbers: &[(&str, Number)]) -> Vec<u8> {
    let mut numbers = numbers.to_vec();
    // Readers search by halves.
    numbers.sort_by_key(|(name, _)| *name);
    let mut bytes = Vec::new();
    let mut names_at = Vec::with_capacity(numbers.len());
    for (name, _) in &numbers {
        names_at.push(bytes.len());
        bytes.extend(name.bytes());
        bytes.push(0);
    }
    align(&mut bytes);
    push(&mut bytes, numbers.len());
    let keys_at = bytes.len();
    for name_at in names_at {
        let distance = bytes.len() - name_at;
        push(&mut bytes, distance);
    }
    let distance = bytes.len() - keys_at;
    push(&mut bytes, distance);
    push(&mut bytes, WIDTH);
    push(&mut bytes, numbers.len());
    let values_at = bytes.len();
    for (_, number) in &numbers {
        bytes.extend(match *number {
            Number::Integer(value) => value.to_le_bytes(),
            Number::Float(value) => value.to_le_bytes(),
            Number::Truth(value) => u32::from(value).to_le_bytes(),
        });
    }
    bytes.extend(numbers.iter().map(|(_, number)| packed(kind(*number))));
    align(&mut bytes);
    let distance = bytes.len() - values_at;
    push(&mut bytes, distance);
    bytes.extend([packed(MAP), WIDTH as u8]);
    bytes
}

const fn kind(number: Number) -> u8 {
    match number {
        Number::Integer(_) => INTEGER,
        Number::Float(_) => FLOAT,
        Number::Truth(_) => BOOLEAN,
    }
}

/// A type and the width of its value: 2 says 4 bytes.
const fn packed(kind: u8) -> u8 {
    (kind << 2) | 2
}

fn push(bytes: &mut Vec<u8>, value: usize) {
    bytes.extend((value as u32).to_le_bytes());
}

fn align(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(WIDTH), 0);
}

/// Bytes of a part.
const WIDTH: usize = 4;

const INTEGER: u8 = 1;
const FLOAT: u8 = 3;
const MAP: u8 = 9;
const BOOLEAN: u8 = 26;
