//! Protobuf's fields before they become messages.
//!
//! An empty message takes two bytes in a file and hundreds in memory. Counting fields first,
//! which needs no memory, keeps a small hostile file from filling it.

use std::io::Read;

use crate::error::{Problem, Result};

/// The head of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) number: u64,
    /// Bytes that follow the head.
    pub(crate) bytes: u64,
    /// True for messages, strings, and bytes; false for single numbers.
    pub(crate) is_delimited: bool,
}

impl Field {
    /// Reads the head of the next field, and adds its bytes to `head`.
    pub(crate) fn read(source: &mut impl Read, head: &mut Vec<u8>) -> Result<Self> {
        let key = varint(source, head)?;
        let (bytes, is_delimited) = match key & 7 {
            VARINT => {
                varint(source, head)?;
                (0, false)
            }
            FIXED_64 => (8, false),
            FIXED_32 => (4, false),
            LENGTH_DELIMITED => (varint(source, head)?, true),
            _ => return Err(Problem::NotOnnx),
        };
        Ok(Self { number: key >> 3, bytes, is_delimited })
    }
}

/// Which fields of a message are messages themselves, and what those consist of.
#[derive(Debug)]
pub(crate) struct Fields(&'static [(u64, &'static Fields)]);

impl Fields {
    /// What a field consists of; nothing we read, if it is not known.
    pub(crate) fn inside(&self, number: u64) -> &'static Self {
        self.0.iter().find(|(known, _)| *known == number).map_or(&OPAQUE, |(_, inside)| inside)
    }
}

pub(crate) static MODEL: Fields = Fields(&[(7, &GRAPH), (8, &LEAF), (14, &LEAF)]);
pub(crate) static GRAPH: Fields = Fields(&[(1, &NODE), (5, &TENSOR), (11, &VALUE), (12, &VALUE)]);
static NODE: Fields = Fields(&[(5, &ATTRIBUTE)]);
static ATTRIBUTE: Fields = Fields(&[(5, &TENSOR)]);
pub(crate) static TENSOR: Fields = Fields(&[(13, &LEAF)]);
static VALUE: Fields = Fields(&[(2, &VALUE_TYPE)]);
static VALUE_TYPE: Fields = Fields(&[(1, &TENSOR_TYPE)]);
static TENSOR_TYPE: Fields = Fields(&[(2, &SHAPE)]);
static SHAPE: Fields = Fields(&[(1, &LEAF)]);
/// A message without messages in it.
static LEAF: Fields = Fields(&[]);
/// Not a message.
static OPAQUE: Fields = Fields(&[]);

/// Walks over the fields of a message and of those in it; takes one from `left` for each.
pub(crate) fn check(mut bytes: &[u8], kind: &'static Fields, left: &mut usize) -> Result<()> {
    if std::ptr::eq(kind, &raw const OPAQUE) {
        return Ok(());
    }
    let mut head = Vec::with_capacity(20);
    while !bytes.is_empty() {
        *left = left.checked_sub(1).ok_or(TOO_MANY)?;
        head.clear();
        let field = Field::read(&mut bytes, &mut head)?;
        let skip = usize::try_from(field.bytes).map_err(|_| Problem::Truncated)?;
        let (inside, rest) = bytes.split_at_checked(skip).ok_or(Problem::Truncated)?;
        if field.is_delimited {
            check(inside, kind.inside(field.number), left)?;
        }
        bytes = rest;
    }
    Ok(())
}

fn varint(source: &mut impl Read, copy: &mut Vec<u8>) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        if source.read(&mut byte)? == 0 {
            return Err(Problem::Truncated);
        }
        copy.push(byte[0]);
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Problem::NotOnnx)
}

/// More fields than [`crate::MAX_FIELDS`].
pub(crate) const TOO_MANY: Problem =
    Problem::TooMany { what: "fields of messages", limit: crate::MAX_FIELDS };

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;
