//! The left side of a matrix product.

/// Rows of numbers, each `stride` after the one before. A kernel may read a row up to its
/// padded depth, so the last row must reach that far too.
///
/// A row may lie in pieces: `runs` of equal length, `run_stride` from start to start. That is
/// how a window sees an image, one run for each row of the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a, T> {
    /// The numbers, from the first of the first row.
    pub(crate) numbers: &'a [T],
    /// Distance between rows.
    pub(crate) stride: usize,
    /// Number of rows.
    pub(crate) count: usize,
    /// Pieces of a row.
    pub(crate) runs: usize,
    /// Distance between a row's pieces.
    pub(crate) run_stride: usize,
}

impl<'a, T> Rows<'a, T> {
    /// Rows in one piece.
    pub(crate) fn whole(numbers: &'a [T], stride: usize, count: usize) -> Self {
        Self { numbers, stride, count, runs: 1, run_stride: 0 }
    }

    /// The first so many numbers of one row, which must be in one piece.
    pub(crate) fn row(&self, row: usize, depth: usize) -> &'a [T] {
        assert_eq!(self.runs, 1, "a row in pieces");
        &self.numbers[row * self.stride..][..depth]
    }

    /// Panics unless every row holds so many numbers, as many in each run.
    pub(crate) fn check_depth(&self, depth: usize) {
        assert!(self.runs > 0 && depth.is_multiple_of(self.runs), "runs of equal length");
        let row = (self.runs - 1) * self.run_stride + depth / self.runs;
        let needed = self.count.checked_sub(1).map_or(0, |last| last * self.stride + row);
        let apart = self.runs > 1 || self.stride >= depth;
        assert!(apart && self.numbers.len() >= needed, "rows are too short");
    }
}
