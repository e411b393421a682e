//! Fixed-point multiplication of 8 numbers, exact to the bit.

use std::arch::x86_64::*;

use crate::kernels::requantize::Requantize;
use pocketvision_core::quant::Multiplier;

/// The multipliers of 8 channels.
#[derive(Clone, Copy)]
pub(super) struct Multipliers {
    mantissa: __m256i,
    /// The mantissas of odd channels, each in the place of the even one before.
    mantissa_odd: __m256i,
    left: __m256i,
    right: __m256i,
}

impl Multipliers {
    /// The multipliers of 8 channels from `channel` on.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn load(q: &Requantize, channel: usize) -> Self {
        let vector = |list: &[i32]| {
            let list: &[i32; 8] = list[channel..channel + 8].try_into().expect("8 channels");
            // SAFETY: an array of 8 numbers is readable.
            unsafe { _mm256_loadu_si256(list.as_ptr().cast()) }
        };
        Self::new(vector(&q.mantissa), vector(&q.left), vector(&q.right))
    }

    /// One multiplier for all.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn splat(multiplier: Multiplier) -> Self {
        let (left, right) = multiplier.shifts();
        Self::new(
            _mm256_set1_epi32(multiplier.mantissa),
            _mm256_set1_epi32(left as i32),
            _mm256_set1_epi32(right as i32),
        )
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn new(mantissa: __m256i, left: __m256i, right: __m256i) -> Self {
        Self { mantissa, mantissa_odd: _mm256_srli_epi64::<32>(mantissa), left, right }
    }

    /// `x * mantissa / 2^31`, rounded: the middle bits of the 64-bit products after half of
    /// a unit is added.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn high_product(self, x: __m256i) -> __m256i {
        let half = _mm256_set1_epi64x(1 << 30);
        let even = _mm256_add_epi64(_mm256_mul_epi32(x, self.mantissa), half);
        let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(x), self.mantissa_odd);
        let odd = _mm256_add_epi64(odd, half);
        let (even, odd) = (_mm256_srli_epi64::<31>(even), _mm256_slli_epi64::<1>(odd));
        _mm256_blend_epi32::<0b1010_1010>(even, odd)
    }

    /// [`Multiplier::apply`] to each number.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn apply(self, x: __m256i) -> __m256i {
        let product = self.high_product(_mm256_sllv_epi32(x, self.left));
        let one = _mm256_set1_epi32(1);
        let mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, self.right), one);
        let sign = _mm256_srai_epi32::<31>(product);
        let threshold = _mm256_sub_epi32(_mm256_srli_epi32::<1>(mask), sign);
        let round_up = _mm256_cmpgt_epi32(_mm256_and_si256(product, mask), threshold);
        _mm256_sub_epi32(_mm256_srav_epi32(product, self.right), round_up)
    }

    /// [`Self::apply`] where no number is shifted left and all products are shifted right by
    /// at least one bit: a half is added before the last bit is shifted out, and one less
    /// before that for negative numbers, whose halves round down.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn apply_right_shifts(self, x: __m256i) -> __m256i {
        let product = self.high_product(x);
        let sign = _mm256_srai_epi32::<31>(product);
        let all_but_one = _mm256_sub_epi32(self.right, _mm256_set1_epi32(1));
        let nearly = _mm256_srav_epi32(_mm256_add_epi32(product, sign), all_but_one);
        _mm256_srai_epi32::<1>(_mm256_add_epi32(nearly, _mm256_set1_epi32(1)))
    }
}

/// Zero point and range of an output.
#[derive(Clone, Copy)]
pub(super) struct OutputRange {
    zero_point: __m256i,
    low: __m128i,
    high: __m128i,
}

impl OutputRange {
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn new(zero_point: i32, low: i32, high: i32) -> Self {
        Self {
            zero_point: _mm256_set1_epi32(zero_point),
            low: _mm_set1_epi8(low as i8),
            high: _mm_set1_epi8(high as i8),
        }
    }

    /// Adds the zero point and clamps: 16 int8 numbers from two vectors of 8.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn narrow(self, x: __m256i, y: __m256i) -> __m128i {
        let x = _mm256_add_epi32(x, self.zero_point);
        let y = _mm256_add_epi32(y, self.zero_point);
        // Packing works on each half of the registers: quarters 0 and 2 belong to `x`.
        let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(x, y));
        let (low, high) = (_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
        let narrow = _mm_packs_epi16(low, high);
        _mm_min_epi8(_mm_max_epi8(narrow, self.low), self.high)
    }
}

/// Writes the first `count` of 16 bytes.
///
/// # Safety
/// `to` must have room for them.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) unsafe fn store_first(to: *mut u8, bytes: __m128i, count: usize) {
    // SAFETY: the caller vouches for `count` bytes; the array has 16.
    unsafe {
        if count == 16 {
            _mm_storeu_si128(to.cast(), bytes);
        } else {
            let mut all = [0u8; 16];
            _mm_storeu_si128(all.as_mut_ptr().cast(), bytes);
            std::ptr::copy_nonoverlapping(all.as_ptr(), to, count.min(16));
        }
    }
}
