//! Rows of f32 weights as integers of 24 bits: three quarters of their bytes.
//!
//! A layer of one position reads each weight once, in a large network from memory, and that
//! is all that takes time. Here a row's weights are multiples of `2^(e - 23)`, where `2^e` is
//! the smallest power of two above all of them:
//!
//! `sum over k of a[k] * w[k] = 2^e * sum over k of (a[k] * 2^-31) * (integer[k] * 2^8)`
//!
//! A vector kernel reads an integer as the upper three of four bytes, hence `2^8`; with `2^-31`
//! all factors are below one, so that sums overflow no sooner than those of the weights.
//!
//! A weight is off by `2^(e - 24)` at most, which is how f32 rounds the row's largest, and no
//! weight may be over [`LARGEST_TO_MEAN`] times as large as the mean of its row. So the sum is
//! off by at most `2^-18 * mean |w| * sum |a|` through its weights, and in the median of real
//! rows (4 times) by an eighth of that; as a sum of 1,000 products in f32 may be off by itself.

use std::array::from_fn;

use crate::simd::{AlignedBytes, Simd};

/// Rows that are multiplied at once.
pub(crate) const ROWS: usize = 4;
/// Weights of a row that lie side by side; then come those of the next row of the group.
pub(crate) const CHUNK: usize = 16;
/// Bytes of a weight.
pub(crate) const BYTES: usize = 3;
/// What inputs are multiplied by.
pub(crate) const INPUT_SCALE: f32 = 1.0 / (1_u32 << 31) as f32;

/// Bits of the magnitude of a weight.
const MAGNITUDE_BITS: i32 = 23;
/// How many times the mean of a row its largest weight may be.
const LARGEST_TO_MEAN: f32 = 32.0;
/// Exponents for which all powers of two here are normal f32 numbers.
const EXPONENTS: std::ops::RangeInclusive<i32> = -100..=100;

/// Weights in groups of [`ROWS`] rows; what is missing in the last one, or in a row's last
/// chunk, is 0.
#[derive(Debug)]
pub(crate) struct FixedRows {
    groups: AlignedBytes,
    /// `2^e` of each row, padded to whole groups.
    scales: Vec<[f32; ROWS]>,
    depth: usize,
}

impl FixedRows {
    /// Rounds and packs `weights[n * depth + k]`; `None` if a row would lose by it, or padding
    /// would take as many bytes as are saved.
    pub(crate) fn new(simd: Simd, weights: &[f32], depth: usize) -> Option<Self> {
        let rows = weights.len() / depth;
        let group_bytes = Self::group_bytes_of(depth);
        let count = rows.div_ceil(ROWS);
        // A vector of the last chunk ends after it.
        let bytes = count * group_bytes + CHUNK;
        if bytes >= size_of_val(weights) {
            return None;
        }
        let exponents = simd.vectorize(
            #[inline(always)]
            || weights.chunks_exact(depth).map(exponent).collect::<Option<Vec<_>>>(),
        )?;
        let mut groups = AlignedBytes::zeroed(bytes);
        let mut scales = vec![[0.0; ROWS]; count];
        for (row, (weights, &exponent)) in weights.chunks_exact(depth).zip(&exponents).enumerate() {
            let group = &mut groups.bytes_mut()[row / ROWS * group_bytes..][..group_bytes];
            scales[row / ROWS][row % ROWS] = power_of_two(exponent);
            simd.vectorize(
                #[inline(always)]
                || pack(weights, exponent, row % ROWS, group),
            );
        }
        Some(Self { groups, scales, depth })
    }

    /// Bytes of weights and scales.
    pub(crate) fn bytes(&self) -> usize {
        self.groups.len() + size_of_val(&*self.scales)
    }

    /// A group's weights and what follows them, and what its sums are multiplied by.
    pub(crate) fn group(&self, index: usize) -> (&[u8], [f32; ROWS]) {
        let start = index * Self::group_bytes_of(self.depth);
        (&self.groups.bytes()[start..], self.scales[index])
    }

    /// Panics unless a group has rows of so many weights, and the end of the last one's vector.
    pub(crate) fn check_group(group: &[u8], depth: usize) {
        let read = Self::group_bytes_of(depth) + CHUNK;
        assert!(group.len() >= read, "rows as long as the vector, and the end of a vector");
    }

    /// Bytes of a group that has rows of so many weights.
    const fn group_bytes_of(depth: usize) -> usize {
        depth.div_ceil(CHUNK) * ROWS * CHUNK * BYTES
    }
}

/// The `e` of a row; `None` if it is better left as it is.
#[inline(always)]
fn exponent(row: &[f32]) -> Option<i32> {
    let (mut largest, mut sums) = ([0_f32; CHUNK], [0_f32; CHUNK]);
    let (chunks, rest) = row.as_chunks::<CHUNK>();
    for chunk in chunks {
        for lane in 0..CHUNK {
            let size = chunk[lane].abs();
            // NaN is not larger than anything, but it is in the sum.
            largest[lane] = if size > largest[lane] { size } else { largest[lane] };
            sums[lane] += size;
        }
    }
    let largest = largest.iter().chain(rest).fold(0_f32, |most, w| most.max(w.abs()));
    let sum = sums.iter().chain(rest).map(|w| w.abs()).sum::<f32>();
    // False if the sum is infinite or NaN.
    let may_be = largest * row.len() as f32 <= LARGEST_TO_MEAN * sum && sum.is_finite();
    // The bits of a positive number that are not its fraction are its exponent.
    let exponent = if largest == 0.0 { 0 } else { (largest.to_bits() >> 23) as i32 - 126 };
    (may_be && EXPONENTS.contains(&exponent)).then_some(exponent)
}

/// Writes a row of a group.
#[inline(always)]
fn pack(weights: &[f32], exponent: i32, row: usize, group: &mut [u8]) {
    const MOST: i32 = (1 << MAGNITUDE_BITS) - 1;
    let scale = power_of_two(MAGNITUDE_BITS - exponent);
    let (chunks, rest) = weights.as_chunks::<CHUNK>();
    let last = from_fn(|k| rest.get(k).copied().unwrap_or(0.0));
    let last = (!rest.is_empty()).then_some(last);
    let places = group.as_chunks_mut::<{ ROWS * CHUNK * BYTES }>().0;
    for (chunk, place) in chunks.iter().chain(&last).zip(places) {
        let integers: [i32; CHUNK] =
            chunk.map(|w| ((w * scale).round_ties_even() as i32).min(MOST));
        let place = &mut place[row * CHUNK * BYTES..][..CHUNK * BYTES];
        for (place, integer) in place.as_chunks_mut::<BYTES>().0.iter_mut().zip(integers) {
            let [low, middle, high, _] = integer.to_le_bytes();
            *place = [low, middle, high];
        }
    }
}

/// `2^exponent` of a normal number.
const fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}
