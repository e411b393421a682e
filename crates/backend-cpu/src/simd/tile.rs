//! What a kernel sees of the arena: its inputs, and its part of the output.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;
use pocketvision_core::Tensor;

use super::split::{Part, Split};

/// Where a step finds a tensor that it reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Bytes of the arena.
    Arena(Range<usize>),
    /// Bytes of one of the tensors that the caller of the network gave.
    Given {
        /// The tensor's number.
        input: usize,
        /// Its bytes.
        bytes: Range<usize>,
    },
}

/// The tensors that a step reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs<'a> {
    arena: *const u8,
    given: &'a [Tensor],
    places: &'a [Place],
}

impl<'a> Inputs<'a> {
    /// The tensors at `places`, in the arena at `arena` or among `given`.
    ///
    /// # Safety
    /// Ranges must lie inside the arena, and nobody may write there during `'a`.
    pub(super) const unsafe fn new(
        arena: *const u8,
        given: &'a [Tensor],
        places: &'a [Place],
    ) -> Self {
        Self { arena, given, places }
    }

    /// Tensors in ordinary memory.
    #[cfg(test)]
    pub(crate) fn with<R>(tensors: &[&[u8]], work: impl FnOnce(&Inputs<'_>) -> R) -> R {
        let mut arena = super::AlignedBytes::zeroed(tensors.iter().map(|t| t.len() + 64).sum());
        let (mut places, mut start) = (Vec::new(), 0);
        for tensor in tensors {
            let range = start..start + tensor.len();
            arena.bytes_mut()[range.clone()].copy_from_slice(tensor);
            start = range.end.next_multiple_of(64);
            places.push(Place::Arena(range));
        }
        // SAFETY: the ranges are inside the arena, which nobody else knows.
        work(&unsafe { Inputs::new(arena.bytes().as_ptr(), &[], &places) })
    }

    /// The bytes of one input.
    pub(crate) fn bytes(&self, index: usize) -> &'a [u8] {
        match &self.places[index] {
            // SAFETY: `new` promises that the range is inside the arena and not written to.
            Place::Arena(range) => unsafe {
                std::slice::from_raw_parts(self.arena.add(range.start), range.len())
            },
            Place::Given { input, bytes } => &self.given[*input].bytes()[bytes.clone()],
        }
    }

    /// The numbers of one input.
    pub(crate) fn numbers<T: Pod>(&self, index: usize) -> &'a [T] {
        bytemuck::cast_slice(self.bytes(index))
    }
}

/// The part of an output that one thread writes: some rows of a matrix, some bytes of each.
///
/// Rows and columns are counted in the whole matrix.
#[derive(Debug)]
pub(crate) struct Tile<'a> {
    /// Start of the whole matrix.
    matrix: *mut u8,
    row_bytes: usize,
    part: Part,
    exclusive: PhantomData<&'a mut [u8]>,
}

impl<'a> Tile<'a> {
    /// A part of the matrix at `matrix`.
    ///
    /// # Safety
    /// The matrix must be writable memory of `split.bytes()` bytes, and the part be nobody
    /// else's to read or write during `'a`.
    pub(super) const unsafe fn new(matrix: *mut u8, split: &Split, part: Part) -> Self {
        Self { matrix, row_bytes: split.row_bytes(), part, exclusive: PhantomData }
    }

    /// All of a matrix in ordinary memory.
    #[cfg(test)]
    pub(crate) fn whole(bytes: &'a mut [u8], row_bytes: usize) -> Self {
        let split = Split::rows(bytes.len() / row_bytes, row_bytes, 1);
        assert_eq!(split.bytes(), bytes.len(), "whole rows");
        // SAFETY: the memory is borrowed for `'a` by this tile alone.
        unsafe { Self::new(bytes.as_mut_ptr(), &split, split.part(0, 1)) }
    }

    /// A part of a matrix in ordinary memory.
    #[cfg(test)]
    pub(crate) fn part_of(bytes: &'a mut [u8], split: &Split, part: Part) -> Self {
        assert_eq!(split.bytes(), bytes.len(), "the whole matrix");
        // SAFETY: the memory is borrowed for `'a` by this tile alone.
        unsafe { Self::new(bytes.as_mut_ptr(), split, part) }
    }

    /// The rows of the matrix that are in the tile.
    pub(crate) fn rows(&self) -> Range<usize> {
        self.part.rows.clone()
    }

    /// The bytes of each row that are in the tile.
    pub(crate) fn columns(&self) -> Range<usize> {
        self.part.columns.clone()
    }

    /// The columns as numbers of so many bytes each.
    pub(crate) fn columns_of<T>(&self) -> Range<usize> {
        let size = size_of::<T>();
        self.part.columns.start / size..self.part.columns.end / size
    }

    /// Of a product with so many columns, those that are in the tile, where the product's first
    /// column is at `first_column`.
    pub(crate) fn columns_of_product<T>(
        &self,
        first_column: usize,
        columns: usize,
    ) -> Range<usize> {
        let own = self.columns_of::<T>();
        let end = own.end.saturating_sub(first_column).min(columns);
        own.start.saturating_sub(first_column).min(end)..end
    }

    /// The tile's bytes of one row.
    pub(crate) fn row(&mut self, row: usize) -> &mut [u8] {
        self.row_columns(row, self.part.columns.clone())
    }

    /// The tile's numbers of one row.
    pub(crate) fn row_of<T: Pod>(&mut self, row: usize) -> &mut [T] {
        bytemuck::cast_slice_mut(self.row(row))
    }

    /// The numbers of some rows of a tile that is as wide as the matrix.
    pub(crate) fn rows_of<T: Pod>(&mut self, rows: Range<usize>) -> &mut [T] {
        self.check(rows.clone(), &(0..self.row_bytes));
        let (start, length) = (rows.start * self.row_bytes, rows.len() * self.row_bytes);
        // SAFETY: full rows that follow each other, just checked to be in the part, which is
        // ours alone.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.matrix.add(start), length) };
        bytemuck::cast_slice_mut(bytes)
    }

    /// Some bytes of one row of the tile.
    pub(crate) fn row_columns(&mut self, row: usize, columns: Range<usize>) -> &mut [u8] {
        self.check(row..row + 1, &columns);
        // SAFETY: the part is ours alone, and was just checked to hold these bytes.
        unsafe {
            let start = self.matrix.add(row * self.row_bytes + columns.start);
            std::slice::from_raw_parts_mut(start, columns.len())
        }
    }

    /// Calls `write` for each run of bytes that follow each other in memory, with the offset
    /// of the first one in the whole matrix: once if the tile is as wide as the matrix.
    pub(crate) fn for_each_run(&mut self, mut write: impl FnMut(usize, &mut [u8])) {
        let part = self.part.clone();
        if part.columns.len() == self.row_bytes {
            let start = part.rows.start * self.row_bytes;
            write(start, self.rows_of(part.rows));
        } else {
            for row in part.rows {
                write(row * self.row_bytes + part.columns.start, self.row(row));
            }
        }
    }

    /// Where a block of rows and columns of the tile starts, for kernels that write several
    /// rows at once; rows are [`Self::row_stride`] apart.
    pub(super) fn block(&mut self, rows: Range<usize>, columns: Range<usize>) -> *mut u8 {
        let start = rows.start * self.row_bytes + columns.start;
        self.check(rows, &columns);
        // SAFETY: inside the matrix, as just checked.
        unsafe { self.matrix.add(start) }
    }

    /// Distance in bytes between rows.
    pub(super) const fn row_stride(&self) -> usize {
        self.row_bytes
    }

    /// Panics unless rows and columns are in the tile.
    fn check(&self, rows: Range<usize>, columns: &Range<usize>) {
        let Part { rows: own_rows, columns: own_columns } = &self.part;
        assert!(
            own_rows.start <= rows.start
                && rows.start <= rows.end
                && rows.end <= own_rows.end
                && own_columns.start <= columns.start
                && columns.start <= columns.end
                && columns.end <= own_columns.end,
            "rows {rows:?}, columns {columns:?} are outside of the tile {:?}",
            self.part
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "outside of the tile")]
    fn a_tile_ends_where_it_ends() {
        let mut bytes = [0; 12];
        Tile::whole(&mut bytes, 4).row(3);
    }
}
