//! From int32 sums to int8 numbers, exact to the bit: 8 at a time.

use std::arch::x86_64::*;

use crate::kernels::float_multiplier::FloatMultiplier;
use crate::kernels::requantize::Requantize;
use pocketvision_core::quant::Multiplier;

/// How sums of 16 neighbouring channels become numbers: the shortest way that is exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    /// In floats, where nothing below the zero point is an output, so that signs do not matter.
    FloatsFromZeroPoint,
    /// In floats.
    Floats,
    /// In integers.
    Integers,
}

impl Method {
    /// The method for 16 channels from one on.
    pub(super) fn of(q: &Requantize, channel: usize) -> Self {
        match q.has_exact_floats(channel..channel + 16) {
            true if q.low >= q.zero_point => Self::FloatsFromZeroPoint,
            true => Self::Floats,
            false => Self::Integers,
        }
    }
}

/// Writes the numbers of 16 channels from `channel` on, of which there are `columns`: a row for
/// each two vectors of sums, `stride` bytes apart. Sums and `q` are in the order of
/// [`interleaved`](crate::kernels::requantize::interleaved).
///
/// # Safety
/// The rows must have room for as many bytes.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) unsafe fn store_rows<const ROWS: usize>(
    q: &Requantize,
    channel: usize,
    method: Method,
    sums: [[__m256i; 2]; ROWS],
    output: *mut u8,
    stride: usize,
    columns: usize,
) {
    // SAFETY: the caller vouches for the output.
    unsafe {
        match method {
            Method::FloatsFromZeroPoint => {
                store_rows_in_floats::<ROWS, false>(q, channel, sums, output, stride, columns);
            }
            Method::Floats => {
                store_rows_in_floats::<ROWS, true>(q, channel, sums, output, stride, columns);
            }
            Method::Integers => {
                let spilled = sums;
                store_rows_in_integers(q, channel, &spilled, output, stride, columns);
            }
        }
    }
}

/// [`store_rows`] where floats are exact; negative sums are right only if they are `SIGNED`.
///
/// # Safety
/// The rows must have room for as many bytes.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn store_rows_in_floats<const ROWS: usize, const SIGNED: bool>(
    q: &Requantize,
    channel: usize,
    sums: [[__m256i; 2]; ROWS],
    output: *mut u8,
    stride: usize,
    columns: usize,
) {
    let range = OutputRange::new(q.zero_point, q.low, q.high);
    let x = FloatMultipliers::load(q, channel);
    let y = FloatMultipliers::load(q, channel + 8);
    for row in (0..ROWS).step_by(2) {
        let (a, b) = (sums[row], sums[(row + 1).min(ROWS - 1)]);
        let a = [x.apply::<SIGNED>(a[0]), y.apply::<SIGNED>(a[1])];
        let b = [x.apply::<SIGNED>(b[0]), y.apply::<SIGNED>(b[1])];
        let both = range.narrow_two(a, b);
        // SAFETY: the caller vouches for the output.
        unsafe { store_two(both, row + 1 < ROWS, output.add(row * stride), stride, columns) };
    }
}

/// [`store_rows`] where floats are not exact.
///
/// # Safety
/// The rows must have room for as many bytes.
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
unsafe fn store_rows_in_integers(
    q: &Requantize,
    channel: usize,
    sums: &[[__m256i; 2]],
    output: *mut u8,
    stride: usize,
    columns: usize,
) {
    let range = OutputRange::new(q.zero_point, q.low, q.high);
    let multipliers = [Multipliers::load(q, channel), Multipliers::load(q, channel + 8)];
    for (row, &[x, y]) in sums.iter().enumerate() {
        let numbers = if q.only_right_shifts {
            [multipliers[0].apply_right_shifts(x), multipliers[1].apply_right_shifts(y)]
        } else {
            [multipliers[0].apply(x), multipliers[1].apply(y)]
        };
        let both = range.narrow_two(numbers, numbers);
        // SAFETY: the caller vouches for the output.
        unsafe { store_two(both, false, output.add(row * stride), stride, columns) };
    }
}

/// Writes the lower half of a vector to a row, and the upper half to the next if that is there.
///
/// # Safety
/// The rows must have room for as many bytes.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn store_two(both: __m256i, second: bool, output: *mut u8, stride: usize, columns: usize) {
    // SAFETY: the caller vouches for the output.
    unsafe {
        store_first(output, _mm256_castsi256_si128(both), columns);
        if second {
            store_first(output.add(stride), _mm256_extracti128_si256::<1>(both), columns);
        }
    }
}

/// Float multipliers of 8 channels that were proven to be exact.
#[derive(Clone, Copy)]
pub(super) struct FloatMultipliers {
    scale: __m256,
    scale_rest: __m256,
    half: __m256,
}

impl FloatMultipliers {
    /// The multipliers of 8 channels from `channel` on.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn load(q: &Requantize, channel: usize) -> Self {
        let vector = |list: &[f32]| {
            let list: &[f32; 8] = list[channel..channel + 8].try_into().expect("8 channels");
            // SAFETY: an array of 8 numbers is readable.
            unsafe { _mm256_loadu_ps(list.as_ptr()) }
        };
        Self { scale: vector(&q.scale), scale_rest: vector(&q.scale_rest), half: vector(&q.half) }
    }

    /// One multiplier for all.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn splat(multiplier: FloatMultiplier) -> Self {
        Self {
            scale: _mm256_set1_ps(multiplier.scale),
            scale_rest: _mm256_set1_ps(multiplier.scale_rest),
            half: _mm256_set1_ps(multiplier.half),
        }
    }

    /// The function of [`crate::kernels::float_multiplier`], of each number, rounded to the
    /// nearest. Unless they are `SIGNED`, negative numbers become something below 1.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn apply<const SIGNED: bool>(self, x: __m256i) -> __m256i {
        self.apply_to_float::<SIGNED>(_mm256_cvtepi32_ps(x))
    }

    /// [`Self::apply`] to whole numbers that are floats already.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn apply_to_float<const SIGNED: bool>(self, x: __m256) -> __m256i {
        let half = match SIGNED {
            true => _mm256_or_ps(self.half, _mm256_and_ps(x, _mm256_set1_ps(-0.0))),
            false => self.half,
        };
        let rest = _mm256_fmadd_ps(x, self.scale_rest, half);
        _mm256_cvttps_epi32(_mm256_fmadd_ps(x, self.scale, rest))
    }
}

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
    fn load(q: &Requantize, channel: usize) -> Self {
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
    fn apply_right_shifts(self, x: __m256i) -> __m256i {
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
    zero_point_i16: __m256i,
    low: __m256i,
    high: __m256i,
}

impl OutputRange {
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn new(zero_point: i32, low: i32, high: i32) -> Self {
        Self {
            zero_point: _mm256_set1_epi32(zero_point),
            zero_point_i16: _mm256_set1_epi16(zero_point as i16),
            low: _mm256_set1_epi8(low as i8),
            high: _mm256_set1_epi8(high as i8),
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
        let (low, high) = (_mm256_castsi256_si128(self.low), _mm256_castsi256_si128(self.high));
        _mm_min_epi8(_mm_max_epi8(narrow, low), high)
    }

    /// As [`Self::narrow`], two times 16 numbers in interleaved order: those of `a` in the lower
    /// half, those of `b` in the upper half.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn narrow_two(self, a: [__m256i; 2], b: [__m256i; 2]) -> __m256i {
        // Packing works on each half of the registers, which then have a half of `a` and one of
        // `b`.
        let a = _mm256_adds_epi16(_mm256_packs_epi32(a[0], a[1]), self.zero_point_i16);
        let b = _mm256_adds_epi16(_mm256_packs_epi32(b[0], b[1]), self.zero_point_i16);
        let both = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(a, b));
        _mm256_min_epi8(_mm256_max_epi8(both, self.low), self.high)
    }
}

/// Writes the first `count` of 16 bytes.
///
/// # Safety
/// `to` must have room for them.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn store_first(to: *mut u8, bytes: __m128i, count: usize) {
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
