//! Activations of 8 floats, and where they go.

use std::arch::x86_64::*;

use crate::kernels::epilogue_f32::EpilogueF32;

/// [`EpilogueF32::apply`] to each number.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn apply(epilogue: EpilogueF32, x: __m256) -> __m256 {
    let clamp =
        |x, low, high| _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(low)), _mm256_set1_ps(high));
    let gate = |x| {
        let shifted = _mm256_add_ps(x, _mm256_set1_ps(3.0));
        _mm256_mul_ps(clamp(shifted, 0.0, 6.0), _mm256_set1_ps(1.0 / 6.0))
    };
    match epilogue {
        EpilogueF32::Clamp { low, high } => clamp(x, low, high),
        EpilogueF32::HardSwish => _mm256_mul_ps(x, gate(x)),
        EpilogueF32::HardSigmoid => gate(x),
    }
}

/// A mask of the first `count` of 8 numbers, for masked loads and stores.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn first(count: usize) -> __m256i {
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_cmpgt_epi32(_mm256_set1_epi32(count.min(8) as i32), lanes)
}

/// Writes the first `count` of 8 numbers. Whole vectors are not masked: masked stores are very
/// slow on some machines.
///
/// # Safety
/// `to` must have room for them.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) unsafe fn store_first(to: *mut f32, numbers: __m256, count: usize) {
    // SAFETY: the caller vouches for `count` numbers, 8 at most.
    unsafe {
        if count >= 8 {
            _mm256_storeu_ps(to, numbers);
        } else if count > 0 {
            _mm256_maskstore_ps(to, first(count), numbers);
        }
    }
}
