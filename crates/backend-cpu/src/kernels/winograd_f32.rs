//! f32 convolutions of 3x3 taps with stride 1, by Winograd's F(4x4, 3x3): a quarter of the
//! multiplications.
//!
//! The output is covered with tiles of 4x4 pixels. For a block of tiles, a thread
//!
//! 1. transforms the 6x6 pixels that each tile reads to numbers at 36 positions
//!    ([`super::winograd_transform`]),
//! 2. multiplies at each position the block's matrix, tiles x input channels, with the
//!    position's transformed weights, a panel of output channels at a time,
//! 3. transforms the panel's 36 products back to pixels, adds the bias and activates.
//!
//! A block is as large as the second-level cache allows for what lies between the steps.
//! Weights are transformed once, in f64, and take four times the memory of those of the
//! convolution.
//!
//! | level | panel | register tile of step 2 |
//! |---|---|---|
//! | AVX-512 | 48 or up to 64 channels | 6x64, 8x48, 12x32, 12x16 |
//! | AVX2 | 16 channels | 6x16 |
//! | NEON | 16 channels | 8x8 |
//! | portable | 16 channels | 1x16 |
//!
//! **Error.** With `K` input channels, a result before its activation is within `K + 20`
//! roundings of the exact one, relative to the sum over channels of
//! `|At| ((|G| |g| |Gt|) * (|Bt| |d| |B|)) |A|`: `K` for the sum, 1 for a weight, 6 for a
//! transformed pixel, 10 for what follows the sum, and some for constants that are not exact.
//! The sum is of more than the pixels under a filter, so a pixel beside a far larger one is
//! less precise than if it were computed alone. On numbers of like size the error is some 7
//! units of `2^-24` of `sum |g d|` where 4 are usual, see [`super::winograd_transform`].

use std::ops::Range;

use pocketvision_core::Shape;
use pocketvision_core::op::{ActivationKind, Window};

use super::Kernel;
use super::epilogue_f32::{EpilogueF32, second_pass};
use super::winograd_tiles::{Patch, TilePixels, WinogradTiles};
use super::winograd_transform::{
    LANES, OUTPUT, POSITIONS, Planes, transform_input, transform_output, weights,
};
use crate::simd::{AlignedBytes, Inputs, Simd, Tile};

/// One convolution with its transformed weights.
#[derive(Debug)]
pub(crate) struct WinogradF32 {
    simd: Simd,
    tiles: WinogradTiles<OUTPUT>,
    panels: WinogradPanels,
    epilogue: EpilogueF32,
    second_pass: Option<ActivationKind>,
    block_tiles: usize,
}

/// Transformed weights.
#[derive(Debug)]
pub(crate) struct WinogradPanels {
    /// Panel after panel, position after position, input channel after input channel, those
    /// of a panel's output channels.
    weights: AlignedBytes,
    /// One for each output channel, padded to whole vectors.
    bias: Vec<f32>,
    /// Input channels.
    depth: usize,
    /// Output channels.
    columns: usize,
    /// Output channels of a panel; the last one has fewer.
    panel_columns: usize,
}

/// A panel's columns, and what its sums are followed by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelEnd<'a> {
    /// The first column, counted in the output.
    pub(crate) first: usize,
    /// Number of columns.
    pub(crate) columns: usize,
    /// One for each column, and zeros up to whole vectors.
    pub(crate) bias: &'a [f32],
    /// The activation.
    pub(crate) epilogue: EpilogueF32,
}

impl WinogradF32 {
    /// Whether a convolution without groups can be computed so, and is expected to gain.
    ///
    /// Counts cycles of a core with AVX-512: 32 multiply-accumulates or 32 bytes of weights
    /// each, and 7 and 10 cycles for each channel of a tile that is transformed.
    pub(crate) fn pays(window: Window, input: Shape, output: Shape) -> bool {
        let fits = (window.kernel_h, window.kernel_w) == (3, 3)
            && (window.stride_h, window.stride_w) == (1, 1)
            && (window.dilation_h, window.dilation_w) == (1, 1);
        let tiles =
            WinogradTiles::<OUTPUT>::new(input, output, window.resolve(input)).count() as f64;
        let pixels = (output.n * output.pixels()) as f64;
        let channels = input.c.next_multiple_of(LANES) as f64;
        let columns = output.c.next_multiple_of(LANES) as f64;
        let pairs = input.c as f64 * columns;
        let direct = pixels * 9.0 * pairs / 32.0 + 9.0 * pairs / 8.0;
        let products = tiles * POSITIONS as f64 * pairs / 32.0 + POSITIONS as f64 * pairs / 8.0;
        let transforms = tiles * (7.0 * channels + 10.0 * columns);
        fits && products + transforms < direct
    }

    /// Transforms `weights[((n * 3 + y) * 3 + x) * input.c + c]`.
    pub(crate) fn new(
        simd: Simd,
        window: Window,
        input: Shape,
        output: Shape,
        weights: &[f32],
        bias: &[f32],
        activation: Option<ActivationKind>,
    ) -> Self {
        let panels = WinogradPanels::new(simd, weights, input.c, bias);
        let (epilogue, second_pass) = EpilogueF32::new(activation);
        let tiles = WinogradTiles::new(input, output, window.resolve(input));
        let tile_bytes = POSITIONS * (panels.padded_depth() + panels.panel_columns) * 4;
        let block_tiles = (BLOCK_BYTES / tile_bytes).max(1).min(tiles.count());
        Self { simd, tiles, panels, epilogue, second_pass, block_tiles }
    }

    /// Output pixels that threads' shares should be multiples of.
    pub(crate) const fn row_granule(&self) -> usize {
        self.tiles.granule()
    }

    /// Output channels that threads' shares must be multiples of.
    pub(crate) const fn column_granule(&self) -> usize {
        self.panels.panel_columns
    }

    /// Numbers between two positions of a block, for so many in each. An odd number of cache
    /// lines, so that those of all positions do not fall into the same few sets of a cache.
    const fn position_stride(numbers: usize) -> usize {
        (numbers.div_ceil(LANES) | 1) * LANES
    }

    /// Numbers of scratch memory for a padded patch, transformed pixels and products.
    const fn scratch_numbers(&self) -> [usize; 3] {
        let depth = self.panels.padded_depth();
        [
            POSITIONS * depth,
            POSITIONS * Self::position_stride(self.block_tiles * depth),
            POSITIONS * Self::position_stride(self.block_tiles * self.panels.panel_columns),
        ]
    }

    fn run_block(
        &self,
        image: &[f32],
        block: Range<usize>,
        tile: &mut Tile<'_>,
        scratch: &mut [f32],
    ) {
        let [room, transformed, products] = self.scratch_numbers();
        let (room, scratch) = scratch.split_at_mut(room);
        let (transformed, scratch) = scratch.split_at_mut(transformed);
        let products = &mut scratch[..products];

        let depth = self.panels.padded_depth();
        let stride = Self::position_stride(block.len() * depth);
        for (index, id) in block.clone().enumerate() {
            let patch = self.tiles.patch(self.tiles.tile(id), image, 0.0, depth, room);
            let numbers = &mut transformed[index * depth..];
            self.transform_input(patch, depth, Planes { numbers, stride });
        }
        let columns = tile.columns_of::<f32>();
        for first in columns.step_by(self.panels.panel_columns) {
            let width = self.panels.width(first);
            let product_stride = Self::position_stride(block.len() * width);
            for position in 0..POSITIONS {
                let rows = &transformed[position * stride..][..block.len() * depth];
                let weights = self.panels.weights(first, position);
                let out = &mut products[position * product_stride..][..block.len() * width];
                self.multiply(rows, depth, weights, width, out);
            }
            let end = self.panels.end(first, self.epilogue);
            for (index, id) in block.clone().enumerate() {
                let pixels = self.tiles.pixels(self.tiles.tile(id), &tile.rows());
                let numbers = &products[index * width..];
                self.transform_output(
                    Planes { numbers, stride: product_stride },
                    &end,
                    tile,
                    pixels,
                );
            }
        }
    }

    fn transform_input(&self, patch: Patch<'_, f32>, channels: usize, output: Planes<&mut [f32]>) {
        match self.simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => {
                crate::simd::avx512::winograd_f32::transform_input(proof, patch, channels, output);
            }
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => {
                crate::simd::avx2::winograd_f32::transform_input(proof, patch, channels, output);
            }
            _ => self.simd.vectorize(
                #[inline(always)]
                || transform_input(patch, channels, output),
            ),
        }
    }

    /// `out[row][column] = sum over k of rows[row][k] * weights[k][column]`.
    fn multiply(
        &self,
        rows: &[f32],
        stride: usize,
        weights: &[f32],
        width: usize,
        out: &mut [f32],
    ) {
        match self.simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => {
                crate::simd::avx512::winograd_f32::multiply(
                    proof, rows, stride, weights, width, out,
                );
            }
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => {
                crate::simd::avx2::winograd_f32::multiply(proof, rows, stride, weights, out);
            }
            #[cfg(target_arch = "aarch64")]
            Simd::Neon(proof) => {
                crate::simd::neon::winograd_f32::multiply(proof, rows, stride, weights, out);
            }
            Simd::Portable(_) => multiply_portable(rows, stride, weights, out),
        }
    }

    fn transform_output(
        &self,
        products: Planes<&[f32]>,
        end: &PanelEnd<'_>,
        tile: &mut Tile<'_>,
        pixels: TilePixels<OUTPUT>,
    ) {
        match self.simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => crate::simd::avx512::winograd_f32::transform_output(
                proof, products, end, tile, pixels,
            ),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => crate::simd::avx2::winograd_f32::transform_output(
                proof, products, end, tile, pixels,
            ),
            _ => self.simd.vectorize(
                #[inline(always)]
                || write_output(products, end, tile, pixels),
            ),
        }
    }
}

impl Kernel for WinogradF32 {
    fn name(&self) -> String {
        format!("winograd f32 {}", self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        self.panels.weights.len() + self.panels.bias.len() * 4
    }

    fn scratch_bytes(&self) -> usize {
        self.scratch_numbers().iter().sum::<usize>() * 4
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, scratch: &mut [u8]) {
        let (image, scratch) = (inputs.numbers(0), bytemuck::cast_slice_mut(scratch));
        let all = self.tiles.covering(&tile.rows());
        let blocks = all.len().div_ceil(self.block_tiles);
        let start = |block: usize| all.start + all.len() * block / blocks;
        for block in 0..blocks {
            self.run_block(image, start(block)..start(block + 1), tile, scratch);
        }
        let (rows, columns) = (tile.rows(), tile.columns_of::<f32>());
        second_pass(self.second_pass, tile, rows, columns);
    }
}

impl WinogradPanels {
    fn new(simd: Simd, filters: &[f32], depth: usize, bias: &[f32]) -> Self {
        let padded = bias.len().next_multiple_of(LANES);
        let panel_columns = match simd {
            // Panels of one size, and if possible an even number of them for two threads.
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(_) if padded.is_multiple_of(48) && !padded.is_multiple_of(128) => 48,
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(_) => 64,
            _ => LANES,
        };
        let numbers = POSITIONS * depth * padded;
        let mut panels = Self {
            weights: AlignedBytes::zeroed(numbers * 4),
            bias: bias.to_vec(),
            depth,
            columns: bias.len(),
            panel_columns,
        };
        panels.bias.resize(padded, 0.0);
        for (column, filter) in filters.chunks_exact(9 * depth).enumerate() {
            let first = column / panel_columns * panel_columns;
            let width = panels.width(first);
            let packed = bytemuck::cast_slice_mut(panels.weights.bytes_mut());
            let packed: &mut [f32] = &mut packed[POSITIONS * depth * first + column - first..];
            for channel in 0..depth {
                let tap = |y: usize, x: usize| f64::from(filter[(y * 3 + x) * depth + channel]);
                let taps = std::array::from_fn(|y| std::array::from_fn(|x| tap(y, x)));
                for (position, weight) in weights(taps).as_flattened().iter().enumerate() {
                    packed[(position * depth + channel) * width] = *weight as f32;
                }
            }
        }
        panels
    }

    /// Numbers of a transformed pixel.
    const fn padded_depth(&self) -> usize {
        self.depth.next_multiple_of(LANES)
    }

    /// Columns of the panel that starts at a column, padded to whole vectors.
    fn width(&self, first: usize) -> usize {
        self.panel_columns.min(self.bias.len() - first)
    }

    /// A panel's weights at one position.
    fn weights(&self, first: usize, position: usize) -> &[f32] {
        let (panel, length) = (POSITIONS * self.depth * first, self.depth * self.width(first));
        &self.weights.as_slice()[panel + position * length..][..length]
    }

    fn end(&self, first: usize, epilogue: EpilogueF32) -> PanelEnd<'_> {
        let bias = &self.bias[first..first + self.width(first)];
        PanelEnd { first, columns: bias.len().min(self.columns - first), bias, epilogue }
    }
}

/// [`WinogradF32::multiply`] in plain Rust, for a panel of [`LANES`] columns.
fn multiply_portable(rows: &[f32], stride: usize, weights: &[f32], out: &mut [f32]) {
    for (row, out) in rows.chunks_exact(stride).zip(out.chunks_exact_mut(LANES)) {
        let mut sums = [0f32; LANES];
        for (&x, weights) in row.iter().zip(weights.chunks_exact(LANES)) {
            for lane in 0..LANES {
                sums[lane] += x * weights[lane];
            }
        }
        out.copy_from_slice(&sums);
    }
}

/// [`WinogradF32::transform_output`] in plain Rust, for a panel of [`LANES`] columns.
#[inline(always)]
fn write_output(
    products: Planes<&[f32]>,
    end: &PanelEnd<'_>,
    tile: &mut Tile<'_>,
    pixels: TilePixels<OUTPUT>,
) {
    let bytes = end.first * 4..(end.first + end.columns) * 4;
    let results = transform_output(products, 0);
    for bit in (0..OUTPUT * OUTPUT).filter(|&bit| pixels.is_wanted(bit)) {
        let row = tile.row_columns(pixels.pixel(bit), bytes.clone());
        let out: &mut [f32] = bytemuck::cast_slice_mut(row);
        for ((out, x), bias) in out.iter_mut().zip(results[bit]).zip(end.bias) {
            *out = end.epilogue.apply(x + bias);
        }
    }
}

/// Transformed pixels and products of a block, which stay in the second-level cache while the
/// weights stream through it.
const BLOCK_BYTES: usize = 512 << 10;

#[cfg(test)]
mod tests;
