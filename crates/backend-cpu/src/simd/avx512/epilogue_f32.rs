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
