//! A reader of FlatBuffers that believes nothing.
//!
//! A FlatBuffer is a tree of tables. A table starts with the distance back to its *vtable*,
//! a list of 16-bit offsets, one for each field that the schema numbers; 0 or a vtable that
//! ends early means that the field has its default. Vectors, strings and tables that a field
//! refers to lie at a 32-bit distance forward. Every distance is checked when it is
//! followed, nothing is copied, and nothing recurses, so that a lookup costs the same in a
//! hostile file as in a good one. Alignment is not required.

use std::cell::Cell;
use std::marker::PhantomData;

use thiserror::Error;

/// Where a file stops making sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("byte {at}: {what}; the file is cut short or damaged")]
pub struct Damage {
    /// Offset in the file.
    pub at: usize,
    /// What was being read there.
    pub what: &'static str,
}

/// The bytes of a file, and how far they have been read.
#[derive(Debug)]
pub(crate) struct File<'a> {
    bytes: &'a [u8],
    furthest: Cell<usize>,
    data_after: Cell<bool>,
}

/// One table of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    file: &'a File<'a>,
    start: usize,
    /// The vtable without its own four-byte head.
    field_offsets: &'a [u8],
}

impl<'a> File<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, furthest: Cell::new(0), data_after: Cell::new(false) }
    }

    /// Whether data that follows the FlatBuffer was read.
    pub(crate) const fn has_data_after(&self) -> bool {
        self.data_after.get()
    }

    /// How many bytes there are up to the last one that was looked at.
    pub(crate) const fn furthest(&self) -> usize {
        self.furthest.get()
    }

    fn slice(&self, at: usize, length: usize, what: &'static str) -> Result<&'a [u8], Damage> {
        let end = add(at, length)?;
        let slice = self.bytes.get(at..end).ok_or(Damage { at, what })?;
        self.furthest.set(self.furthest.get().max(end));
        Ok(slice)
    }

    fn scalar<T: Scalar>(&self, at: usize, what: &'static str) -> Result<T, Damage> {
        self.slice(at, T::SIZE, what).map(T::read)
    }

    fn follow(&self, at: usize) -> Result<usize, Damage> {
        add(at, self.scalar::<u32>(at, "a reference")? as usize)
    }
}

impl<'a> Table<'a> {
    /// The table that the file's first four bytes point to.
    pub(crate) fn root(file: &'a File<'a>) -> Result<Self, Damage> {
        Self::at(file, file.follow(0)?)
    }

    fn at(file: &'a File<'a>, start: usize) -> Result<Self, Damage> {
        let back = i64::from(file.scalar::<i32>(start, "a table")?);
        let damage = Damage { at: start, what: "a table's field list lies outside the file" };
        let vtable = usize::try_from(start as i64 - back).map_err(|_| damage)?;
        let length = file.scalar::<u16>(vtable, "a field list")?;
        let field_offsets = file.slice(vtable, length.into(), "a field list")?;
        let field_offsets = field_offsets.get(VTABLE_HEAD_BYTES..).ok_or(damage)?;
        let table_bytes = file.scalar::<u16>(vtable + 2, "a field list")?;
        file.slice(start, table_bytes.into(), "a table")?;
        Ok(Self { file, start, field_offsets })
    }

    /// A number, or the schema's default where the file leaves it out.
    pub(crate) fn scalar<T: Scalar>(&self, slot: usize, default: T) -> Result<T, Damage> {
        let read = |at| self.file.scalar(at, "a field");
        self.field(slot)?.map_or(Ok(default), read)
    }

    /// A table, if the file has it.
    pub(crate) fn table(&self, slot: usize) -> Result<Option<Self>, Damage> {
        let read = |at| Self::at(self.file, self.file.follow(at)?);
        self.field(slot)?.map(read).transpose()
    }

    /// A vector of numbers; empty if the file leaves it out.
    pub(crate) fn vector<T: Scalar>(&self, slot: usize) -> Result<Vector<'a, T>, Damage> {
        let bytes = self.items(slot, T::SIZE)?.map_or(&[][..], |(_, bytes)| bytes);
        Ok(Vector { bytes, scalar: PhantomData })
    }

    /// A vector of tables; empty if the file leaves it out.
    pub(crate) fn tables(&self, slot: usize) -> Result<Tables<'a>, Damage> {
        let (start, bytes) = self.items(slot, OFFSET_BYTES)?.unwrap_or((0, &[]));
        Ok(Tables { file: self.file, start, length: bytes.len() / OFFSET_BYTES })
    }

    /// Raw bytes; empty if the file leaves them out.
    pub(crate) fn bytes(&self, slot: usize) -> Result<&'a [u8], Damage> {
        Ok(self.items(slot, 1)?.map_or(&[], |(_, bytes)| bytes))
    }

    /// Raw bytes that follow the FlatBuffer.
    pub(crate) fn data_after(&self, at: u64, length: u64) -> Result<&'a [u8], Damage> {
        let what = "a buffer's data";
        let (Ok(start), Ok(length)) = (usize::try_from(at), usize::try_from(length)) else {
            return Err(Damage { at: usize::MAX, what });
        };
        self.file.data_after.set(true);
        self.file.slice(start, length, what)
    }

    /// True if the file has the field.
    pub(crate) fn has(&self, slot: usize) -> Result<bool, Damage> {
        Ok(self.field(slot)?.is_some())
    }

    /// Position of a field's value.
    fn field(&self, slot: usize) -> Result<Option<usize>, Damage> {
        let Some(entry) = self.field_offsets.get(2 * slot..2 * slot + 2) else { return Ok(None) };
        let offset = usize::from(u16::read(entry));
        Ok(if offset == 0 { None } else { Some(add(self.start, offset)?) })
    }

    /// Position and bytes of a vector's items.
    fn items(&self, slot: usize, item_bytes: usize) -> Result<Option<(usize, &'a [u8])>, Damage> {
        let Some(at) = self.field(slot)? else { return Ok(None) };
        let vector = self.file.follow(at)?;
        let length = self.file.scalar::<u32>(vector, "a vector's length")? as usize;
        let start = add(vector, OFFSET_BYTES)?;
        let damage = Damage { at: vector, what: "a vector longer than memory" };
        let bytes = length.checked_mul(item_bytes).ok_or(damage)?;
        Ok(Some((start, self.file.slice(start, bytes, "a vector's items")?)))
    }
}

/// A vector of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vector<'a, T> {
    bytes: &'a [u8],
    scalar: PhantomData<T>,
}

impl<'a, T: Scalar> Vector<'a, T> {
    /// Bytes that hold little-endian numbers; a remainder is dropped.
    pub(crate) const fn from_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes, scalar: PhantomData }
    }

    pub(crate) const fn len(&self) -> usize {
        self.bytes.len() / T::SIZE
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn get(&self, index: usize) -> Option<T> {
        self.iter().nth(index)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = T> + Clone + use<'a, T> {
        self.bytes.chunks_exact(T::SIZE).map(T::read)
    }
}

/// A vector of tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tables<'a> {
    file: &'a File<'a>,
    start: usize,
    length: usize,
}

impl<'a> Tables<'a> {
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// One table, if there are that many.
    pub(crate) fn get(&self, index: usize) -> Result<Option<Table<'a>>, Damage> {
        if index >= self.length {
            return Ok(None);
        }
        let at = self.file.follow(self.start + index * OFFSET_BYTES)?;
        Table::at(self.file, at).map(Some)
    }
}

/// A number as FlatBuffers store it: little-endian.
pub(crate) trait Scalar: Copy {
    const SIZE: usize;

    /// Reads [`Self::SIZE`] bytes.
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! scalars {
    ($($number:ty),*) => {$(
        impl Scalar for $number {
            const SIZE: usize = size_of::<Self>();

            fn read(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("as many bytes as asked for"))
            }
        }
    )*};
}
scalars!(i8, u8, u16, i32, u32, i64, u64, f32);

fn add(at: usize, distance: usize) -> Result<usize, Damage> {
    at.checked_add(distance).ok_or(Damage { at, what: "a reference past the end of memory" })
}

const OFFSET_BYTES: usize = 4;
const VTABLE_HEAD_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A root table at byte 14, its field list at byte 4: an i32, nothing, a vector of i32.
    fn file() -> Vec<u8> {
        let field_list = [10u16, 12, 4, 0, 8].map(u16::to_le_bytes);
        let table = [10, -7, 4, 2, 1, 2].map(i32::to_le_bytes);
        [&14u32.to_le_bytes()[..], field_list.as_flattened(), table.as_flattened()].concat()
    }

    #[test]
    fn fields_are_found_by_slot() {
        let bytes = file();
        let file = File::new(&bytes);
        let table = Table::root(&file).unwrap();
        assert_eq!(table.scalar(0, 5i32).unwrap(), -7);
        assert_eq!(table.scalar(1, 5i32).unwrap(), 5);
        assert_eq!(table.vector::<i32>(2).unwrap().iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(table.scalar(3, 5i32).unwrap(), 5);
        assert!(table.bytes(9).unwrap().is_empty());
    }

    #[test]
    fn what_lies_beyond_the_end_is_refused() {
        let bytes = file();
        let file = File::new(&bytes[..bytes.len() - 1]);
        let damage = Table::root(&file).unwrap().vector::<i32>(2).unwrap_err();
        assert_eq!(damage.what, "a vector's items");
        assert!(Table::root(&File::new(&bytes[..3])).is_err());
        assert!(Table::root(&File::new(&[0xff; 64])).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, slot in 0usize..8) {
            let file = File::new(&bytes);
            let Ok(table) = Table::root(&file) else { return Ok(()) };
            let _ = table.scalar(slot, 0i64);
            let _ = table.vector::<f32>(slot).map(|v| v.iter().count());
            let _ = table.bytes(slot);
            let _ = table.table(slot);
            if let Ok(tables) = table.tables(slot) {
                for index in 0..tables.len() {
                    let _ = tables.get(index);
                }
            }
        }
    }
}
