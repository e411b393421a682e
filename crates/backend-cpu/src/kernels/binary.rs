//! Sums and products of two tensors: what becomes of the numbers that meet in a
//! [`Broadcast`].

use pocketvision_core::op::ActivationKind;
use pocketvision_core::quant::{QuantizedAdd, QuantizedMul};

use super::Kernel;
use super::activation_f32::activate;
use super::broadcast::Broadcast;
use super::float_multiplier::FloatMultiplier;
use super::float_product;
use super::float_sum::FloatSum;
use crate::simd::{Inputs, Simd, Tile};

/// `function(a, b)`, element by element.
#[derive(Debug)]
pub(crate) struct Binary {
    simd: Simd,
    operands: Broadcast,
    function: BinaryFunction,
    floats: Option<ExactFloats>,
}

/// A function of integers in floats that are exact.
#[derive(Clone, Copy, Debug)]
enum ExactFloats {
    Sum(FloatSum),
    Product(FloatMultiplier),
}

/// What is computed of two numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BinaryFunction {
    /// `activation(a + b)`.
    AddF32(Option<ActivationKind>),
    /// `activation(a * b)`.
    MulF32(Option<ActivationKind>),
    /// See [`QuantizedAdd`].
    AddI8(QuantizedAdd),
    /// See [`QuantizedMul`].
    MulI8(QuantizedMul),
}

impl Binary {
    pub(crate) fn new(simd: Simd, operands: Broadcast, function: BinaryFunction) -> Self {
        let floats = ExactFloats::of(simd, &function);
        Self { simd, operands, function, floats }
    }

    /// True if the output is one run, and not taken pixel by pixel.
    pub(crate) const fn is_flat(&self) -> bool {
        self.operands.is_flat()
    }
}

impl ExactFloats {
    fn of(simd: Simd, function: &BinaryFunction) -> Option<Self> {
        match function {
            BinaryFunction::AddF32(_) | BinaryFunction::MulF32(_) => None,
            BinaryFunction::AddI8(add) => FloatSum::prove(simd, add).map(Self::Sum),
            BinaryFunction::MulI8(mul) => float_product::prove(simd, mul).map(Self::Product),
        }
    }
}

impl Kernel for Binary {
    fn name(&self) -> String {
        let what = match self.function {
            BinaryFunction::AddF32(_) => "add f32",
            BinaryFunction::MulF32(_) => "mul f32",
            BinaryFunction::AddI8(_) => "add int8",
            BinaryFunction::MulI8(_) => "mul int8",
        };
        format!("{what} {}", self.simd.level())
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let function = &self.function;
        match function {
            BinaryFunction::AddF32(_) | BinaryFunction::MulF32(_) => {
                self.operands.for_each_run(inputs, tile, |a: Option<&[f32]>, b, out| {
                    combine_f32(self.simd, function, [a, b], out);
                });
            }
            BinaryFunction::AddI8(add) => {
                self.operands.for_each_run(inputs, tile, |a, b, out| {
                    let (a, b) = both(a, b);
                    add_i8(self.simd, add, self.floats, a, b, out);
                });
            }
            BinaryFunction::MulI8(mul) => {
                self.operands.for_each_run(inputs, tile, |a, b, out| {
                    let (a, b) = both(a, b);
                    mul_i8(self.simd, mul, self.floats, a, b, out);
                });
            }
        }
    }
}

/// Combines two operands, one of which the output may hold.
fn combine_f32(
    simd: Simd,
    function: &BinaryFunction,
    operands: [Option<&[f32]>; 2],
    out: &mut [f32],
) {
    let activation = match function {
        BinaryFunction::MulF32(activation) => {
            combine(
                simd,
                operands,
                out,
                #[inline(always)]
                |a, b| a * b,
            );
            activation
        }
        BinaryFunction::AddF32(activation) => {
            combine(
                simd,
                operands,
                out,
                #[inline(always)]
                |a, b| a + b,
            );
            activation
        }
        _ => unreachable!("integers are combined elsewhere"),
    };
    activate(simd, *activation, out);
}

/// Both operands of integers, which are not overwritten.
fn both<'a>(a: Option<&'a [i8]>, b: Option<&'a [i8]>) -> (&'a [i8], &'a [i8]) {
    (a.expect("an input"), b.expect("an input"))
}

fn add_i8(
    simd: Simd,
    add: &QuantizedAdd,
    floats: Option<ExactFloats>,
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
) {
    let done = match simd {
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512(proof) => match floats {
            Some(ExactFloats::Sum(sum)) => {
                crate::simd::avx512::binary_i8::add_floats(proof, &sum, a, b, out)
            }
            _ => crate::simd::avx512::binary_i8::add(proof, add, a, b, out),
        },
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2(proof) => match floats {
            Some(ExactFloats::Sum(sum)) => {
                crate::simd::avx2::binary_i8::add_floats(proof, &sum, a, b, out)
            }
            _ => crate::simd::avx2::binary_i8::add(proof, add, a, b, out),
        },
        #[cfg(target_arch = "aarch64")]
        Simd::Neon(proof) => crate::simd::neon::binary_i8::add(proof, add, a, b, out),
        Simd::Portable(_) => 0,
    };
    combine_rest(done, a, b, out, |a, b| add.apply(a, b));
}

fn mul_i8(
    simd: Simd,
    mul: &QuantizedMul,
    floats: Option<ExactFloats>,
    a: &[i8],
    b: &[i8],
    out: &mut [i8],
) {
    let done = match simd {
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512(proof) => match floats {
            Some(ExactFloats::Product(multiplier)) => {
                crate::simd::avx512::binary_i8::mul_floats(proof, mul, multiplier, a, b, out)
            }
            _ => crate::simd::avx512::binary_i8::mul(proof, mul, a, b, out),
        },
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2(proof) => match floats {
            Some(ExactFloats::Product(multiplier)) => {
                crate::simd::avx2::binary_i8::mul_floats(proof, mul, multiplier, a, b, out)
            }
            _ => crate::simd::avx2::binary_i8::mul(proof, mul, a, b, out),
        },
        #[cfg(target_arch = "aarch64")]
        Simd::Neon(proof) => crate::simd::neon::binary_i8::mul(proof, mul, a, b, out),
        Simd::Portable(_) => 0,
    };
    combine_rest(done, a, b, out, |a, b| mul.apply(a, b));
}

/// Combines two runs, or a run and one number, or two numbers for a whole run. The output may
/// hold one of the runs.
#[inline(always)]
fn combine<T: Copy>(
    simd: Simd,
    operands: [Option<&[T]>; 2],
    out: &mut [T],
    function: impl Fn(T, T) -> T,
) {
    simd.vectorize(
        #[inline(always)]
        || match operands {
            [Some(a), Some(b)] => combine_rest(0, a, b, out, function),
            [Some(a), None] => combine_held(a, out, |held, a| function(a, held)),
            [None, Some(b)] => combine_held(b, out, function),
            [None, None] => unreachable!("one operand is overwritten at most"),
        },
    );
}

/// Combines what the output holds with a run or one number.
#[inline(always)]
fn combine_held<T: Copy>(other: &[T], out: &mut [T], function: impl Fn(T, T) -> T) {
    match *other {
        [other] => out.iter_mut().for_each(|out| *out = function(*out, other)),
        _ => out.iter_mut().zip(other).for_each(|(out, &other)| *out = function(*out, other)),
    }
}

/// As [`combine`] of two runs or numbers, from one element on.
#[inline(always)]
fn combine_rest<T: Copy>(
    from: usize,
    a: &[T],
    b: &[T],
    out: &mut [T],
    function: impl Fn(T, T) -> T,
) {
    let length = out.len();
    let out = out[from..].iter_mut();
    match (a.len() == length, b.len() == length) {
        (true, true) => {
            out.zip(&a[from..]).zip(&b[from..]).for_each(|((out, &a), &b)| *out = function(a, b));
        }
        (true, false) => out.zip(&a[from..]).for_each(|(out, &a)| *out = function(a, b[0])),
        (false, true) => out.zip(&b[from..]).for_each(|(out, &b)| *out = function(a[0], b)),
        (false, false) => out.for_each(|out| *out = function(a[0], b[0])),
    }
}

#[cfg(test)]
mod tests {
    use pocketvision_core::Element;
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;
    use crate::kernels::random::Random;

    proptest! {
        #[test]
        fn every_level_computes_the_same_int8_sums_and_products(
            length in 0usize..100,
            scales in prop::array::uniform3(1e-3f32..4.0),
            zeros in prop::array::uniform3(-128i32..128),
            relu: bool, seed: u64,
        ) {
            let mut random = Random::new(seed);
            let (a, b) = (random.bytes(length), random.bytes(length));
            let [ea, eb, eo] = [0, 1, 2].map(|i| Element::int8(scales[i], zeros[i]));
            let activation = relu.then_some(ActivationKind::Relu);
            let add = QuantizedAdd::new(&ea, &eb, &eo, activation);
            let mul = QuantizedMul::new(&ea, &eb, &eo, activation);
            let pairs = || a.iter().zip(&b);
            let sums: Vec<i8> = pairs().map(|(&a, &b)| add.apply(a, b)).collect();
            let products: Vec<i8> = pairs().map(|(&a, &b)| mul.apply(a, b)).collect();
            for level in SimdLevel::available() {
                let simd = Simd::new(level).unwrap();
                let mut out = vec![0; length];
                let floats = |function| [None, ExactFloats::of(simd, &function)];
                for floats in floats(BinaryFunction::AddI8(add)) {
                    add_i8(simd, &add, floats, &a, &b, &mut out);
                    prop_assert_eq!(&out, &sums, "sums, {}, {:?}", level, floats);
                }
                for floats in floats(BinaryFunction::MulI8(mul)) {
                    mul_i8(simd, &mul, floats, &a, &b, &mut out);
                    prop_assert_eq!(&out, &products, "products, {}, {:?}", level, floats);
                }
            }
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn most_sums_of_networks_are_exact_in_floats() {
        let Ok(simd) = Simd::new(SimdLevel::Avx512) else { return };
        let exact = (0..100).filter(|&index| {
            let scale = |shift: i32| 0.01 + 0.001 * ((index * 37 + shift) % 101) as f32;
            let [a, b] = [Element::int8(scale(0), 5), Element::int8(scale(50), -9)];
            let add = QuantizedAdd::new(&a, &b, &Element::int8(scale(20) + 0.02, 3), None);
            FloatSum::prove(simd, &add).is_some()
        });
        let exact = exact.count();
        assert!(exact >= 50, "{exact}");
    }
}
