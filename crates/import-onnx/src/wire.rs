//! A look at a file's size in messages before any of them is made.
//!
//! An empty message takes two bytes in a file and hundreds in memory. Counting fields first,
//! which needs no memory, keeps a small hostile file from filling it.

use crate::error::{Problem, Result};

/// Refuses a model with more than [`crate::MAX_FIELDS`] fields in the messages that are read.
pub(crate) fn check(model: &[u8]) -> Result<()> {
    let mut left = crate::MAX_FIELDS;
    count(model, &MODEL, &mut left)
}

/// Which fields of a message are messages themselves, and of which kind.
struct Kind(&'static [(u64, &'static Kind)]);

static MODEL: Kind = Kind(&[(7, &GRAPH), (8, &LEAF), (14, &LEAF)]);
static GRAPH: Kind = Kind(&[(1, &NODE), (5, &TENSOR), (11, &VALUE), (12, &VALUE)]);
static NODE: Kind = Kind(&[(5, &ATTRIBUTE)]);
static ATTRIBUTE: Kind = Kind(&[(5, &TENSOR)]);
static TENSOR: Kind = Kind(&[(13, &LEAF)]);
static VALUE: Kind = Kind(&[(2, &VALUE_TYPE)]);
static VALUE_TYPE: Kind = Kind(&[(1, &TENSOR_TYPE)]);
static TENSOR_TYPE: Kind = Kind(&[(2, &SHAPE)]);
static SHAPE: Kind = Kind(&[(1, &LEAF)]);
static LEAF: Kind = Kind(&[]);

fn count(mut bytes: &[u8], kind: &Kind, left: &mut usize) -> Result<()> {
    while !bytes.is_empty() {
        *left = left
            .checked_sub(1)
            .ok_or(Problem::TooMany { what: "fields of messages", limit: crate::MAX_FIELDS })?;
        let key = varint(&mut bytes)?;
        let skip = match key & 7 {
            VARINT => {
                varint(&mut bytes)?;
                continue;
            }
            FIXED_64 => 8,
            FIXED_32 => 4,
            LENGTH_DELIMITED => {
                let length = varint(&mut bytes)?;
                usize::try_from(length).map_err(|_| Problem::Truncated)?
            }
            _ => return Err(Problem::NotOnnx),
        };
        let (field, rest) = bytes.split_at_checked(skip).ok_or(Problem::Truncated)?;
        if key & 7 == LENGTH_DELIMITED
            && let Some((_, inner)) = kind.0.iter().find(|(number, _)| *number == key >> 3)
        {
            count(field, inner, left)?;
        }
        bytes = rest;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Problem::Truncated)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Problem::NotOnnx)
}

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;
