//! Fixed-point multiplication of 16 numbers, exact to the bit.

use std::arch::x86_64::*;

use crate::kernels::float_multiplier::FloatMultiplier;
use crate::kernels::requantize::Requantize;
use pocketvision_core::quant::Multiplier;

/// The multipliers of 16 channels.
#[derive(Clone, Copy)]
pub(super) struct Multipliers {
    mantissa: __m512i,
    /// The mantissas of odd channels, each in the place of the even one before.
    mantissa_odd: __m512i,
    left: __m512i,
    right: __m512i,
}

impl Multipliers {
    /// The multipliers of 16 channels from `channel` on.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn load(q: &Requantize, channel: usize) -> Self {
        let vector = |list: &[i32]| {
            let list: &[i32; 16] = list[channel..channel + 16].try_into().expect("16 channels");
            // SAFETY: an array of 16 numbers is readable.
            unsafe { _mm512_loadu_si512(list.as_ptr().cast()) }
        };
        Self::new(vector(&q.mantissa), vector(&q.left), vector(&q.right))
    }

    /// One multiplier for all.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn splat(multiplier: Multiplier) -> Self {
        let (left, right) = multiplier.shifts();
        Self::new(
            _mm512_set1_epi32(multiplier.mantissa),
            _mm512_set1_epi32(left as i32),
            _mm512_set1_epi32(right as i32),
        )
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn new(mantissa: __m512i, left: __m512i, right: __m512i) -> Self {
        Self { mantissa, mantissa_odd: _mm512_srli_epi64::<32>(mantissa), left, right }
    }

    /// `x * mantissa / 2^31`, rounded: the middle bits of the 64-bit products after half of
    /// a unit is added.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn high_product(self, x: __m512i) -> __m512i {
        let half = _mm512_set1_epi64(1 << 30);
        let even = _mm512_add_epi64(_mm512_mul_epi32(x, self.mantissa), half);
        let odd = _mm512_mul_epi32(_mm512_srli_epi64::<32>(x), self.mantissa_odd);
        let odd = _mm512_add_epi64(odd, half);
        let (even, odd) = (_mm512_srli_epi64::<31>(even), _mm512_slli_epi64::<1>(odd));
        _mm512_mask_mov_epi32(even, 0b1010_1010_1010_1010, odd)
    }

    /// [`Multiplier::apply`] to each number.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn apply(self, x: __m512i) -> __m512i {
        let product = self.high_product(_mm512_sllv_epi32(x, self.left));
        let one = _mm512_set1_epi32(1);
        let mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, self.right), one);
        let sign = _mm512_srai_epi32::<31>(product);
        let threshold = _mm512_sub_epi32(_mm512_srli_epi32::<1>(mask), sign);
        let round_up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(product, mask), threshold);
        let shifted = _mm512_srav_epi32(product, self.right);
        _mm512_mask_add_epi32(shifted, round_up, shifted, one)
    }

    /// [`Self::apply`] where no number is shifted left and all products are shifted right by
    /// at least one bit: a half is added before the last bit is shifted out, and one less
    /// before that for negative numbers, whose halves round down.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn apply_right_shifts(self, x: __m512i) -> __m512i {
        let product = self.high_product(x);
        let sign = _mm512_srai_epi32::<31>(product);
        let all_but_one = _mm512_sub_epi32(self.right, _mm512_set1_epi32(1));
        let nearly = _mm512_srav_epi32(_mm512_add_epi32(product, sign), all_but_one);
        _mm512_srai_epi32::<1>(_mm512_add_epi32(nearly, _mm512_set1_epi32(1)))
    }
}

/// Positive numbers, each with the sign of another.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn with_sign(magnitude: __m512, sign_of: __m512) -> __m512 {
    /// Where a has the sign, b is the magnitude and c the sign's bit: `a & c | b`.
    const COPY_SIGN: i32 = 0b1110_1100;
    let [a, b] = [_mm512_castps_si512(sign_of), _mm512_castps_si512(magnitude)];
    let signed = _mm512_ternarylogic_epi32::<COPY_SIGN>(a, b, _mm512_set1_epi32(i32::MIN));
    _mm512_castsi512_ps(signed)
}

/// Float multipliers of 16 channels that were proven to be exact.
#[derive(Clone, Copy)]
pub(super) struct FloatMultipliers {
    scale: __m512,
    scale_rest: __m512,
    half: __m512,
}

impl FloatMultipliers {
    /// The multipliers of 16 channels from `channel` on.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn load(q: &Requantize, channel: usize) -> Self {
        let vector = |list: &[f32]| {
            let list: &[f32; 16] = list[channel..channel + 16].try_into().expect("16 channels");
            // SAFETY: an array of 16 numbers is readable.
            unsafe { _mm512_loadu_ps(list.as_ptr()) }
        };
        Self { scale: vector(&q.scale), scale_rest: vector(&q.scale_rest), half: vector(&q.half) }
    }

    /// One multiplier for all.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn splat(multiplier: FloatMultiplier) -> Self {
        Self {
            scale: _mm512_set1_ps(multiplier.scale),
            scale_rest: _mm512_set1_ps(multiplier.scale_rest),
            half: _mm512_set1_ps(multiplier.half),
        }
    }

    /// The function of [`crate::kernels::float_multiplier`], of each number. If it is not
    /// `SIGNED`, all that is said of negative numbers is that they become 0 or less.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn apply<const SIGNED: bool>(self, x: __m512i) -> __m512i {
        const TO_ZERO: i32 = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;
        self.apply_to_float::<SIGNED>(_mm512_cvt_roundepi32_ps::<TO_ZERO>(x))
    }

    /// [`Self::apply`] to whole numbers that are floats already.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn apply_to_float<const SIGNED: bool>(self, x: __m512) -> __m512i {
        const TO_ZERO: i32 = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;
        let half = if SIGNED { with_sign(self.half, x) } else { self.half };
        let rest = _mm512_fmadd_round_ps::<TO_ZERO>(x, self.scale_rest, half);
        _mm512_cvttps_epi32(_mm512_fmadd_round_ps::<TO_ZERO>(x, self.scale, rest))
    }
}

/// Zero point and range of an output.
#[derive(Clone, Copy)]
pub(super) struct OutputRange {
    zero_point: __m512i,
    low: __m128i,
    high: __m128i,
    zero_point_i16: __m512i,
    low_512: __m512i,
    high_512: __m512i,
    /// From `low` to `high`.
    span: __m512i,
}

impl OutputRange {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn new(zero_point: i32, low: i32, high: i32) -> Self {
        Self {
            zero_point: _mm512_set1_epi32(zero_point),
            low: _mm_set1_epi8(low as i8),
            high: _mm_set1_epi8(high as i8),
            zero_point_i16: _mm512_set1_epi16(zero_point as i16),
            low_512: _mm512_set1_epi8(low as i8),
            high_512: _mm512_set1_epi8(high as i8),
            span: _mm512_set1_epi8((high - low) as i8),
        }
    }

    /// Adds the zero point and clamps: 16 int8 numbers.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn narrow(self, x: __m512i) -> __m128i {
        let narrow = _mm512_cvtsepi32_epi8(_mm512_add_epi32(x, self.zero_point));
        _mm_min_epi8(_mm_max_epi8(narrow, self.low), self.high)
    }

    /// As [`Self::narrow`], 64 numbers; lane by lane, four of each vector follow each other.
    /// If they are not `SIGNED`, the range must start at the zero point.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn narrow_in_order<const SIGNED: bool>(self, x: [__m512i; 4]) -> __m512i {
        let low = _mm512_packs_epi32(x[0], x[1]);
        self.narrow_words::<SIGNED>(low, _mm512_packs_epi32(x[2], x[3]))
    }

    /// As [`Self::narrow_in_order`], two times 32 numbers: those of `x` in the lower half, those
    /// of `y` in the upper half.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn narrow_two<const SIGNED: bool>(
        self,
        x: [__m512i; 2],
        y: [__m512i; 2],
    ) -> __m512i {
        // Packing works within lanes of 16 bytes, each of which then has four numbers of each
        // of the four vectors; the last step puts these in order.
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        let x = _mm512_packs_epi32(x[0], x[1]);
        let narrow = self.narrow_words::<SIGNED>(x, _mm512_packs_epi32(y[0], y[1]));
        _mm512_permutexvar_epi32(order, narrow)
    }

    /// Two vectors of 16-bit numbers, packed lane by lane. Without signs, packing clamps at the
    /// zero point by itself.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn narrow_words<const SIGNED: bool>(self, x: __m512i, y: __m512i) -> __m512i {
        if SIGNED {
            let x = _mm512_adds_epi16(x, self.zero_point_i16);
            let both = _mm512_packs_epi16(x, _mm512_adds_epi16(y, self.zero_point_i16));
            _mm512_min_epi8(_mm512_max_epi8(both, self.low_512), self.high_512)
        } else {
            let both = _mm512_min_epu8(_mm512_packus_epi16(x, y), self.span);
            _mm512_add_epi8(both, self.low_512)
        }
    }
}
