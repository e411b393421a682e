//! How a step's output is divided among threads.

use std::ops::Range;

/// An output seen as a matrix of bytes, and the direction in which it is cut into parts.
///
/// Rows are what a kernel works on one by one, mostly pixels; a row's bytes are mostly its
/// channels. Parts are cut at multiples of a granule and never overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Split {
    rows: usize,
    row_bytes: usize,
    along: Along,
}

/// The direction of the cuts, and the distance that they are multiples of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Along {
    Rows { granule: usize },
    Columns { granule_bytes: usize },
}

/// What one thread computes at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// Its rows.
    pub(crate) rows: Range<usize>,
    /// Its bytes of each row.
    pub(crate) columns: Range<usize>,
}

impl Split {
    /// Cut between rows.
    pub(crate) const fn rows(rows: usize, row_bytes: usize, granule: usize) -> Self {
        Self { rows, row_bytes, along: Along::Rows { granule } }
    }

    /// Cut between columns: every thread works on each row.
    pub(crate) const fn columns(rows: usize, row_bytes: usize, granule_bytes: usize) -> Self {
        Self { rows, row_bytes, along: Along::Columns { granule_bytes } }
    }

    /// A run of bytes without rows, cut at cache lines.
    pub(crate) const fn flat(bytes: usize) -> Self {
        Self::columns(1, bytes, 64)
    }

    /// Cut in the direction that leaves the busiest of so many threads the least to do;
    /// between rows if both are as good.
    pub(crate) fn balanced(
        rows: usize,
        row_bytes: usize,
        row_granule: usize,
        column_granule_bytes: usize,
        threads: usize,
    ) -> Self {
        // Share of the busiest thread, by whole granules; the last one may be smaller.
        let busiest = |size: usize, granule: usize| {
            let most = size.div_ceil(granule).div_ceil(threads) * granule;
            most.min(size) as f64 / size.max(1) as f64
        };
        if busiest(rows, row_granule) <= busiest(row_bytes, column_granule_bytes) {
            Self::rows(rows, row_bytes, row_granule)
        } else {
            Self::columns(rows, row_bytes, column_granule_bytes)
        }
    }

    /// Bytes of the whole output.
    pub(crate) const fn bytes(&self) -> usize {
        self.rows * self.row_bytes
    }

    /// Distance in bytes between two rows.
    pub(crate) const fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// The most parts that are not empty.
    pub(crate) const fn granules(&self) -> usize {
        match self.along {
            Along::Rows { granule } => self.rows.div_ceil(granule),
            Along::Columns { granule_bytes } => self.row_bytes.div_ceil(granule_bytes),
        }
    }

    /// One of so many parts.
    pub(crate) fn part(&self, index: usize, parts: usize) -> Part {
        let cut = |size: usize, granule: usize| {
            let granules = size.div_ceil(granule);
            let at = |index: usize| (granules * index / parts * granule).min(size);
            at(index)..at(index + 1)
        };
        match self.along {
            Along::Rows { granule } => {
                Part { rows: cut(self.rows, granule), columns: 0..self.row_bytes }
            }
            Along::Columns { granule_bytes } => {
                Part { rows: 0..self.rows, columns: cut(self.row_bytes, granule_bytes) }
            }
        }
    }
}

impl Part {
    /// True if there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() || self.columns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_row_is_cut_between_columns() {
        assert_eq!(Split::balanced(1, 1001, 7, 64, 2), Split::columns(1, 1001, 64));
        assert_eq!(Split::balanced(784, 32, 14, 64, 2), Split::rows(784, 32, 14));
        // 28 of 49 rows, or half of the columns.
        assert_eq!(Split::balanced(49, 1280, 14, 128, 2), Split::columns(49, 1280, 128));
    }

    proptest! {
        /// The executor's safety rests on this.
        #[test]
        fn parts_cover_every_byte_once(
            rows in 1usize..40, row_bytes in 1usize..40, granule in 1usize..9,
            parts in 1usize..7, by_rows: bool,
        ) {
            let split = if by_rows {
                Split::rows(rows, row_bytes, granule)
            } else {
                Split::columns(rows, row_bytes, granule)
            };
            let mut owners = vec![0; rows * row_bytes];
            for index in 0..parts {
                let part = split.part(index, parts);
                prop_assert!(parts > split.granules() || !part.is_empty());
                for row in part.rows {
                    for column in part.columns.clone() {
                        owners[row * row_bytes + column] += 1;
                    }
                }
            }
            prop_assert!(owners.iter().all(|&count| count == 1));
        }
    }
}
