//! Bytes that start at a cache line.

use bytemuck::{Pod, Zeroable};

/// A block of bytes whose start is aligned for every element type and vector.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlignedBytes {
    lines: Vec<Line>,
}

/// One cache line, one AVX-512 vector.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl AlignedBytes {
    /// Zeros, at least so many; `None` if there is not so much memory.
    pub(crate) fn try_zeroed(bytes: usize) -> Option<Self> {
        let count = bytes.div_ceil(64);
        let mut lines = Vec::new();
        lines.try_reserve_exact(count).ok()?;
        ask_for_huge_pages(&mut lines);
        lines.resize(count, Line::zeroed());
        Some(Self { lines })
    }

    /// Zeros, at least so many.
    pub(crate) fn zeroed(bytes: usize) -> Self {
        Self { lines: vec![Line::zeroed(); bytes.div_ceil(64)] }
    }

    /// Numbers copied to the start of a cache line.
    pub(crate) fn copied<T: Pod>(numbers: &[T]) -> Self {
        let source: &[u8] = bytemuck::cast_slice(numbers);
        let mut bytes = Self::zeroed(source.len());
        bytes.bytes_mut()[..source.len()].copy_from_slice(source);
        bytes
    }

    /// Number of bytes, a multiple of 64.
    pub(crate) const fn len(&self) -> usize {
        self.lines.len() * 64
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.lines)
    }

    /// The bytes, to be overwritten.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.lines)
    }

    /// The bytes as numbers.
    pub(crate) fn as_slice<T: Pod>(&self) -> &[T] {
        bytemuck::cast_slice(&self.lines)
    }
}

/// Asks for pages of 2 MiB where memory holds some of them: a network that streams through its
/// tensors looks up fewer addresses then. Nothing depends on the answer.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages(lines: &mut Vec<Line>) {
    const HUGE_PAGE: usize = 2 << 20;
    let room = lines.spare_capacity_mut();
    let (start, bytes) = (room.as_mut_ptr() as usize, size_of_val(room));
    let first = start.next_multiple_of(HUGE_PAGE);
    let end = (start + bytes) / HUGE_PAGE * HUGE_PAGE;
    if first < end {
        let pages = room.as_mut_ptr().wrapping_byte_add(first - start);
        // SAFETY: whole pages inside of memory that is allocated and not in use yet. The advice
        // changes how it is mapped, not what it holds.
        let _ = unsafe { libc::madvise(pages.cast(), end - first, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages(_: &mut Vec<Line>) {}
