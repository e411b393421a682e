//! The promise that a small file cannot fill the memory.

use crate::error::{Problem, Result};

/// Bytes of constants that may still be made from a file.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_bytes: usize,
    left_bytes: usize,
}

impl Budget {
    /// The budget of a file.
    pub(crate) fn for_file(file_bytes: usize) -> Self {
        let mut budget = Self { limit_bytes: BASE_BYTES, left_bytes: BASE_BYTES };
        budget.grow(file_bytes);
        budget
    }

    /// More bytes were read, from another file.
    pub(crate) fn grow(&mut self, file_bytes: usize) {
        let more = file_bytes.saturating_mul(EXPANSION);
        self.limit_bytes = self.limit_bytes.saturating_add(more);
        self.left_bytes = self.left_bytes.saturating_add(more);
    }

    /// Takes bytes that are about to be allocated.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<()> {
        let left = self.left_bytes.checked_sub(bytes);
        self.left_bytes = left.ok_or(Problem::Expansion { limit_bytes: self.limit_bytes })?;
        Ok(())
    }
}

/// Int8 weights become f32 four times as large, are reordered, and batch normalization is
/// folded into them: three copies.
const EXPANSION: usize = 12;

/// So that shapes may be computed in the smallest of files.
const BASE_BYTES: usize = 16 << 20;
