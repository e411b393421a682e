//! Products of two int8 tensors in float arithmetic that is exact all the same.
//!
//! The product of two numbers less their zero points is requantized as the sums of a convolution
//! are, [`super::float_multiplier`]. Where that has no constants that are right for every sum
//! there may still be some that are right for products: these are few, and all 65,536 are tried.

#[cfg(target_arch = "x86_64")]
use std::iter;

use pocketvision_core::quant::QuantizedMul;

use super::float_multiplier::FloatMultiplier;
use crate::simd::Simd;

/// The constants of a product, if the level has a kernel for them and it is right for all
/// operands.
pub(crate) fn prove(simd: Simd, mul: &QuantizedMul) -> Option<FloatMultiplier> {
    let (low, high) = mul.range;
    let (least, most) = (low - mul.output_zero_point, high - mul.output_zero_point);
    let proven = FloatMultiplier::prove(mul.output_multiplier, least, most, simd.rounding());
    #[cfg(target_arch = "x86_64")]
    let proven = proven.or_else(|| candidates(mul).find(|&floats| is_right(simd, mul, floats)));
    proven
}

/// The line of [`super::float_multiplier`], moved by up to a product to both sides.
#[cfg(target_arch = "x86_64")]
fn candidates(mul: &QuantizedMul) -> impl Iterator<Item = FloatMultiplier> {
    const STEPS: i32 = 8;
    let real = mul.output_multiplier.to_real();
    let half = 0.5 + 0.5 * 2f64.powi(mul.output_multiplier.exponent.min(0));
    let moved = iter::once(0).chain((1..=STEPS).flat_map(|step| [step, -step]));
    moved.map(move |step| FloatMultiplier {
        scale: real as f32,
        scale_rest: (real - f64::from(real as f32)) as f32,
        half: (half + real * f64::from(step) / f64::from(STEPS)) as f32,
    })
}

/// True if products in floats are those of the integers for all pairs of operands.
#[cfg(target_arch = "x86_64")]
fn is_right(simd: Simd, mul: &QuantizedMul, floats: FloatMultiplier) -> bool {
    match simd {
        Simd::Avx512(proof) => {
            use crate::simd::avx512::binary_i8;
            super::float_sum::for_all_operands(|a, b, exact, ours| {
                binary_i8::mul(proof, mul, a, b, exact);
                binary_i8::mul_floats(proof, mul, floats, a, b, ours);
            })
        }
        Simd::Avx2(proof) => {
            use crate::simd::avx2::binary_i8;
            super::float_sum::for_all_operands(|a, b, exact, ours| {
                binary_i8::mul(proof, mul, a, b, exact);
                binary_i8::mul_floats(proof, mul, floats, a, b, ours);
            })
        }
        Simd::Portable(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::Element;

    use super::*;
    use crate::SimdLevel;

    /// Products with a gate, as in squeeze-and-excitation: from 0 to 1 in 255 steps.
    #[test]
    fn most_products_with_gates_are_exact_in_floats() {
        for level in SimdLevel::available() {
            let simd = Simd::new(level).unwrap();
            if !matches!(level, SimdLevel::Avx512 | SimdLevel::Avx2) {
                continue;
            }
            let gate = Element::int8(1.0 / 256.0, -128);
            let exact = (0..200).filter(|&index| {
                let input = Element::int8(0.01 + 0.001 * (index * 37 % 101) as f32, -20);
                let output = Element::int8(0.008 + 0.001 * (index * 17 % 89) as f32, 3);
                prove(simd, &QuantizedMul::new(&input, &gate, &output, None)).is_some()
            });
            let exact = exact.count();
            assert!(exact >= 180, "{level}: {exact}");
        }
    }
}
