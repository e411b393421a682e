//! The left side of a matrix product.

/// Rows of numbers, each `stride` after the one before. A kernel may read a row up to its
/// padded depth, so the last row must reach that far too.
///
/// That is a matrix, or what a window sees of an image: a row for each position of the window,
/// in `runs` of equal length for the rows of the kernel, and so many positions to a `line`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a, T> {
    /// The numbers, from the first of the first row.
    pub(crate) numbers: &'a [T],
    /// Distance between neighbouring rows of a line.
    pub(crate) stride: usize,
    /// Number of rows.
    pub(crate) count: usize,
    /// Rows of a line.
    pub(crate) line: usize,
    /// Distance between lines.
    pub(crate) line_stride: usize,
    /// Pieces of a row.
    pub(crate) runs: usize,
    /// Distance between a row's pieces.
    pub(crate) run_stride: usize,
}

impl<'a, T> Rows<'a, T> {
    /// Rows of a matrix.
    pub(crate) fn whole(numbers: &'a [T], stride: usize, count: usize) -> Self {
        Self { numbers, stride, count, line: count.max(1), line_stride: 0, runs: 1, run_stride: 0 }
    }

    /// Where a row starts.
    pub(crate) const fn start(&self, row: usize) -> usize {
        row / self.line * self.line_stride + row % self.line * self.stride
    }

    /// Rows of the same line from one on.
    pub(crate) fn left_in_line(&self, row: usize) -> usize {
        (self.line - row % self.line).min(self.count - row)
    }

    /// The first so many numbers of one row, which must be in one piece.
    pub(crate) fn row(&self, row: usize, depth: usize) -> &'a [T] {
        assert_eq!(self.runs, 1, "a row in pieces");
        &self.numbers[self.start(row)..][..depth]
    }

    /// Panics unless every row holds so many numbers, as many in each run.
    pub(crate) fn check_depth(&self, depth: usize) {
        assert!(self.runs > 0 && depth.is_multiple_of(self.runs), "runs of equal length");
        let row = (self.runs - 1) * self.run_stride + depth / self.runs;
        let last_of_first_line = self.start(self.line.min(self.count).saturating_sub(1));
        let last_line = self.start(self.count.saturating_sub(1) / self.line * self.line);
        let needed = if self.count == 0 { 0 } else { last_line + last_of_first_line + row };
        // Only the rows of an image overlap.
        let apart = self.line_stride > 0 || self.stride >= depth;
        assert!(apart && self.numbers.len() >= needed, "rows are too short");
    }
}
