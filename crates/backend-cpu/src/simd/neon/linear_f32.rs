//! f32 weights times one vector, NEON.
//!
//! Computes `sum over k of a[k] * w[n, k]`, 4 products at once.
//!
//! Register tile: 4 rows of weights, four vectors of each: 16 accumulators.
//!
//! Floor: the bandwidth of the cache that holds the weights; 20 loads, half as many if in
//! pairs, for 16 fused multiply-adds otherwise.

use std::arch::aarch64::*;

use crate::simd::Neon;

/// The products of `a` with each of `N` rows of weights.
pub(crate) fn dot_products<const N: usize>(_: Neon, a: &[f32], weights: &[f32]) -> [f32; N] {
    assert_eq!(weights.len(), N * a.len(), "rows as long as the vector");
    // SAFETY: the proof says that the machine has the instructions; there are `N` rows (checked
    // above).
    unsafe { dot_products_of_rows(a, weights.as_ptr()) }
}

/// `a` times each of `N` rows.
///
/// # Safety
/// There must be `N` rows as long as `a`.
#[target_feature(enable = "neon")]
unsafe fn dot_products_of_rows<const N: usize>(a: &[f32], rows: *const f32) -> [f32; N] {
    let mut sums = [[vdupq_n_f32(0.0); 4]; N];
    let whole = a.len() / 16 * 16;
    for k in (0..whole).step_by(16) {
        let mut x = [vdupq_n_f32(0.0); 4];
        // SAFETY: 16 numbers from `k` on are in `a` and in each row.
        unsafe {
            for vector in 0..4 {
                x[vector] = vld1q_f32(a.as_ptr().add(k + vector * 4));
            }
            for row in 0..N {
                for vector in 0..4 {
                    let w = vld1q_f32(rows.add(row * a.len() + k + vector * 4));
                    sums[row][vector] = vfmaq_f32(sums[row][vector], x[vector], w);
                }
            }
        }
    }
    let mut totals = [0.0; N];
    for row in 0..N {
        let [s0, s1, s2, s3] = sums[row];
        let sum = vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
        // SAFETY: `rest` is what the row has left.
        let rest =
            unsafe { std::slice::from_raw_parts(rows.add(row * a.len() + whole), a.len() - whole) };
        let last: f32 = a[whole..].iter().zip(rest).map(|(a, w)| a * w).sum();
        totals[row] = sum + last;
    }
    totals
}
