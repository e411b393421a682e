//! Matrix product of f32 numbers rounded to bf16, with f32 sums: what `CpuOptions::bf16` makes
//! of float 1x1 convolutions and linear layers.
//!
//! `out[m, n] = activation(bias[n] + sum over k of bf16(a[m, k]) * bf16(w[n, k]))`.
//!
//! bf16 has the range of f32 and eight bits of precision: each factor is off by at most one part
//! in 512. Weights are rounded once, when a network is compiled, and take half of the memory.
//! Rows are rounded block by block into scratch memory, so that tensors between layers stay f32.
//!
//! | level | panel | register tile | per multiply-accumulate instruction |
//! |---|---|---|---|
//! | AVX-512 BF16 | up to 32 channels, pairs of k | 14x32, 14x16 | 32 |

use half::bf16;
use pocketvision_core::op::ActivationKind;

use super::convolution::Matmul;
use super::epilogue_f32::{EpilogueF32, second_pass};
use super::rows::Rows;
use crate::simd::avx512::matmul_bf16::{multiply, round};
use crate::simd::{AlignedBytes, Avx512, Avx512Bf16, Simd, Tile};

/// One matrix product with its weights.
#[derive(Debug)]
pub(crate) struct MatmulBf16 {
    proof: Avx512Bf16,
    depth: usize,
    panels: PanelsBf16,
    epilogue: EpilogueF32,
    second_pass: Option<ActivationKind>,
}

/// Weights in panels of 32 columns, the last one of 16 if these are enough: for each pair of k,
/// the two weights of one column after those of the other. What is missing is 0.
#[derive(Debug)]
pub(crate) struct PanelsBf16 {
    weights: AlignedBytes,
    /// One for each channel, padded to whole panels.
    pub(crate) bias: Vec<f32>,
    /// Pairs of k.
    pub(crate) pairs: usize,
    /// Output channels.
    pub(crate) columns: usize,
}

impl MatmulBf16 {
    /// Rounds and packs `weights[n * depth + k]`.
    pub(crate) fn new(
        proof: Avx512Bf16,
        weights: &[f32],
        depth: usize,
        bias: &[f32],
        activation: Option<ActivationKind>,
    ) -> Self {
        let panels = PanelsBf16::new(weights, depth, bias);
        let (epilogue, second_pass) = EpilogueF32::new(activation);
        Self { proof, depth, panels, epilogue, second_pass }
    }
}

impl Matmul for MatmulBf16 {
    type Number = f32;
    const NAME: &'static str = "bf16";
    const COPIES_ROWS: bool = true;

    fn simd(&self) -> Simd {
        Simd::Avx512(Avx512::from(self.proof))
    }

    fn columns(&self) -> usize {
        self.panels.columns
    }

    fn padded_depth(&self) -> usize {
        self.depth
    }

    fn weight_bytes(&self) -> usize {
        self.panels.weights.len() + self.panels.bias.len() * size_of::<f32>()
    }

    fn scratch_bytes(&self, rows: usize, _: usize) -> usize {
        rows * self.panels.pairs * size_of::<u32>()
    }

    fn multiply(
        &self,
        rows: Rows<'_, f32>,
        tile: &mut Tile<'_>,
        first_row: usize,
        first_column: usize,
        scratch: &mut [u8],
    ) {
        let pairs = bytemuck::cast_slice_mut(&mut scratch[..self.scratch_bytes(rows.count, 0)]);
        round(self.proof, rows, self.depth, pairs);
        let (panels, epilogue, count) = (&self.panels, self.epilogue, rows.count);
        multiply(self.proof, pairs, count, panels, epilogue, tile, first_row, first_column);
        let columns = tile.columns_of_product::<f32>(first_column, panels.columns);
        let columns = first_column + columns.start..first_column + columns.end;
        second_pass(self.second_pass, tile, first_row..first_row + rows.count, columns);
    }
}

impl PanelsBf16 {
    /// Columns of a panel.
    pub(crate) const COLUMNS: usize = 32;

    fn new(weights: &[f32], depth: usize, bias: &[f32]) -> Self {
        let (columns, pairs) = (bias.len(), depth.div_ceil(2));
        let padded = columns.next_multiple_of(16);
        let mut packed = vec![bf16::ZERO; padded * pairs * 2];
        for (column, filter) in weights.chunks_exact(depth).enumerate() {
            let first = column / Self::COLUMNS * Self::COLUMNS;
            let width = Self::COLUMNS.min(padded - first);
            for (k, &w) in filter.iter().enumerate() {
                let place = (k / 2 * width + column - first) * 2 + k % 2;
                packed[first * pairs * 2 + place] = bf16::from_f32(w);
            }
        }
        let bits: Vec<u16> = packed.into_iter().map(bf16::to_bits).collect();
        let mut bias = bias.to_vec();
        bias.resize(padded, 0.0);
        Self { weights: AlignedBytes::copied(&bits), bias, pairs, columns }
    }

    /// The pairs of the panel that starts at a column.
    pub(crate) fn panel(&self, first: usize) -> &[u32] {
        let width = Self::COLUMNS.min(self.bias.len() - first);
        &self.weights.as_slice()[first * self.pairs..][..width * self.pairs]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;
    use crate::kernels::random::Random;

    proptest! {
        #[test]
        fn products_are_those_of_rounded_numbers(
            rows in 1usize..40, depth in 1usize..70, columns in 1usize..80, seed: u64,
        ) {
            let simd = Simd::new(SimdLevel::best()).unwrap();
            let Some(proof) = simd.bf16() else { return Ok(()) };
            let mut random = Random::new(seed);
            let (numbers, weights) = (random.numbers(rows * depth), random.numbers(columns * depth));
            let bias = random.numbers(columns);
            let kernel = MatmulBf16::new(proof, &weights, depth, &bias, None);
            let mut output = vec![0f32; rows * columns];
            let mut scratch = AlignedBytes::zeroed(kernel.scratch_bytes(rows, 0));
            let mut tile = Tile::whole(bytemuck::cast_slice_mut(&mut output), columns * 4);
            let left = Rows::whole(&numbers, depth, rows);
            kernel.multiply(left, &mut tile, 0, 0, scratch.bytes_mut());
            let rounded = |x: f32| f64::from(bf16::from_f32(x).to_f32());
            for (index, &actual) in output.iter().enumerate() {
                let (row, column) = (index / columns, index % columns);
                let products = (0..depth).map(|k| {
                    rounded(numbers[row * depth + k]) * rounded(weights[column * depth + k])
                });
                let mut expected = f64::from(bias[column]);
                let mut size = expected.abs();
                for product in products {
                    expected += product;
                    size += product.abs();
                }
                // Each of at most `depth` + 1 additions rounds by half a unit of f32.
                let bound = (depth + 1) as f64 * f64::from(f32::EPSILON) * size;
                let error = (f64::from(actual) - expected).abs();
                prop_assert!(error <= bound, "{row}, {column}: {actual} for {expected}");
            }
        }
    }
}
