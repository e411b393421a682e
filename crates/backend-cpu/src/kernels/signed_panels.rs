//! int8 weights in panels, for products of signed bytes.

use crate::simd::AlignedBytes;

/// Weights as they are, in panels of 8 channels: for each block of neighbouring k, those of one
/// channel after those of the other. What is missing in depth or channels is 0.
#[derive(Debug)]
pub(crate) struct SignedPanels {
    weights: AlignedBytes,
    /// Neighbouring k that are packed together.
    pub(crate) block: usize,
    /// Weights of each channel.
    pub(crate) depth: usize,
    /// Output channels.
    pub(crate) columns: usize,
    /// Zero point of the weights.
    pub(crate) zero_point: i32,
}

impl SignedPanels {
    /// Channels of a panel.
    pub(crate) const COLUMNS: usize = 8;

    /// Packs `weights[n * depth + k]`.
    pub(crate) fn new(weights: &[i8], depth: usize, block: usize, zero_point: i32) -> Self {
        let columns = weights.len() / depth;
        let padded = depth.next_multiple_of(block);
        let mut packed = vec![0; columns.next_multiple_of(Self::COLUMNS) * padded];
        for (column, filter) in weights.chunks_exact(depth).enumerate() {
            let (panel, lane) = (column / Self::COLUMNS, column % Self::COLUMNS);
            let packed = &mut packed[panel * Self::COLUMNS * padded..];
            for (k, &w) in filter.iter().enumerate() {
                packed[(k / block * Self::COLUMNS + lane) * block + k % block] = w;
            }
        }
        Self { weights: AlignedBytes::copied(&packed), block, depth, columns, zero_point }
    }

    /// Weights of each channel, with padding.
    pub(crate) const fn padded_depth(&self) -> usize {
        self.depth.next_multiple_of(self.block)
    }

    /// The weights of the panel that starts at a column.
    pub(crate) fn panel(&self, first: usize) -> &[i8] {
        let padded = self.padded_depth();
        &self.weights.as_slice()[first * padded..][..Self::COLUMNS * padded]
    }

    /// Bytes of the packed weights.
    pub(crate) fn bytes(&self) -> usize {
        self.weights.len()
    }
}
