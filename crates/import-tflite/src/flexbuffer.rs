//! Attributes of custom operators: a map from names to numbers as a FlexBuffer.
//!
//! A FlexBuffer is read from its end: the last byte says how wide the root value is, the one
//! before it what it is, and before that lies the value. A map is a vector of values whose types
//! follow it, one byte each; before it lie its length, and where the vector of its keys is.
//! Distances point backwards. As with the rest of the file nothing is believed: every place is
//! checked, nothing recurses, and a look-up reads each key once.

use crate::flatbuffer::{Damage, Scalar};

/// A map from names to numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Map<'a> {
    bytes: &'a [u8],
    /// Where its values begin, and the bytes of each.
    values: usize,
    width: usize,
    /// Where its keys begin, and the bytes of each.
    keys: usize,
    key_width: usize,
    length: usize,
}

/// A number of a map.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Number {
    Integer(i64),
    Float(f64),
}

impl Number {
    pub(crate) const fn as_f64(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }
}

impl<'a> Map<'a> {
    /// The map that a FlexBuffer is.
    pub(crate) fn root(bytes: &'a [u8]) -> Result<Self, Damage> {
        let damage = Damage { at: bytes.len(), what: "attributes that are no map of numbers" };
        let [.., packed, width] = *bytes else { return Err(damage) };
        let at = (bytes.len() - 2).checked_sub(width.into()).ok_or(damage)?;
        if packed >> 2 != MAP {
            return Err(damage);
        }
        let values = back(at, read_unsigned(bytes, at, width.into())?)?;
        let width = 1usize << (packed & 3);
        let before = |words: usize| values.checked_sub(words * width).ok_or(damage);
        let length = read_unsigned(bytes, before(1)?, width)? as usize;
        let key_width = read_unsigned(bytes, before(2)?, width)? as usize;
        let keys = back(before(3)?, read_unsigned(bytes, before(3)?, width)?)?;
        if length > LONGEST_MAP || ![1, 2, 4, 8].contains(&key_width) {
            return Err(damage);
        }
        Ok(Self { bytes, values, width, keys, key_width, length })
    }

    /// The number of a name, if the map has it.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Number>, Damage> {
        for index in 0..self.length {
            let at = self.keys + index * self.key_width;
            let name = back(at, read_unsigned(self.bytes, at, self.key_width)?)?;
            let found = self.bytes.get(name..).unwrap_or_default();
            if found.starts_with(key.as_bytes()) && found.get(key.len()) == Some(&0) {
                return self.number(index).map(Some);
            }
        }
        Ok(None)
    }

    fn number(&self, index: usize) -> Result<Number, Damage> {
        let at = self.values + index * self.width;
        let place = self.values + self.length * self.width + index;
        let damage = Damage { at: place, what: "the type of an attribute" };
        let packed = *self.bytes.get(place).ok_or(damage)?;
        let indirect = || back(at, read_unsigned(self.bytes, at, self.width)?);
        let indirect_width = 1usize << (packed & 3);
        match packed >> 2 {
            INTEGER => read_signed(self.bytes, at, self.width).map(Number::Integer),
            UNSIGNED | BOOLEAN => {
                let unsigned = read_unsigned(self.bytes, at, self.width)?;
                Ok(Number::Integer(i64::try_from(unsigned).unwrap_or(i64::MAX)))
            }
            FLOAT => read_float(self.bytes, at, self.width).map(Number::Float),
            INDIRECT_INTEGER => {
                read_signed(self.bytes, indirect()?, indirect_width).map(Number::Integer)
            }
            INDIRECT_FLOAT => {
                read_float(self.bytes, indirect()?, indirect_width).map(Number::Float)
            }
            _ => Err(damage),
        }
    }
}

/// A place so far before another one.
fn back(at: usize, distance: u64) -> Result<usize, Damage> {
    let place = usize::try_from(distance).ok().and_then(|distance| at.checked_sub(distance));
    place.ok_or(Damage { at, what: "a distance within attributes" })
}

fn read<T: Scalar>(bytes: &[u8], at: usize) -> Result<T, Damage> {
    let end = at.saturating_add(T::SIZE);
    bytes.get(at..end).map(T::read).ok_or(Damage { at, what: "an attribute" })
}

fn read_unsigned(bytes: &[u8], at: usize, width: usize) -> Result<u64, Damage> {
    match width {
        1 => read::<u8>(bytes, at).map(u64::from),
        2 => read::<u16>(bytes, at).map(u64::from),
        4 => read::<u32>(bytes, at).map(u64::from),
        8 => read::<u64>(bytes, at),
        _ => Err(Damage { at, what: "the width of an attribute" }),
    }
}

fn read_signed(bytes: &[u8], at: usize, width: usize) -> Result<i64, Damage> {
    let unsigned = read_unsigned(bytes, at, width)?;
    let unused = 64 - 8 * width as u32;
    Ok((unsigned << unused).cast_signed() >> unused)
}

fn read_float(bytes: &[u8], at: usize, width: usize) -> Result<f64, Damage> {
    match width {
        4 => read::<f32>(bytes, at).map(f64::from),
        8 => read_unsigned(bytes, at, 8).map(f64::from_bits),
        _ => Err(Damage { at, what: "the width of a number with a fraction" }),
    }
}

/// `flexbuffers::Type`.
const INTEGER: u8 = 1;
const UNSIGNED: u8 = 2;
const FLOAT: u8 = 3;
const INDIRECT_INTEGER: u8 = 6;
const INDIRECT_FLOAT: u8 = 8;
const MAP: u8 = 9;
const BOOLEAN: u8 = 26;

/// More attributes than any operator has.
const LONGEST_MAP: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `{"a": 7, "b": 0.5, "on": true}` as the reference implementation writes it.
    const BYTES: &[u8] = &[
        b'a', 0, b'b', 0, b'o', b'n', 0, // keys
        3, 8, 7, 6, // a vector of three keys, a byte each
        0, // padding
        4, 0, 0, 0, // distance to the keys, from here
        1, 0, 0, 0, // bytes of a key
        3, 0, 0, 0, // length
        7, 0, 0, 0, // "a"
        0, 0, 0, 0x3f, // "b"
        1, 0, 0, 0, // "on"
        4, 14, 104, // types
        15, 38, 1, // the root
    ];

    #[test]
    fn numbers_are_found_by_name() {
        let map = Map::root(BYTES).unwrap();
        assert_eq!(map.get("a"), Ok(Some(Number::Integer(7))));
        assert_eq!(map.get("b"), Ok(Some(Number::Float(0.5))));
        assert_eq!(map.get("on"), Ok(Some(Number::Integer(1))));
        assert_eq!(map.get("o"), Ok(None));
        assert_eq!(map.get(""), Ok(None));
    }

    #[test]
    fn a_map_that_is_cut_short_is_refused() {
        for length in 0..BYTES.len() {
            assert!(Map::root(&BYTES[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_map_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            place in 0..BYTES.len(), value: u8,
        ) {
            let mut damaged = BYTES.to_vec();
            damaged[place] = value;
            for bytes in [&bytes, &damaged] {
                if let Ok(map) = Map::root(bytes) {
                    for key in ["a", "b", "on", "", "absent"] {
                        let _ = map.get(key);
                    }
                }
            }
        }
    }
}
