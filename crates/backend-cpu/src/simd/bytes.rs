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
