//! Sums of two int8 tensors in float arithmetic that is exact all the same.
//!
//! TFLite scales both operands by fixed-point products, adds them, and scales the sum: some
//! fifty vector instructions for 16 numbers. In floats it is ten:
//!
//! ```text
//! floor(coarse + a * a_coarse + b * b_coarse  +  (fine + a * a_fine + b * b_fine))
//! ```
//!
//! The coarse constants are multiples of 2^-15, so that nothing of their sum is rounded as long
//! as it is below 512, far outside of the clamp. The fine ones are what these lack. Their sum
//! is small and rounded by some 2^-30, and the last addition is rounded down, which never
//! crosses a whole number. A level that cannot round down takes whole numbers from the coarse
//! part first.
//!
//! TFLite's own roundings, of 2^-20 in an operand, remain. Whether one of them decides an output
//! is found out by trying: there are 65,536 pairs of operands, and the function is used only if
//! it is right for all of them.

use pocketvision_core::quant::QuantizedAdd;

use crate::simd::Simd;

/// The constants of a sum.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct FloatSum {
    pub(crate) a_coarse: f32,
    pub(crate) b_coarse: f32,
    pub(crate) coarse: f32,
    pub(crate) a_fine: f32,
    pub(crate) b_fine: f32,
    pub(crate) fine: f32,
    /// Smallest and largest output.
    pub(crate) range: (i32, i32),
}

impl FloatSum {
    /// The constants, if the level has a kernel for them and it is right for all operands.
    pub(crate) fn prove(simd: Simd, add: &QuantizedAdd) -> Option<Self> {
        let sum = Self::new(add);
        match simd {
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(proof) => {
                use crate::simd::avx512::binary_i8;
                let right = for_all_operands(|a, b, exact, ours| {
                    binary_i8::add(proof, add, a, b, exact);
                    binary_i8::add_floats(proof, &sum, a, b, ours);
                });
                right.then_some(sum)
            }
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(proof) => {
                use crate::simd::avx2::binary_i8;
                let right = for_all_operands(|a, b, exact, ours| {
                    binary_i8::add(proof, add, a, b, exact);
                    binary_i8::add_floats(proof, &sum, a, b, ours);
                });
                right.then_some(sum)
            }
            #[cfg(target_arch = "aarch64")]
            Simd::Neon(_) => None,
            Simd::Portable(_) => None,
        }
    }

    fn new(add: &QuantizedAdd) -> Self {
        let headroom = f64::from(1 << QuantizedAdd::LEFT_SHIFT);
        let output = add.output_multiplier.to_real() * headroom;
        let (a, b) = (add.a_multiplier.to_real() * output, add.b_multiplier.to_real() * output);
        let coarse = |real: f64| (real * 32_768.0).round() / 32_768.0;
        let (a_zero, b_zero) = (f64::from(add.a_zero_point), f64::from(add.b_zero_point));
        let (a_coarse, b_coarse) = (coarse(a), coarse(b));
        let (a_fine, b_fine) = (a - a_coarse, b - b_coarse);
        let whole = f64::from(add.output_zero_point) + 0.5;
        Self {
            a_coarse: a_coarse as f32,
            b_coarse: b_coarse as f32,
            coarse: (whole - a_zero * a_coarse - b_zero * b_coarse) as f32,
            a_fine: a_fine as f32,
            b_fine: b_fine as f32,
            fine: -(a_zero * a_fine + b_zero * b_fine) as f32,
            range: add.range,
        }
    }
}

/// True if two ways to combine operands are equal for all 65,536 pairs of operands.
#[cfg(target_arch = "x86_64")]
pub(super) fn for_all_operands(combine: impl Fn(&[i8], &[i8], &mut [i8], &mut [i8])) -> bool {
    let all: [i8; 256] = std::array::from_fn(|index| index as u8 as i8);
    all.iter().all(|&a| {
        let (mut exact, mut ours) = ([0; 256], [0; 256]);
        combine(&[a; 256], &all, &mut exact, &mut ours);
        exact == ours
    })
}
