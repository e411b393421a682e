//! f32 linear layers of one position: weights times one vector.
//!
//! `out[n] = activation(bias[n] + sum over k of a[k] * w[n, k])`: classifier heads and the
//! two layers of squeeze-and-excite.
//!
//! Every weight is used once, so that packing would only copy them: they are read as the graph
//! has them, and shared with it. Some rows of weights are summed side by side, so that the
//! vector is read once for all of them.
//!
//! Floor: the weights' bytes over the bandwidth of the cache that holds them, mostly the last.

use std::sync::Arc;

use pocketvision_core::Tensor;
use pocketvision_core::op::ActivationKind;

use super::Kernel;
use crate::simd::{Inputs, Simd, Tile};

/// A linear layer of one position.
#[derive(Debug)]
pub(crate) struct LinearF32 {
    simd: Simd,
    /// `w[n * depth + k]`.
    weights: Arc<Tensor>,
    bias: Vec<f32>,
    activation: Option<ActivationKind>,
}

impl LinearF32 {
    /// Columns that threads' shares are multiples of.
    pub(crate) const COLUMN_GRANULE: usize = 16;

    /// A layer with one bias for each row of weights.
    pub(crate) fn new(
        simd: Simd,
        weights: Arc<Tensor>,
        bias: Vec<f32>,
        activation: Option<ActivationKind>,
    ) -> Self {
        Self { simd, weights, bias, activation }
    }
}

impl Kernel for LinearF32 {
    fn name(&self) -> String {
        format!("linear f32 {}", self.simd.level())
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes().len() + self.bias.len() * size_of::<f32>()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let a: &[f32] = inputs.numbers(0);
        let columns = tile.columns_of::<f32>();
        let weights = self.weights.as_f32().expect("f32 weights");
        let weights = &weights[columns.start * a.len()..columns.end * a.len()];
        let out: &mut [f32] = tile.row_of(0);
        match self.simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => {
                use crate::simd::avx512::linear_f32::dot_products;
                let one = |row: &[f32]| dot_products(proof, a, row);
                multiply_groups(a, weights, out, |rows| dot_products(proof, a, rows), one);
            }
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => {
                use crate::simd::avx2::linear_f32::dot_products;
                let one = |row: &[f32]| dot_products(proof, a, row);
                multiply_groups(a, weights, out, |rows| dot_products(proof, a, rows), one);
            }
            #[cfg(target_arch = "aarch64")]
            Simd::Neon(proof) => {
                use crate::simd::neon::linear_f32::dot_products;
                let one = |row: &[f32]| dot_products(proof, a, row);
                multiply_groups(a, weights, out, |rows| dot_products(proof, a, rows), one);
            }
            Simd::Portable(_) => multiply_portable(a, weights, out),
        }
        for (out, bias) in out.iter_mut().zip(&self.bias[columns]) {
            *out += bias;
            if let Some(activation) = self.activation {
                *out = activation.apply(*out);
            }
        }
    }
}

/// The product by a function of some rows of weights, and one for those that are left.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn multiply_groups(
    a: &[f32],
    weights: &[f32],
    out: &mut [f32],
    some: impl Fn(&[f32]) -> [f32; ROWS],
    one: impl Fn(&[f32]) -> [f32; 1],
) {
    let (groups, rest) = out.as_chunks_mut::<ROWS>();
    let (grouped, left) = weights.split_at(groups.len() * ROWS * a.len());
    for (out, rows) in groups.iter_mut().zip(grouped.chunks_exact(ROWS * a.len())) {
        *out = some(rows);
    }
    for (out, row) in rest.iter_mut().zip(left.chunks_exact(a.len())) {
        [*out] = one(row);
    }
}

/// Rows of weights at once.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const ROWS: usize = 4;

/// The product in plain Rust: eight sums a row.
fn multiply_portable(a: &[f32], weights: &[f32], out: &mut [f32]) {
    const LANES: usize = 8;
    let (vectors, rest) = a.as_chunks::<LANES>();
    for (out, row) in out.iter_mut().zip(weights.chunks(a.len())) {
        let (row_vectors, row_rest) = row.as_chunks::<LANES>();
        let mut sums = [0f32; LANES];
        for (a, w) in vectors.iter().zip(row_vectors) {
            for lane in 0..LANES {
                sums[lane] += a[lane] * w[lane];
            }
        }
        let last: f32 = rest.iter().zip(row_rest).map(|(a, w)| a * w).sum();
        *out = sums.iter().sum::<f32>() + last;
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::Shape;
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;

    proptest! {
        #[test]
        fn every_level_is_within_rounding_of_the_definition(
            depth in 1usize..200, columns in 1usize..40, seed: u64,
        ) {
            let mut random = crate::kernels::random::Random::new(seed);
            let (a, bias) = (random.numbers(depth), random.numbers(columns));
            let shape = Shape::new(columns, 1, 1, depth);
            let weights = Tensor::from_f32(shape, random.numbers(columns * depth)).unwrap();
            let weights = Arc::new(weights);
            for level in SimdLevel::available() {
                let simd = Simd::new(level).unwrap();
                let kernel = LinearF32::new(simd, Arc::clone(&weights), bias.clone(), None);
                let mut output = vec![0f32; columns];
                Inputs::with(&[bytemuck::cast_slice(&a)], |inputs| {
                    let bytes = bytemuck::cast_slice_mut(&mut output);
                    kernel.run(inputs, &mut Tile::whole(bytes, columns * 4), &mut []);
                });
                for (n, row) in weights.as_f32().unwrap().chunks(depth).enumerate() {
                    let (mut sum, mut size) = (f64::from(bias[n]), 1.0);
                    for (&a, &w) in a.iter().zip(row) {
                        let product = f64::from(a) * f64::from(w);
                        (sum, size) = (sum + product, size + product.abs());
                    }
                    let bound = (depth + 6) as f64 * f64::from(f32::EPSILON) / 2.0 * size;
                    let error = (f64::from(output[n]) - sum).abs();
                    prop_assert!(error <= bound, "{level}: {error} > {bound}");
                }
            }
        }
    }
}
