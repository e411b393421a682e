//! The promise that a small file cannot fill the memory.

use crate::error::{Problem, Result};

/// Bytes that may still be copied out of a file.
///
/// A FlatBuffer may point at the same bytes from a thousand places, so that a file of a
/// megabyte could ask for a gigabyte of constants or names. Whatever is copied is charged
/// here first.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_bytes: usize,
    left_bytes: usize,
}

impl Budget {
    /// The budget of a file.
    pub(crate) fn for_file(file_bytes: usize) -> Self {
        let limit_bytes = file_bytes.saturating_mul(EXPANSION).saturating_add(BASE_BYTES);
        Self { limit_bytes, left_bytes: limit_bytes }
    }

    /// Takes bytes that are about to be allocated.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<()> {
        let left = self.left_bytes.checked_sub(bytes);
        self.left_bytes = left.ok_or(Problem::Expansion { limit_bytes: self.limit_bytes })?;
        Ok(())
    }
}

/// Int8 weights of a float network grow fourfold when they become f32, and the rest is
/// for constants that a file shares.
const EXPANSION: usize = 8;

/// So that names may be shared in the smallest of files.
const BASE_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_runs_out() {
        let mut budget = Budget::for_file(1000);
        budget.charge(BASE_BYTES).unwrap();
        budget.charge(8000).unwrap();
        assert!(matches!(budget.charge(1), Err(Problem::Expansion { limit_bytes: 1_056_576 })));
    }
}
