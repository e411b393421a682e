//! Activations of 16 floats.

use std::arch::x86_64::*;

use crate::kernels::epilogue_f32::EpilogueF32;

/// [`EpilogueF32::apply`] to each number.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn apply(epilogue: EpilogueF32, x: __m512) -> __m512 {
    let clamp =
        |x, low, high| _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(low)), _mm512_set1_ps(high));
    let gate = |x| {
        let shifted = _mm512_add_ps(x, _mm512_set1_ps(3.0));
        _mm512_mul_ps(clamp(shifted, 0.0, 6.0), _mm512_set1_ps(1.0 / 6.0))
    };
    match epilogue {
        EpilogueF32::Clamp { low, high } => clamp(x, low, high),
        EpilogueF32::HardSwish => _mm512_mul_ps(x, gate(x)),
        EpilogueF32::HardSigmoid => gate(x),
    }
}

/// Activates `$rows` times `$vectors` sums, an array of arrays, and writes them to an
/// [`Output`](super::matmul_f32::Output); the last vector of a row under a mask. The output must
/// have as many rows and columns.
///
/// A macro and no function, since passing the array would put it into memory.
macro_rules! store_f32 {
    ($rows:expr, $vectors:expr, $sums:expr, $last_mask:expr, $epilogue:expr, $output:expr) => {
        // Chosen once, not for each vector.
        match $epilogue {
            EpilogueF32::Clamp { low, high } => {
                store_f32!(@ $rows, $vectors, $sums, $last_mask, EpilogueF32::Clamp { low, high }, $output)
            }
            EpilogueF32::HardSwish => {
                store_f32!(@ $rows, $vectors, $sums, $last_mask, EpilogueF32::HardSwish, $output)
            }
            EpilogueF32::HardSigmoid => {
                store_f32!(@ $rows, $vectors, $sums, $last_mask, EpilogueF32::HardSigmoid, $output)
            }
        }
    };
    (@ $rows:expr, $vectors:expr, $sums:expr, $last_mask:expr, $epilogue:expr, $output:expr) => {
        unrolled!($rows, row, {
            for vector in 0..$vectors {
                let mask = if vector == $vectors - 1 { $last_mask } else { 0xffff };
                let to = $output.start.add(row * $output.stride + vector * 16);
                let sum = $sums[row][vector];
                _mm512_mask_storeu_ps(to, mask, $crate::simd::avx512::epilogue_f32::apply($epilogue, sum));
            }
        })
    };
}
pub(super) use store_f32;
