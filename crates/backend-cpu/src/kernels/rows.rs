//! The left side of a matrix product.

/// Rows of numbers, each `stride` after the one before. A kernel may read a row up to its
/// padded depth, so the last row must reach that far too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a, T> {
    /// The numbers, from the first of the first row.
    pub(crate) numbers: &'a [T],
    /// Distance between rows.
    pub(crate) stride: usize,
    /// Number of rows.
    pub(crate) count: usize,
}

impl<'a, T> Rows<'a, T> {
    /// The first so many numbers of one row.
    pub(crate) fn row(&self, row: usize, depth: usize) -> &'a [T] {
        &self.numbers[row * self.stride..][..depth]
    }

    /// Panics unless every row holds so many numbers.
    pub(crate) fn check_depth(&self, depth: usize) {
        let needed = self.count.checked_sub(1).map_or(0, |last| last * self.stride + depth);
        assert!(self.stride >= depth && self.numbers.len() >= needed, "rows are too short");
    }
}
