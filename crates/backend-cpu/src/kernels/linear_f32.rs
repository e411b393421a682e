//! f32 linear layers of one position: weights times one vector.
//!
//! `out[n] = activation(bias[n] + sum over k of a[k] * w[n, k])`: classifier heads and the
//! two layers of squeeze-and-excite.
//!
//! Every weight is used once, so all that counts is how many bytes they are. A plan that is run
//! often has integers of 24 bits in their place, where the level has a kernel for them (see
//! [`fixed_rows`](super::fixed_rows)). One that is run a few times reads them as the graph has
//! them, and shares them with it: a copy would take longer than it saves. Some rows of weights
//! are summed side by side, so that the vector is read once for all of them.
//!
//! Floor: the weights' bytes over the bandwidth of memory, or of the cache that holds them.

#[cfg(target_arch = "x86_64")]
use std::ops::Range;
use std::sync::Arc;

use pocketvision_core::Tensor;
use pocketvision_core::op::ActivationKind;

use super::Kernel;
#[cfg(target_arch = "x86_64")]
use super::fixed_rows::FixedRows;
use super::fixed_rows::ROWS;
use crate::simd::{Inputs, Simd, Tile};

/// A linear layer of one position.
#[derive(Debug)]
pub(crate) struct LinearF32 {
    simd: Simd,
    weights: Weights,
    bias: Vec<f32>,
    activation: Option<ActivationKind>,
}

/// Where the weights are.
#[derive(Debug)]
enum Weights {
    /// In the graph, `w[n * depth + k]`.
    Graph(Arc<Tensor>),
    /// In integers.
    #[cfg(target_arch = "x86_64")]
    Fixed(FixedRows),
}

impl LinearF32 {
    /// Columns that threads' shares are multiples of.
    pub(crate) const COLUMN_GRANULE: usize = 16;

    /// A layer with one bias for each row of weights, which are read as they are.
    pub(crate) const fn new(
        simd: Simd,
        weights: Arc<Tensor>,
        bias: Vec<f32>,
        activation: Option<ActivationKind>,
    ) -> Self {
        Self { simd, weights: Weights::Graph(weights), bias, activation }
    }

    /// The same for many runs: its weights become integers, where that is as exact and there is
    /// a kernel for it.
    pub(crate) fn with_fixed_weights(self) -> Self {
        let weights = self.weights.fixed(self.simd, self.bias.len());
        Self { weights, ..self }
    }
}

impl Weights {
    fn fixed(self, simd: Simd, rows: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let (Simd::Avx2(_) | Simd::Avx512(_), Self::Graph(tensor)) = (simd, &self) {
            let numbers = tensor.as_f32().expect("f32 weights");
            if let Some(fixed) = FixedRows::new(simd, numbers, numbers.len() / rows) {
                return Self::Fixed(fixed);
            }
        }
        self
    }
}

impl Kernel for LinearF32 {
    fn name(&self) -> String {
        match self.weights {
            Weights::Graph(_) => format!("linear f32 {}", self.simd.level()),
            #[cfg(target_arch = "x86_64")]
            Weights::Fixed(_) => format!("linear f32 24-bit {}", self.simd.level()),
        }
    }

    fn weight_bytes(&self) -> usize {
        let weights = match &self.weights {
            Weights::Graph(tensor) => tensor.bytes().len(),
            #[cfg(target_arch = "x86_64")]
            Weights::Fixed(rows) => rows.bytes(),
        };
        weights + self.bias.len() * size_of::<f32>()
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let a: &[f32] = inputs.numbers(0);
        let columns = tile.columns_of::<f32>();
        let out: &mut [f32] = tile.row_of(0);
        match &self.weights {
            Weights::Graph(tensor) => {
                let weights = tensor.as_f32().expect("f32 weights");
                let weights = &weights[columns.start * a.len()..columns.end * a.len()];
                multiply(self.simd, a, weights, out);
            }
            #[cfg(target_arch = "x86_64")]
            Weights::Fixed(rows) => multiply_fixed(self.simd, a, rows, columns.clone(), out),
        }
        for (out, bias) in out.iter_mut().zip(&self.bias[columns]) {
            *out += bias;
            if let Some(activation) = self.activation {
                *out = activation.apply(*out);
            }
        }
    }
}

/// The product with weights as they are.
fn multiply(simd: Simd, a: &[f32], weights: &[f32], out: &mut [f32]) {
    match simd {
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
}

/// The product with some columns of weights that are integers.
#[cfg(target_arch = "x86_64")]
fn multiply_fixed(simd: Simd, a: &[f32], rows: &FixedRows, columns: Range<usize>, out: &mut [f32]) {
    use crate::simd::{avx2, avx512};
    debug_assert_eq!(columns.start % ROWS, 0, "whole groups from the first on");
    for (group, out) in out.chunks_mut(ROWS).enumerate() {
        let (weights, scales) = rows.group(columns.start / ROWS + group);
        let sums = match simd {
            Simd::Avx512(proof) => avx512::linear_fixed::dot_products(proof, a, weights),
            Simd::Avx2(proof) => avx2::linear_fixed::dot_products(proof, a, weights),
            Simd::Portable(_) => unreachable!("levels without a kernel keep weights as they are"),
        };
        for (out, (sum, scale)) in out.iter_mut().zip(sums.iter().zip(scales)) {
            *out = sum * scale;
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
            for level in SimdLevel::available() {
                let layer = Layer::random(depth, columns, seed);
                let outputs = layer.run(layer.kernel(level));
                for (n, (sum, size)) in layer.sums().into_iter().enumerate() {
                    let bound = (depth + 6) as f64 * HALF_ULP * (size + 1.0);
                    let error = (f64::from(outputs[n]) - sum).abs();
                    prop_assert!(error <= bound, "{level}: {error} > {bound}");
                }
            }
        }

        #[test]
        fn fixed_weights_are_within_rounding_and_half_a_unit_of_each(
            depth in 16usize..200, columns in 8usize..40, scale in -40i32..40, seed: u64,
        ) {
            for level in levels_with_fixed_weights() {
                let mut layer = Layer::random(depth, columns, seed);
                layer.scale_weights(2_f32.powi(scale));
                let kernel = layer.kernel(level).with_fixed_weights();
                prop_assume!(kernel.name().contains("24-bit"));
                let outputs = layer.run(kernel);
                let inputs: f64 = layer.a.iter().map(|a| f64::from(a.abs())).sum();
                for (n, (sum, size)) in layer.sums().into_iter().enumerate() {
                    let largest = layer.row(n).iter().fold(0_f32, |most, w| most.max(w.abs()));
                    let bound = (depth + 6) as f64 * HALF_ULP * (size + 1.0)
                        + 2.0 * HALF_ULP * f64::from(largest) * inputs;
                    let error = (f64::from(outputs[n]) - sum).abs();
                    prop_assert!(error <= bound, "{level}: {error} > {bound}");
                }
            }
        }
    }

    /// Fixed weights hold multiples of `2^(e - 23)` exactly, and so do the sums of few of them.
    #[test]
    fn fixed_weights_of_few_bits_are_exact() {
        for level in levels_with_fixed_weights() {
            for (depth, columns) in [(16, 8), (95, 15), (64, 4), (100, 21)] {
                let mut layer = Layer::random(depth, columns, 7);
                layer.a.iter_mut().for_each(|a| *a = (*a * 16.0).round());
                layer.round_weights_to(1.0 / 128.0);
                let fixed = layer.kernel(level).with_fixed_weights();
                assert_eq!(fixed.name(), format!("linear f32 24-bit {level}"), "{depth}");
                assert_eq!(layer.run(fixed), layer.run(layer.kernel(level)), "{level} {depth}");
            }
        }
    }

    #[test]
    fn rows_that_would_lose_by_it_stay_as_they_are() {
        for level in levels_with_fixed_weights() {
            let is_fixed = |change: &dyn Fn(&mut [f32])| {
                let mut layer = Layer::random(64, 8, 3);
                layer.change_weights(change);
                layer.kernel(level).with_fixed_weights().name().contains("24-bit")
            };
            assert!(is_fixed(&|_| {}));
            assert!(is_fixed(&|weights| weights[..64].fill(0.0)), "a row of zeros");
            assert!(is_fixed(&|weights| weights[70] = -8.0));
            assert!(!is_fixed(&|weights| weights[70] = -1e3), "the others would lose their bits");
            assert!(!is_fixed(&|weights| weights[70] = f32::NAN));
            assert!(!is_fixed(&|weights| weights[70] = f32::INFINITY));
            assert!(!is_fixed(&|weights| weights.iter_mut().for_each(|w| *w *= 1e35)));
            assert!(!is_fixed(&|weights| weights.iter_mut().for_each(|w| *w *= 1e-35)));
        }
    }

    fn levels_with_fixed_weights() -> impl Iterator<Item = SimdLevel> {
        let have = |level: &SimdLevel| {
            matches!(level, SimdLevel::Avx2 | SimdLevel::AvxVnni | SimdLevel::Avx512)
        };
        SimdLevel::available().filter(have)
    }

    /// Half the distance of neighbouring numbers from 1 on.
    const HALF_ULP: f64 = f32::EPSILON as f64 / 2.0;

    /// Numbers of a layer.
    struct Layer {
        a: Vec<f32>,
        weights: Arc<Tensor>,
        bias: Vec<f32>,
    }

    impl Layer {
        fn random(depth: usize, columns: usize, seed: u64) -> Self {
            let mut random = crate::kernels::random::Random::new(seed);
            let (a, bias) = (random.numbers(depth), random.numbers(columns));
            let shape = Shape::new(columns, 1, 1, depth);
            let weights = Tensor::from_f32(shape, random.numbers(columns * depth)).unwrap();
            Self { a, weights: Arc::new(weights), bias }
        }

        fn change_weights(&mut self, change: impl Fn(&mut [f32])) {
            let mut weights = self.weights.as_f32().unwrap().to_vec();
            change(&mut weights);
            self.weights = Arc::new(Tensor::from_f32(self.weights.shape(), weights).unwrap());
        }

        fn scale_weights(&mut self, scale: f32) {
            self.change_weights(|weights| weights.iter_mut().for_each(|w| *w *= scale));
        }

        fn round_weights_to(&mut self, unit: f32) {
            self.change_weights(|weights| {
                weights.iter_mut().for_each(|w| *w = (*w / unit).round() * unit);
            });
        }

        fn row(&self, n: usize) -> &[f32] {
            &self.weights.as_f32().unwrap()[n * self.a.len()..][..self.a.len()]
        }

        fn kernel(&self, level: SimdLevel) -> LinearF32 {
            let simd = Simd::new(level).unwrap();
            LinearF32::new(simd, Arc::clone(&self.weights), self.bias.clone(), None)
        }

        fn run(&self, kernel: LinearF32) -> Vec<f32> {
            let mut output = vec![0f32; self.bias.len()];
            Inputs::with(&[bytemuck::cast_slice(&self.a)], |inputs| {
                let columns = self.bias.len() * size_of::<f32>();
                let bytes = bytemuck::cast_slice_mut(&mut output);
                kernel.run(inputs, &mut Tile::whole(bytes, columns), &mut []);
            });
            output
        }

        /// The definition: each output, and the sum of its products' sizes.
        fn sums(&self) -> Vec<(f64, f64)> {
            let sum = |n: usize| {
                let (mut sum, mut size) = (f64::from(self.bias[n]), 0.0);
                for (&a, &w) in self.a.iter().zip(self.row(n)) {
                    let product = f64::from(a) * f64::from(w);
                    (sum, size) = (sum + product, size + product.abs());
                }
                (sum, size)
            };
            (0..self.bias.len()).map(sum).collect()
        }
    }
}
