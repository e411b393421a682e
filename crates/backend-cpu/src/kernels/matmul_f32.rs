//! f32 matrix product with bias and activation: every f32 convolution and linear layer.
//!
//! `out[m, n] = activation(bias[n] + sum over k of a[m, k] * w[n, k])`, summed in the order
//! of k; only the portable product rounds the products.
//!
//! Weights are packed once, in panels of neighbouring output channels, for each k those of
//! one channel after the other:
//!
//! | level | panel | register tile | per multiply-accumulate instruction |
//! |---|---|---|---|
//! | AVX-512 | up to 32 channels, a multiple of 8 | 14x32, 14x24, 14x16, 14x8 | 16 or 8 |
//! | AVX2 | 16 or 8 channels | 6x16, 12x8 | 8 |
//! | NEON | 8 channels | 8x8 | 4 |
//! | portable | 16 channels | 1x16 | the compiler's choice |

use super::convolution::Matmul;
use super::epilogue_f32::{EpilogueF32, second_pass};
use super::rows::Rows;
use crate::simd::{AlignedBytes, Simd, Tile};

use pocketvision_core::op::ActivationKind;

/// One f32 matrix product with its weights.
#[derive(Debug)]
pub(crate) struct MatmulF32 {
    simd: Simd,
    panels: PanelsF32,
    epilogue: EpilogueF32,
    second_pass: Option<ActivationKind>,
}

/// Weights in panels; the last one is as wide as vectors of `narrowest` channels
/// allow, and missing channels are 0.
#[derive(Debug)]
pub(crate) struct PanelsF32 {
    /// The packed weights.
    pub(crate) weights: AlignedBytes,
    /// One for each channel, padded to 64.
    pub(crate) bias: Vec<f32>,
    /// Weights of each channel.
    pub(crate) depth: usize,
    /// Output channels.
    pub(crate) columns: usize,
    /// Channels of a panel.
    pub(crate) panel_columns: usize,
    /// Channels of the narrowest panel.
    narrowest: usize,
}

/// One panel of [`PanelsF32`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panel<'a> {
    /// Its columns.
    pub(crate) columns: usize,
    /// Its columns with padding, a multiple of the level's narrowest.
    pub(crate) width: usize,
    /// `weights[k * width + column]`.
    pub(crate) weights: &'a [f32],
}

impl MatmulF32 {
    /// Packs `weights[n * depth + k]`.
    pub(crate) fn new(
        simd: Simd,
        weights: &[f32],
        depth: usize,
        bias: &[f32],
        activation: Option<ActivationKind>,
    ) -> Self {
        let (panel_columns, narrowest) = match simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(_) => (32, 8),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(_) => (16, 8),
            #[cfg(target_arch = "aarch64")]
            Simd::Neon(_) => (8, 16),
            _ => (16, 16),
        };
        let panels = PanelsF32::new(weights, depth, bias, panel_columns, narrowest);
        let (epilogue, second_pass) = EpilogueF32::new(activation);
        Self { simd, panels, epilogue, second_pass }
    }
}

impl Matmul for MatmulF32 {
    type Number = f32;
    const NAME: &'static str = "f32";
    const COPIES_ROWS: bool = false;

    fn simd(&self) -> Simd {
        self.simd
    }

    fn columns(&self) -> usize {
        self.panels.columns
    }

    fn padded_depth(&self) -> usize {
        self.panels.depth
    }

    fn weight_bytes(&self) -> usize {
        self.panels.weights.len() + self.panels.bias.len() * 4
    }

    fn scratch_bytes(&self, _: usize, _: usize) -> usize {
        0
    }

    fn multiply(
        &self,
        rows: Rows<'_, f32>,
        tile: &mut Tile<'_>,
        first_row: usize,
        first_column: usize,
        _: &mut [u8],
    ) {
        let (panels, epilogue) = (&self.panels, self.epilogue);
        match self.simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => crate::simd::avx512::matmul_f32::multiply(
                proof,
                rows,
                panels,
                epilogue,
                tile,
                first_row,
                first_column,
            ),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => crate::simd::avx2::matmul_f32::multiply(
                proof,
                rows,
                panels,
                epilogue,
                tile,
                first_row,
                first_column,
            ),
            #[cfg(target_arch = "aarch64")]
            Simd::Neon(proof) => crate::simd::neon::matmul_f32::multiply(
                proof,
                rows,
                panels,
                epilogue,
                tile,
                first_row,
                first_column,
            ),
            Simd::Portable(_) => {
                multiply_portable(rows, panels, epilogue, tile, first_row, first_column);
            }
        }
        let columns = tile.columns_of_product::<f32>(first_column, panels.columns);
        let columns = first_column + columns.start..first_column + columns.end;
        second_pass(self.second_pass, tile, first_row..first_row + rows.count, columns);
    }
}

impl PanelsF32 {
    fn new(
        weights: &[f32],
        depth: usize,
        bias: &[f32],
        panel_columns: usize,
        narrowest: usize,
    ) -> Self {
        let columns = bias.len();
        let padded = columns.next_multiple_of(narrowest);
        let mut packed = AlignedBytes::zeroed(padded * depth * size_of::<f32>());
        let numbers: &mut [f32] = bytemuck::cast_slice_mut(packed.bytes_mut());
        for (column, filter) in weights.chunks_exact(depth).enumerate() {
            let first = column / panel_columns * panel_columns;
            let width = panel_columns.min(padded - first);
            for (k, &w) in filter.iter().enumerate() {
                numbers[first * depth + k * width + column - first] = w;
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(columns.next_multiple_of(64), 0.0);
        Self { weights: packed, bias, depth, columns, panel_columns, narrowest }
    }

    /// The panel that starts at a column.
    pub(crate) fn panel(&self, first: usize) -> Panel<'_> {
        let padded = self.columns.next_multiple_of(self.narrowest);
        let width = self.panel_columns.min(padded - first);
        let weights = &self.weights.as_slice()[first * self.depth..][..width * self.depth];
        Panel { columns: width.min(self.columns - first), width, weights }
    }
}

/// The product in plain Rust: one row, 16 columns at a time.
fn multiply_portable(
    rows: Rows<'_, f32>,
    panels: &PanelsF32,
    epilogue: EpilogueF32,
    tile: &mut Tile<'_>,
    first_row: usize,
    first_column: usize,
) {
    const COLUMNS: usize = 16;
    for first in tile.columns_of_product::<f32>(first_column, panels.columns).step_by(COLUMNS) {
        let panel = panels.panel(first);
        for row in 0..rows.count {
            let a = rows.row(row, panels.depth);
            let mut sums = [0f32; COLUMNS];
            sums.copy_from_slice(&panels.bias[first..first + COLUMNS]);
            for (&a, w) in a.iter().zip(panel.weights.chunks_exact(COLUMNS)) {
                for lane in 0..COLUMNS {
                    sums[lane] += a * w[lane];
                }
            }
            let start = first_column + first;
            let bytes = start * 4..(start + panel.columns) * 4;
            let bytes = tile.row_columns(first_row + row, bytes);
            let out: &mut [f32] = bytemuck::cast_slice_mut(bytes);
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = epilogue.apply(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;

    const ACTIVATIONS: [Option<ActivationKind>; 6] = [
        None,
        Some(ActivationKind::Relu),
        Some(ActivationKind::Relu6),
        Some(ActivationKind::HardSwish),
        Some(ActivationKind::HardSigmoid),
        Some(ActivationKind::Sigmoid),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_level_is_within_rounding_of_the_definition(
            (row_count, depth, columns) in (1usize..40, 1usize..150, 1usize..150),
            (left, right) in (0usize..20, 0usize..20),
            activation in 0usize..6, seed: u64,
        ) {
            let activation = ACTIVATIONS[activation];
            let mut random = crate::kernels::random::Random::new(seed);
            let weights = random.numbers(columns * depth);
            let bias = random.numbers(columns);
            let numbers = random.numbers(row_count * depth);
            let rows = Rows::whole(&numbers, depth, row_count);

            for level in SimdLevel::available() {
                let simd = Simd::new(level).unwrap();
                let product = MatmulF32::new(simd, &weights, depth, &bias, activation);
                let width = left + columns + right;
                let mut output = vec![99f32; row_count * width];
                let bytes = bytemuck::cast_slice_mut(&mut output);
                product.multiply(rows, &mut Tile::whole(bytes, width * 4), 0, left, &mut []);
                for row in 0..row_count {
                    let output = &output[row * width..][..width];
                    for column in 0..columns {
                        let (mut sum, mut size) = (f64::from(bias[column]), 1.0);
                        let products = rows.row(row, depth).iter().zip(&weights[column * depth..]);
                        for (&a, &w) in products {
                            let product = f64::from(a) * f64::from(w);
                            (sum, size) = (sum + product, size + product.abs());
                        }
                        let exact = activation.map_or(sum as f32, |kind| kind.apply(sum as f32));
                        // Each of depth + 1 roundings is at most half a unit of a partial sum;
                        // activations have slopes of at most 1.5 and round a few times more.
                        let roundings = (depth + 8) as f64;
                        let bound = 1.5 * roundings * f64::from(f32::EPSILON) / 2.0 * size;
                        let error = f64::from(output[left + column] - exact).abs();
                        prop_assert!(error <= bound, "{level} {activation:?}: {error} > {bound}");
                    }
                    let mut around = output[..left].iter().chain(&output[left + columns..]);
                    prop_assert!(around.all(|&x| x == 99.0), "{} wrote too far", level);
                }
            }
        }
    }
}
