//! int8 convolutions of 3x3 taps with stride 1, by Winograd's F(2x2, 3x3) in integers: 4 of 9
//! multiplications, and exact.
//!
//! With the points 0, 1, -1 and infinity all constants of the transforms are 0, 1, -1 and halves,
//! the halves in that of the weights alone. Twice that matrix makes whole numbers of it, and the
//! result four times the convolution, which is then divided by 4 without a rest.
//!
//! Nothing is rounded, and nothing overflows where it matters: transformed pixels are at most
//! 4 * 128, transformed weights at most 9 * 255, both i16. Their int32 sums may wrap around, as
//! the sums of the last transform do; four times the convolution is below 2^31 for as many
//! channels as [`WinogradI8::MOST_CHANNELS`], and is what is left when all of it is computed
//! modulo 2^32.
//!
//! The steps are those of [`super::winograd_f32`], for tiles of 2x2 pixels that read 4x4.
//!
//! Only for AVX2: its `vpmaddwd` multiplies 16 pairs of i16 at a time, and no instruction
//! multiplies more bytes exactly. Where there is VNNI, twice as many bytes as i16 are multiplied
//! at once, and the direct product is as fast.

use std::ops::Range;

use pocketvision_core::Shape;
use pocketvision_core::op::Window;

use super::Kernel;
use super::requantize::{Requantize, interleaved};
use super::winograd_tiles::WinogradTiles;
use crate::simd::avx2::winograd_i8::{multiply, transform_input, transform_output};
use crate::simd::{AlignedBytes, Avx2, Inputs, Tile};

/// Height and width of an output tile.
pub(crate) const OUTPUT: usize = 2;

/// Height and width of the pixels that a tile reads.
pub(crate) const INPUT: usize = OUTPUT + 2;

/// Products for each pair of input and output channel.
pub(crate) const POSITIONS: usize = INPUT * INPUT;

/// Output channels of a panel.
pub(crate) const COLUMNS: usize = 16;

/// One convolution with its transformed weights.
#[derive(Debug)]
pub(crate) struct WinogradI8 {
    proof: Avx2,
    tiles: WinogradTiles<OUTPUT>,
    /// Panel after panel, position after position, for each pair of input channels the two
    /// weights of one output channel after those of the other, in i16.
    weights: AlignedBytes,
    /// Input channels, padded.
    depth: usize,
    columns: usize,
    /// What pixels beyond the edge are.
    border: i8,
    requantize: Requantize,
    block_tiles: usize,
}

impl WinogradI8 {
    /// Most input channels: `4 * 9 * 128 * 255` times as many are below 2^31.
    const MOST_CHANNELS: usize = 1824;

    /// Whether a convolution without groups can be computed so, and is expected to gain.
    ///
    /// Counts instructions: two for 16 products, 4 for each channel and 10 for each column of a
    /// tile that is transformed.
    pub(crate) fn pays(window: Window, input: Shape, output: Shape) -> bool {
        let fits = (window.kernel_h, window.kernel_w) == (3, 3)
            && (window.stride_h, window.stride_w) == (1, 1)
            && (window.dilation_h, window.dilation_w) == (1, 1)
            && input.c <= Self::MOST_CHANNELS;
        let tiles = WinogradTiles::<OUTPUT>::new(input, output, window.resolve(input), 1).count();
        let pixels = (output.n * output.pixels()) as f64;
        let channels = input.c.next_multiple_of(PADDING) as f64;
        let columns = output.c.next_multiple_of(COLUMNS) as f64;
        let direct = pixels * 9.0 * input.c as f64 * columns / 8.0;
        let products = POSITIONS as f64 * channels * columns / 8.0;
        fits && tiles as f64 * (products + 4.0 * channels + 10.0 * columns) < direct
    }

    /// Transforms `weights[((n * 3 + y) * 3 + x) * input.c + c]`. `requantize` holds the plain
    /// bias of each output channel.
    pub(crate) fn new(
        proof: Avx2,
        window: Window,
        input: Shape,
        output: Shape,
        weights: &[i8],
        weight_zero_point: i32,
        input_zero_point: i32,
        mut requantize: Requantize,
    ) -> Self {
        let (channels, columns) = (input.c, output.c);
        let depth = channels.next_multiple_of(PADDING);
        let mut packed = vec![0i16; POSITIONS * depth * columns.next_multiple_of(COLUMNS)];
        for (column, filter) in weights.chunks_exact(9 * channels).enumerate() {
            let (panel, lane) = (column / COLUMNS, interleaved(column) % COLUMNS);
            let mut sum = 0;
            for channel in 0..channels {
                let tap = |y: usize, x: usize| {
                    i32::from(filter[(y * 3 + x) * channels + channel]) - weight_zero_point
                };
                let taps = std::array::from_fn(|y| std::array::from_fn(|x| tap(y, x)));
                sum += taps.as_flattened().iter().sum::<i32>();
                for (position, &weight) in transformed(taps).as_flattened().iter().enumerate() {
                    let pair = (panel * POSITIONS + position) * depth / 2 + channel / 2;
                    packed[(pair * COLUMNS + lane) * 2 + channel % 2] = weight as i16;
                }
            }
            requantize.take_zero_point(column, sum, input_zero_point);
        }
        let tiles = WinogradTiles::new(input, output, window.resolve(input), 1);
        let tile_bytes = POSITIONS * (depth * size_of::<i16>() + COLUMNS * size_of::<i32>());
        Self {
            proof,
            tiles,
            weights: AlignedBytes::copied(&packed),
            depth,
            columns,
            border: input_zero_point as i8,
            requantize: requantize.interleaved(),
            block_tiles: (BLOCK_BYTES / tile_bytes).max(1).min(tiles.count()),
        }
    }

    /// Output pixels that threads' shares should be multiples of.
    pub(crate) const fn row_granule(&self) -> usize {
        self.tiles.granule()
    }

    /// Bytes of scratch memory for a padded patch, transformed pixels and products.
    fn scratch_parts(&self) -> [usize; 3] {
        let transformed = POSITIONS * Self::position_stride(self.block_tiles * self.depth, 2) * 2;
        let products = POSITIONS * Self::position_stride(self.block_tiles * COLUMNS, 4) * 4;
        [(POSITIONS * self.depth).next_multiple_of(64), transformed, products]
    }

    /// Numbers of so many bytes between two positions, for so many in each: an odd number of
    /// cache lines, so that those of all positions do not fall into the same few sets of a cache.
    const fn position_stride(numbers: usize, bytes: usize) -> usize {
        let line = 64 / bytes;
        (numbers.div_ceil(line) | 1) * line
    }

    fn run_block(
        &self,
        image: &[i8],
        block: Range<usize>,
        tile: &mut Tile<'_>,
        scratch: &mut [u8],
    ) {
        let [room, transformed, products] = self.scratch_parts();
        let (room, scratch) = scratch.split_at_mut(room);
        let (transformed, scratch) = scratch.split_at_mut(transformed);
        let room: &mut [i8] = bytemuck::cast_slice_mut(room);
        let transformed: &mut [i16] = bytemuck::cast_slice_mut(transformed);
        let products: &mut [i32] = bytemuck::cast_slice_mut(&mut scratch[..products]);

        let stride = Self::position_stride(block.len() * self.depth, 2);
        for (index, id) in block.clone().enumerate() {
            let id = self.tiles.tile(id);
            let patch = self.tiles.patch(id, image, self.border, self.depth, room);
            let positions = &mut transformed[index * self.depth..];
            transform_input(self.proof, patch, self.depth, positions, stride);
        }
        let product_stride = Self::position_stride(block.len() * COLUMNS, 4);
        let columns = tile.columns();
        for first in columns.clone().step_by(COLUMNS) {
            for position in 0..POSITIONS {
                let rows = &transformed[position * stride..][..block.len() * self.depth];
                let out = &mut products[position * product_stride..][..block.len() * COLUMNS];
                multiply(self.proof, rows, self.depth, self.panel(first, position), out);
            }
            let count = COLUMNS.min(self.columns - first);
            for (index, id) in block.clone().enumerate() {
                let pixels = self.tiles.pixels(self.tiles.tile(id), &tile.rows());
                let (products, q) = (&products[index * COLUMNS..], &self.requantize);
                transform_output(
                    self.proof,
                    products,
                    product_stride,
                    q,
                    first,
                    count,
                    tile,
                    pixels,
                );
            }
        }
    }

    /// The weights of a position for the panel that starts at a column.
    fn panel(&self, first: usize, position: usize) -> &[i16] {
        let length = self.depth * COLUMNS;
        &self.weights.as_slice()[(first / COLUMNS * POSITIONS + position) * length..][..length]
    }
}

impl Kernel for WinogradI8 {
    fn name(&self) -> String {
        "winograd int8 avx2".to_owned()
    }

    fn weight_bytes(&self) -> usize {
        self.weights.len() + self.requantize.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        self.scratch_parts().iter().sum()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, scratch: &mut [u8]) {
        let image = inputs.numbers(0);
        let all = self.tiles.covering(&tile.rows());
        let blocks = all.len().div_ceil(self.block_tiles);
        let start = |block: usize| all.start + all.len() * block / blocks;
        for block in 0..blocks {
            self.run_block(image, start(block)..start(block + 1), tile, scratch);
        }
    }
}

/// `2G g (2G)t` of the taps of one pair of channels.
fn transformed(taps: [[i32; 3]; 3]) -> [[i32; INPUT]; INPUT] {
    let line = |[g0, g1, g2]: [i32; 3]| [2 * g0, g0 + g1 + g2, g0 - g1 + g2, 2 * g2];
    let lines = taps.map(line);
    let column = |j: usize| line([lines[0][j], lines[1][j], lines[2][j]]);
    let columns: [_; INPUT] = std::array::from_fn(column);
    std::array::from_fn(|i| std::array::from_fn(|j| columns[j][i]))
}

/// What numbers of input channels are padded to.
const PADDING: usize = 16;

/// Transformed pixels and products of a block, which stay in the second-level cache while the
/// weights stream through it.
const BLOCK_BYTES: usize = 192 << 10;

#[cfg(test)]
mod tests {
    use pocketvision_core::op::Padding;
    use pocketvision_core::{Element, Quantization};
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;
    use crate::kernels::random::Random;
    use crate::simd::{Simd, Split};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn it_is_the_convolution(
            (n, h, w) in (1usize..3, 1usize..9, 1usize..9),
            (channels, columns) in (1usize..40, 1usize..50),
            (top, left, bottom, right) in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
            (input_zero, weight_zero) in (-128i32..128, -128i32..128),
            output_scale in 1e-3f32..1.0, extremes: bool, parts in 1usize..4, seed: u64,
        ) {
            if !SimdLevel::Avx2.is_available() { return Ok(()) }
            let Ok(Simd::Avx2(proof)) = Simd::new(SimdLevel::Avx2) else { unreachable!() };
            let padding = Padding::Explicit { top, bottom, left, right };
            let window = Window { padding, ..Window::square(3, 1, Padding::Valid) };
            let input = Shape::new(n, h, w, channels);
            let Ok((oh, ow)) = window.output(input) else { return Ok(()) };
            let output = Shape::new(n, oh, ow, columns);
            let mut random = Random::new(seed);
            let mut numbers = |count: usize| -> Vec<i8> {
                let bytes: Vec<i8> = random.bytes(count);
                let extreme = |&byte: &i8| if byte < 0 { -128 } else { 127 };
                if extremes { bytes.iter().map(extreme).collect() } else { bytes }
            };
            let image = numbers(input.elements());
            let weights = numbers(9 * channels * columns);
            let bias: Vec<i32> = (0..columns).map(|_| random.below(2_001) as i32 - 1_000).collect();
            let quantization = Quantization::PerTensor { scale: 0.02, zero_point: weight_zero };
            let q = Requantize::new(
                Simd::Avx2(proof).rounding(), &Element::int8(0.03, input_zero), &quantization,
                &bias, None, &Element::int8(output_scale, 3),
            );
            let mut expected = Vec::new();
            for pixel in 0..n * oh * ow {
                let (b, y, x) = (pixel / (oh * ow), pixel / ow % oh, pixel % ow);
                for column in 0..columns {
                    let mut sum = bias[column];
                    for tap in 0..9 {
                        let iy = (y + tap / 3).wrapping_sub(top);
                        let ix = (x + tap % 3).wrapping_sub(left);
                        if iy < h && ix < w {
                            let a = &image[((b * h + iy) * w + ix) * channels..][..channels];
                            let w = &weights[(column * 9 + tap) * channels..][..channels];
                            sum += a.iter().zip(w).map(|(&a, &w)| {
                                (i32::from(a) - input_zero) * (i32::from(w) - weight_zero)
                            }).sum::<i32>();
                        }
                    }
                    expected.push(q.apply(column, sum) as u8);
                }
            }
            let kernel =
                WinogradI8::new(proof, window, input, output, &weights, weight_zero, input_zero, q);
            let mut ours = vec![0; expected.len()];
            // Any shares are computed right, not only those that waste nothing.
            let split = Split::rows(n * oh * ow, columns, 1);
            Inputs::with(&[bytemuck::cast_slice(&image)], |inputs| {
                for part in 0..parts {
                    let mut scratch = AlignedBytes::zeroed(kernel.scratch_bytes());
                    let mut tile = Tile::part_of(&mut ours, &split, split.part(part, parts));
                    kernel.run(inputs, &mut tile, scratch.bytes_mut());
                }
            });
            prop_assert_eq!(ours, expected);
        }
    }

    #[test]
    fn the_transforms_of_a_line_are_a_convolution() {
        let (g, d) = ([3, -7, 5], [11, -2, 13, 4]);
        let weights = transformed([g, [0; 3], [0; 3]])[0];
        let pixels = [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]];
        let m: [i32; 4] = std::array::from_fn(|i| weights[i] * pixels[i]);
        let convolution = |at: usize| g.iter().zip(&d[at..]).map(|(g, d)| g * d).sum::<i32>();
        assert_eq!(m[0] + m[1] + m[2], 4 * convolution(0));
        assert_eq!(m[1] - m[2] - m[3], 4 * convolution(1));
    }
}
