//! int8 matrix product with requantization: every int8 convolution and linear layer.
//!
//! `out[m, n] = requantize[n](sum over k of (a[m, k] - za) * (w[n, k] - zw))`.
//!
//! Weights are packed once, in panels of neighbouring output channels:
//!
//! | level | panel | element | register tile | per multiply-accumulate instruction |
//! |---|---|---|---|---|
//! | AVX-512 | up to 32 channels | i8, fours of k | 14x32, 14x16 | 64 |
//! | AVX-VNNI | 16 channels | i8 or u8, fours of k | 6x16 | 32 |
//! | AVX2 | 16 channels | i16, pairs of k | 6x16 | 16 |
//! | NEON with i8mm | 8 channels | i8, eights of k | 8x8 | 32 |
//! | NEON with dotprod | 8 channels | i8, fours of k | 8x8 | 16 |
//! | NEON | 8 channels | i8 | 8x8 | 4 |
//! | portable | 16 channels | i16, pairs of k | 1x16 | the compiler's choice |
//!
//! Zero points cost next to nothing: that of the input only changes the bias. That of the
//! weights is subtracted when they are packed, and what is then beyond a byte is added apart
//! ([`super::quad_panels`]); u8 weights, and i8 ones for NEON, keep it, and the kernels subtract
//! it times the sum of the row.

use super::convolution::Matmul;
use super::pair_panels::{self, PairPanels};
#[cfg(target_arch = "x86_64")]
use super::quad_panels::QuadPanels;
use super::requantize::{Requantize, interleaved};
use super::rows::Rows;
#[cfg(target_arch = "aarch64")]
use super::signed_panels::SignedPanels;
#[cfg(target_arch = "aarch64")]
use crate::simd::{Neon, neon};
use crate::simd::{Simd, Tile};

/// One int8 matrix product with its weights.
#[derive(Debug)]
pub(crate) struct MatmulI8 {
    simd: Simd,
    depth: usize,
    runs: usize,
    columns: usize,
    weights: PackedWeights,
    requantize: Requantize,
}

/// Weights in the order in which a level's kernel reads them.
#[derive(Debug)]
enum PackedWeights {
    #[cfg(target_arch = "x86_64")]
    Quads(QuadPanels),
    #[cfg(target_arch = "aarch64")]
    Signed(Neon, SignedPanels),
    Pairs(PairPanels),
}

impl MatmulI8 {
    /// Packs `weights[n * depth + k]`, for rows of so many runs. `requantize` holds the plain
    /// bias of each channel.
    pub(crate) fn new(
        simd: Simd,
        weights: &[i8],
        depth: usize,
        runs: usize,
        weight_zero_point: i32,
        input_zero_point: i32,
        mut requantize: Requantize,
    ) -> Self {
        let columns = weights.len() / depth;
        // What the kernel adds to the numbers of the input.
        let turned_over = turns_rows_over(simd, weight_zero_point);
        let offset = if turned_over { 128 } else { 0 };
        for (column, filter) in weights.chunks_exact(depth).enumerate() {
            let real = |&w: &i8| i32::from(w) - weight_zero_point;
            let sum = filter.iter().map(real).fold(0, i32::wrapping_add);
            requantize.take_zero_point(column, sum, input_zero_point + offset);
        }
        let place = column_order(simd);
        if let Some(place) = place {
            requantize = requantize.reordered(place);
        }
        let place = place.unwrap_or(std::convert::identity);
        let weights = match simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(_) => {
                PackedWeights::Quads(QuadPanels::split(weights, depth, runs, weight_zero_point))
            }
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) if proof.vnni().is_some() => {
                let zero_point = weight_zero_point;
                let panels = QuadPanels::with_zero_point(weights, depth, runs, zero_point, place);
                PackedWeights::Quads(panels)
            }
            #[cfg(target_arch = "aarch64")]
            Simd::Neon(proof) => {
                let block = neon::matmul_i8::block_of_panels(proof);
                let panels = SignedPanels::new(weights, depth, block, weight_zero_point);
                PackedWeights::Signed(proof, panels)
            }
            _ => PackedWeights::Pairs(PairPanels::new(
                place,
                weights,
                depth,
                runs,
                weight_zero_point,
            )),
        };
        Self { simd, depth, runs, columns, weights, requantize }
    }
}

impl Matmul for MatmulI8 {
    type Number = i8;
    const NAME: &'static str = "int8";
    const COPIES_ROWS: bool = true;

    fn simd(&self) -> Simd {
        self.simd
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn padded_depth(&self) -> usize {
        match &self.weights {
            #[cfg(target_arch = "x86_64")]
            PackedWeights::Quads(panels) => panels.quads * 4,
            #[cfg(target_arch = "aarch64")]
            PackedWeights::Signed(proof, panels) => neon::matmul_i8::padded_depth(*proof, panels),
            // Rows are padded when they are widened, those of bands are runs of their lines.
            PackedWeights::Pairs(_) if self.runs == 1 => self.depth,
            PackedWeights::Pairs(panels) => panels.pairs * 2,
        }
    }

    fn weight_bytes(&self) -> usize {
        let weights = match &self.weights {
            #[cfg(target_arch = "x86_64")]
            PackedWeights::Quads(panels) => panels.bytes(),
            #[cfg(target_arch = "aarch64")]
            PackedWeights::Signed(_, panels) => panels.bytes(),
            PackedWeights::Pairs(panels) => panels.weights.len(),
        };
        weights + self.requantize.bytes()
    }

    fn scratch_bytes(&self, rows: usize, numbers: usize) -> usize {
        match &self.weights {
            // The rows turned over, or their sums.
            #[cfg(target_arch = "x86_64")]
            PackedWeights::Quads(panels) if matches!(self.simd, Simd::Avx512(_)) => {
                numbers.max(rows * panels.quads * 4)
            }
            #[cfg(target_arch = "x86_64")]
            PackedWeights::Quads(_) => rows * 4,
            #[cfg(target_arch = "aarch64")]
            PackedWeights::Signed(proof, panels) => {
                neon::matmul_i8::scratch_bytes(*proof, panels, rows)
            }
            // The rows as i16.
            PackedWeights::Pairs(_) if self.runs > 1 => numbers * 2,
            PackedWeights::Pairs(panels) => rows * panels.pairs * 4,
        }
    }

    fn multiply(
        &self,
        rows: Rows<'_, i8>,
        tile: &mut Tile<'_>,
        first_row: usize,
        first_column: usize,
        scratch: &mut [u8],
    ) {
        match (&self.weights, self.simd) {
            #[cfg(target_arch = "x86_64")]
            (PackedWeights::Quads(panels), Simd::Avx512(proof)) => {
                crate::simd::avx512::matmul_i8::multiply(
                    proof,
                    turn_over(self.simd, rows, scratch),
                    panels,
                    &self.requantize,
                    tile,
                    first_row,
                    first_column,
                );
            }
            #[cfg(target_arch = "x86_64")]
            (PackedWeights::Quads(panels), Simd::Avx2(proof)) => {
                let proof = proof.vnni().expect("quads are packed for VNNI alone");
                let sums = bytemuck::cast_slice_mut(&mut scratch[..rows.count * 4]);
                crate::simd::avx2::matmul_vnni_i8::multiply(
                    proof,
                    rows,
                    panels,
                    &self.requantize,
                    tile,
                    first_row,
                    first_column,
                    sums,
                );
            }
            #[cfg(target_arch = "x86_64")]
            (PackedWeights::Quads(_), _) => unreachable!("quads are packed for VNNI alone"),
            #[cfg(target_arch = "aarch64")]
            (PackedWeights::Signed(proof, panels), _) => neon::matmul_i8::multiply(
                *proof,
                rows,
                panels,
                &self.requantize,
                tile,
                first_row,
                first_column,
                scratch,
            ),
            (PackedWeights::Pairs(panels), simd) => {
                let wide =
                    pair_panels::widen(simd, rows, self.depth, bytemuck::cast_slice_mut(scratch));
                let q = &self.requantize;
                match simd {
                    #[cfg(target_arch = "x86_64")]
                    Simd::Avx2(proof) => crate::simd::avx2::matmul_i8::multiply(
                        proof,
                        wide,
                        panels,
                        q,
                        tile,
                        first_row,
                        first_column,
                    ),
                    _ => pair_panels::multiply(wide, panels, q, tile, first_row, first_column),
                }
            }
        }
    }
}

/// The same rows with the highest bit of each number turned over, in scratch memory: what
/// instructions that want unsigned numbers read, 128 more than the number.
#[cfg(target_arch = "x86_64")]
fn turn_over<'a>(simd: Simd, rows: Rows<'_, i8>, scratch: &'a mut [u8]) -> Rows<'a, i8> {
    let turned: &mut [i8] = bytemuck::cast_slice_mut(&mut scratch[..rows.numbers.len()]);
    simd.vectorize(
        #[inline(always)]
        || {
            for (to, from) in turned.iter_mut().zip(rows.numbers) {
                *to = from ^ i8::MIN;
            }
        },
    );
    Rows { numbers: turned, ..rows }
}

/// The place of each column among others, where it is another than its number.
const fn column_order(simd: Simd) -> Option<fn(usize) -> usize> {
    match simd {
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2(_) => Some(interleaved),
        _ => None,
    }
}

/// True where the kernel multiplies numbers of the input after 128 was added to each.
const fn turns_rows_over(simd: Simd, weight_zero_point: i32) -> bool {
    match simd {
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512(_) => true,
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2(proof) => proof.vnni().is_some() && weight_zero_point == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::op::ActivationKind;
    use pocketvision_core::{Element, Quantization};
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;
    use crate::kernels::float_multiplier::Rounding;
    use crate::simd::AlignedBytes;

    /// The definition, number by number.
    fn expected(
        rows: Rows<'_, i8>,
        weights: &[i8],
        depth: usize,
        zero_points: (i32, i32),
        q: &Requantize,
    ) -> Vec<i8> {
        let columns = weights.len() / depth;
        let mut output = Vec::new();
        for row in 0..rows.count {
            for column in 0..columns {
                let products = rows.row(row, depth).iter().zip(&weights[column * depth..]);
                let sum: i32 = products
                    .map(|(&a, &w)| (i32::from(a) - zero_points.0) * (i32::from(w) - zero_points.1))
                    .sum();
                output.push(q.apply(column, sum + q.bias[column]));
            }
        }
        output
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_level_computes_the_definition(
            (row_count, depth, columns) in (1usize..40, 1usize..150, 1usize..150),
            (left, right) in (0usize..20, 0usize..20),
            (input_zero, weight_zero, output_zero) in (-128i32..128, -128i32..128, -128i32..128),
            output_scale in 1e-4f32..2.0,
            per_channel: bool, relu6: bool, seed: u64,
        ) {
            let mut random = crate::kernels::random::Random::new(seed);
            let input = Element::int8(0.03, input_zero);
            let output = Element::int8(output_scale, output_zero);
            let (quantization, weight_zero) = if per_channel {
                let scales = (0..columns).map(|_| 0.001 + 0.05 * random.unit()).collect();
                (Quantization::PerChannel { scales }, 0)
            } else {
                (Quantization::PerTensor { scale: 0.02, zero_point: weight_zero }, weight_zero)
            };
            let weights: Vec<i8> = random.bytes(columns * depth);
            let bias: Vec<i32> = (0..columns).map(|_| random.below(20_001) as i32 - 10_000).collect();
            let activation = relu6.then_some(ActivationKind::Relu6);
            let q = |rounding| {
                Requantize::new(rounding, &input, &quantization, &bias, activation, &output)
            };

            let stride = depth.next_multiple_of(4) + 4;
            let mut numbers: Vec<i8> = random.bytes(row_count * stride);
            for row in numbers.chunks_exact_mut(stride) {
                row[depth..].fill(0);
            }
            let rows = Rows::whole(&numbers, stride, row_count);
            let zero_points = (input_zero, weight_zero);
            let expected = expected(rows, &weights, depth, zero_points, &q(Rounding::Nearest));

            for level in SimdLevel::available() {
                let simd = Simd::new(level).unwrap();
                let q = q(simd.rounding());
                let product =
                    MatmulI8::new(simd, &weights, depth, 1, weight_zero, input_zero, q);
                // The product is one group of a wider output.
                let width = left + columns + right;
                let mut bytes = vec![99; row_count * width];
                let mut scratch = AlignedBytes::zeroed(product.scratch_bytes(row_count, numbers.len()));
                let mut tile = Tile::whole(&mut bytes, width);
                product.multiply(rows, &mut tile, 0, left, scratch.bytes_mut());
                for (row, bytes) in bytes.chunks_exact(width).enumerate() {
                    let ours: &[i8] = bytemuck::cast_slice(&bytes[left..left + columns]);
                    prop_assert_eq!(ours, &expected[row * columns..][..columns], "{}", level);
                    let mut around = bytes[..left].iter().chain(&bytes[left + columns..]);
                    prop_assert!(around.all(|&byte| byte == 99), "{} wrote too far", level);
                }
            }
        }
    }
}
