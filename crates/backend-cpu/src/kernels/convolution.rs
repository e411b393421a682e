//! Convolutions and linear layers: a matrix product over patches.
//!
//! The output has a row for each pixel and a column for each channel. A thread works through
//! its rows in blocks that fit a cache: it gathers the block's patches into
//! scratch memory, or reads the image itself, and multiplies them with all weights. The image
//! is the matrix for 1x1 convolutions; larger windows may read bands of it, see
//! [`super::patches`]. A grouped convolution is one product for each group.

use std::fmt;

use bytemuck::Pod;

use super::Kernel;
use super::patches::Patches;
use super::rows::Rows;
use crate::simd::{Inputs, Simd, Tile};

/// A matrix product with packed weights and an epilogue.
pub(crate) trait Matmul: Send + Sync + fmt::Debug {
    /// Element of the left side and of the output.
    type Number: Pod;

    /// The element's name.
    const NAME: &'static str;

    /// Whether most levels copy rows to scratch memory, in another form, before they multiply.
    const COPIES_ROWS: bool;

    /// The SIMD level.
    fn simd(&self) -> Simd;

    /// Output channels.
    fn columns(&self) -> usize;

    /// Numbers of a row that are read: zeros must follow those that count.
    fn padded_depth(&self) -> usize;

    /// Bytes of packed weights.
    fn weight_bytes(&self) -> usize;

    /// Scratch memory for the product of so many rows, which are so many numbers if they overlap.
    fn scratch_bytes(&self, rows: usize, numbers: usize) -> usize;

    /// Writes `rows` times the weights to the rows of the tile from `first_row` on, to those
    /// of the columns from `first_column` on that are in the tile.
    fn multiply(
        &self,
        rows: Rows<'_, Self::Number>,
        tile: &mut Tile<'_>,
        first_row: usize,
        first_column: usize,
        scratch: &mut [u8],
    );
}

/// The kernel of convolutions and linear layers.
#[derive(Debug)]
pub(crate) struct Convolution<M> {
    /// Patches and product of each group.
    groups: Vec<(Patches, M)>,
    block_rows: usize,
}

impl<M: Matmul> Convolution<M> {
    /// Rows that threads' shares are multiples of: whole register tiles.
    pub(crate) const ROW_GRANULE: usize = 14;

    /// Columns that threads' shares are multiples of: whole panels, and more of them where each
    /// thread copies the rows that it needs.
    pub(crate) const COLUMN_GRANULE: usize = if M::COPIES_ROWS { 64 } else { 32 };

    /// A convolution from the patches and weights of its groups.
    pub(crate) fn new(groups: Vec<(Patches, M)>) -> Self {
        let row_bytes = groups.iter().map(|(patches, _)| patches.row_bytes()).max().unwrap_or(1);
        let is_copied = M::COPIES_ROWS || !groups.iter().all(|(patches, _)| patches.is_image());
        let block_bytes = if is_copied { COPIED_BLOCK_BYTES } else { BLOCK_BYTES };
        let fit = block_bytes / row_bytes.max(1);
        let block_rows = [42, Self::ROW_GRANULE].into_iter().find(|&granule| fit >= granule);
        let block_rows = block_rows.map_or(Self::ROW_GRANULE, |granule| fit / granule * granule);
        let band_rows = groups[0].0.band_rows();
        let block_rows = band_rows.unwrap_or(block_rows.min(MOST_BLOCK_ROWS));
        Self { groups, block_rows }
    }

    /// Bytes for the patches of a block.
    fn patch_bytes(&self) -> usize {
        let bytes = |(patches, _): &(Patches, M)| match (patches.band_rows(), patches.is_image()) {
            (Some(_), _) => patches.band_bytes(),
            (None, true) => 0,
            (None, false) => patches.row_bytes() * self.block_rows + Patches::SLACK_BYTES,
        };
        self.groups.iter().map(bytes).max().unwrap_or(0).next_multiple_of(64)
    }
}

impl<M: Matmul> Kernel for Convolution<M> {
    fn name(&self) -> String {
        let (patches, matmul) = &self.groups[0];
        let source = match (patches.band_rows(), patches.is_image()) {
            (Some(_), _) => "bands x matmul",
            (None, true) => "matmul",
            (None, false) => "patches x matmul",
        };
        format!("{source} {} {}", M::NAME, matmul.simd().level())
    }

    fn weight_bytes(&self) -> usize {
        self.groups.iter().map(|(_, matmul)| matmul.weight_bytes()).sum()
    }

    fn scratch_bytes(&self) -> usize {
        let numbers = self.patch_bytes() / size_of::<M::Number>();
        let products = self.groups.iter().map(|(_, m)| m.scratch_bytes(self.block_rows, numbers));
        self.patch_bytes() + products.max().unwrap_or(0)
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, scratch: &mut [u8]) {
        let image = inputs.bytes(0);
        let (gathered, scratch) = scratch.split_at_mut(self.patch_bytes());
        let rows = tile.rows();
        let mut row = rows.start;
        while row < rows.end {
            let (mut count, mut first_column) = (0, 0);
            for (patches, matmul) in &self.groups {
                let most = self.block_rows.min(rows.end - row);
                let rows = patches.rows(image, row, most, gathered);
                count = rows.count;
                matmul.multiply(rows, tile, row, first_column, scratch);
                first_column += matmul.columns();
            }
            row += count;
        }
    }
}

impl Patches {
    /// The rows of the matrix from one on, at most so many: what the caller has room for.
    fn rows<'a, T: Pod>(
        &self,
        image: &'a [u8],
        first: usize,
        most: usize,
        scratch: &'a mut [u8],
    ) -> Rows<'a, T> {
        if self.band_rows().is_some() {
            return self.rows_of_band(image, first, most, scratch);
        }
        let bytes = if self.is_image() {
            &image[first * self.row_bytes()..][..most * self.row_bytes()]
        } else {
            self.gather(image, first..first + most, scratch);
            &scratch[..most * self.row_bytes()]
        };
        Rows::whole(bytemuck::cast_slice(bytes), self.row_bytes() / size_of::<T>(), most)
    }
}

/// Bytes of rows that stay in the second-level cache while all weights are read once for them.
const BLOCK_BYTES: usize = 256 << 10;

/// Bytes of rows that were copied, and stay in the first-level cache beside a panel of weights.
const COPIED_BLOCK_BYTES: usize = 24 << 10;

/// Bounds the scratch memory of shallow products.
const MOST_BLOCK_ROWS: usize = 504;
