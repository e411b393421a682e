//! f32 convolutions of 3x3 taps by Winograd's transforms: a quarter of the multiplications with
//! stride 1, 9 of 16 with stride 2.
//!
//! The output is covered with tiles of 4x4 pixels. For a block of tiles, a thread
//!
//! 1. transforms the 6x6 or 9x9 pixels that each tile reads to numbers at 36 or 25 positions
//!    ([`super::winograd_transform`], [`super::winograd_stride2`]),
//! 2. multiplies at each position the block's matrix, tiles x numbers of all input channels, with
//!    the position's transformed weights, a panel of output channels at a time,
//! 3. transforms the panel's products back to pixels, adds the bias and activates.
//!
//! A block is as large as the second-level cache allows for what lies between the steps.
//! Weights are transformed once, in f64, and take four or nine times the memory of those of the
//! convolution.
//!
//! | level | panel | register tile of step 2 |
//! |---|---|---|
//! | AVX-512 | 48 or up to 64 channels | 6x64, 8x48, 12x32, 12x16 |
//! | AVX2 | 16 channels | 6x16 |
//! | NEON | 16 channels | 8x8 |
//! | portable | 16 channels | 1x16 |
//!
//! **Error.** With `K` numbers at a position (the input channels, with stride 2 four times as
//! many), a result before its activation is within `K + 20` roundings of the exact one, relative
//! to the sum over channels of `|At| ((|G| |g| |Gt|) * (|Bt| |d| |B|)) |A|`: `K` for the sum, 1
//! for a weight, 6 for a transformed pixel, 10 for what follows the sum, and some for constants
//! that are not exact. The sum is of more than the pixels under a filter, so a pixel beside a far
//! larger one is less precise than if it were computed alone. On numbers of like size the error is
//! some 10 units of `2^-24` of `sum |g d|` where 4 are usual, see [`super::winograd_transform`].

use std::ops::Range;

use pocketvision_core::Shape;
use pocketvision_core::op::{ActivationKind, Window};

use super::Kernel;
use super::epilogue_f32::{EpilogueF32, second_pass};
use super::winograd_form::Form;
use super::winograd_panels::{PanelEnd, WinogradPanels};
use super::winograd_tiles::{Patch, TilePixels, WinogradTiles};
use super::winograd_transform::{LANES, OUTPUT, Planes, transform_output};
use super::{winograd_stride2, winograd_transform};
use crate::simd::{Inputs, Simd, Tile};

/// One convolution with its transformed weights.
#[derive(Debug)]
pub(crate) struct WinogradF32 {
    simd: Simd,
    form: Form,
    tiles: WinogradTiles<OUTPUT>,
    /// Input channels.
    channels: usize,
    panels: WinogradPanels,
    epilogue: EpilogueF32,
    second_pass: Option<ActivationKind>,
    block_tiles: usize,
}

impl WinogradF32 {
    /// How a convolution without groups can be computed so, if it is expected to gain.
    ///
    /// Counts cycles of a core with AVX-512: 32 multiply-accumulates or 32 bytes of weights
    /// each, and some cycles for each channel of a tile that is transformed.
    pub(crate) fn pays(window: Window, input: Shape, output: Shape) -> Option<Form> {
        let form = Form::of(window)?;
        let tiles =
            WinogradTiles::<OUTPUT>::new(input, output, window.resolve(input), form.stride())
                .count() as f64;
        let pixels = (output.n * output.pixels()) as f64;
        let channels = input.c.next_multiple_of(LANES) as f64;
        let columns = output.c.next_multiple_of(LANES) as f64;
        let pairs = input.c as f64 * columns;
        let products = form.products() as f64;
        let (input_cycles, output_cycles) = match form {
            Form::Stride1 => (7.0, 10.0),
            Form::Stride2 => (16.0, 7.0),
        };
        let direct = pixels * 9.0 * pairs / 32.0 + 9.0 * pairs / 8.0;
        let multiplied = tiles * products * pairs / 32.0 + products * pairs / 8.0;
        let transformed = tiles * (input_cycles * channels + output_cycles * columns);
        (multiplied + transformed < direct).then_some(form)
    }

    /// Transforms `weights[((n * 3 + y) * 3 + x) * input.c + c]`.
    pub(crate) fn new(
        simd: Simd,
        form: Form,
        (window, input, output): (Window, Shape, Shape),
        weights: &[f32],
        bias: &[f32],
        activation: Option<ActivationKind>,
    ) -> Self {
        let panels = WinogradPanels::new(simd, form, weights, input.c, bias);
        let (epilogue, second_pass) = EpilogueF32::new(activation);
        let tiles = WinogradTiles::new(input, output, window.resolve(input), form.stride());
        let channels = input.c;
        let mut kernel =
            Self { simd, form, tiles, channels, panels, epilogue, second_pass, block_tiles: 1 };
        let tile_bytes = form.positions() * (kernel.row() + kernel.panels.panel_columns) * 4;
        kernel.block_tiles = (BLOCK_BYTES / tile_bytes).max(1).min(tiles.count());
        kernel
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

    /// Channels of a pixel, padded to whole vectors.
    const fn padded_channels(&self) -> usize {
        self.channels.next_multiple_of(LANES)
    }

    /// Numbers of a tile at a position, padded to whole vectors.
    const fn row(&self) -> usize {
        (self.form.most_numbers() * self.channels).next_multiple_of(LANES)
    }

    /// Numbers of scratch memory for a padded patch, transformed pixels and products.
    const fn scratch_numbers(&self) -> [usize; 3] {
        let positions = self.form.positions();
        [
            self.tiles.side() * self.tiles.side() * self.padded_channels(),
            positions * Self::position_stride(self.block_tiles * self.row()),
            positions * Self::position_stride(self.block_tiles * self.panels.panel_columns),
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

        let (row, padded) = (self.row(), self.padded_channels());
        let stride = Self::position_stride(block.len() * row);
        for (index, id) in block.clone().enumerate() {
            let patch = self.tiles.patch(self.tiles.tile(id), image, 0.0, padded, room);
            let numbers = &mut transformed[index * row..];
            self.transform_input(patch, Planes { numbers, stride });
        }
        let columns = tile.columns_of::<f32>();
        for first in columns.step_by(self.panels.panel_columns) {
            let width = self.panels.width(first);
            let product_stride = Self::position_stride(block.len() * width);
            for position in 0..self.form.positions() {
                let rows = &transformed[position * stride..][..block.len() * row];
                let weights = self.panels.weights(first, position);
                let out = &mut products[position * product_stride..][..block.len() * width];
                self.multiply(rows, row, weights, width, out);
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

    fn transform_input(&self, patch: Patch<'_, f32>, output: Planes<&mut [f32]>) {
        let (form, channels) = (self.form, self.channels);
        match self.simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => {
                use crate::simd::avx512::{winograd_f32, winograd_stride2_f32};
                match form {
                    Form::Stride1 => winograd_f32::transform_input(proof, patch, channels, output),
                    Form::Stride2 => {
                        winograd_stride2_f32::transform_input(proof, patch, channels, output);
                    }
                }
            }
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => {
                use crate::simd::avx2::{winograd_f32, winograd_stride2_f32};
                match form {
                    Form::Stride1 => winograd_f32::transform_input(proof, patch, channels, output),
                    Form::Stride2 => {
                        winograd_stride2_f32::transform_input(proof, patch, channels, output);
                    }
                }
            }
            _ => self.simd.vectorize(
                #[inline(always)]
                || match form {
                    Form::Stride1 => winograd_transform::transform_input(patch, channels, output),
                    Form::Stride2 => winograd_stride2::transform_input(patch, channels, output),
                },
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
                proof, self.form, products, end, tile, pixels,
            ),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => crate::simd::avx2::winograd_f32::transform_output(
                proof, self.form, products, end, tile, pixels,
            ),
            _ => self.simd.vectorize(
                #[inline(always)]
                || write_output(self.form, products, end, tile, pixels),
            ),
        }
    }
}

impl Kernel for WinogradF32 {
    fn name(&self) -> String {
        let form = match self.form {
            Form::Stride1 => "winograd",
            Form::Stride2 => "winograd of stride 2",
        };
        format!("{form} f32 {}", self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        self.panels.bytes()
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
    form: Form,
    products: Planes<&[f32]>,
    end: &PanelEnd<'_>,
    tile: &mut Tile<'_>,
    pixels: TilePixels<OUTPUT>,
) {
    let bytes = end.first * 4..(end.first + end.columns) * 4;
    let results = match form {
        Form::Stride1 => transform_output::<{ winograd_transform::INPUT }>(products, 0),
        Form::Stride2 => transform_output::<{ winograd_stride2::POINTS }>(products, 0),
    };
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
