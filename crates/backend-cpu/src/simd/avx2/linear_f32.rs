//! f32 weights times one vector, AVX2.
//!
//! Computes `sum over k of a[k] * w[n, k]`, 8 products at once.
//!
//! Register tile: 4 rows of weights, two vectors of each: 8 accumulators.
//!
//! Floor: the bandwidth of the cache that holds the weights; ten loads for eight fused
//! multiply-adds otherwise.

use std::arch::x86_64::*;

use crate::simd::Avx2;

/// The products of `a` with each of `N` rows of weights.
pub(crate) fn dot_products<const N: usize>(_: Avx2, a: &[f32], weights: &[f32]) -> [f32; N] {
    assert_eq!(weights.len(), N * a.len(), "rows as long as the vector");
    // SAFETY: the proof says that the machine has the instructions; there are `N` rows (checked
    // above).
    unsafe { dot_products_of_rows(a, weights.as_ptr()) }
}

/// `a` times each of `N` rows.
///
/// # Safety
/// There must be `N` rows as long as `a`.
#[target_feature(enable = "avx2,fma")]
unsafe fn dot_products_of_rows<const N: usize>(a: &[f32], rows: *const f32) -> [f32; N] {
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    let whole = a.len() / 16 * 16;
    let mut k = 0;
    while k < whole {
        for half in 0..2 {
            // SAFETY: 16 numbers from `k` on are in `a` and in each row.
            unsafe {
                let at = k + half * 8;
                let x = _mm256_loadu_ps(a.as_ptr().add(at));
                for row in 0..N {
                    let w = _mm256_loadu_ps(rows.add(row * a.len() + at));
                    sums[row][half] = _mm256_fmadd_ps(x, w, sums[row][half]);
                }
            }
        }
        k += 16;
    }
    let mut totals = [0.0; N];
    for row in 0..N {
        let mut lanes = [0.0; 8];
        // SAFETY: the array is one vector large; `rest` is what the row has left.
        let rest = unsafe {
            _mm256_storeu_ps(lanes.as_mut_ptr(), _mm256_add_ps(sums[row][0], sums[row][1]));
            std::slice::from_raw_parts(rows.add(row * a.len() + whole), a.len() - whole)
        };
        let last: f32 = a[whole..].iter().zip(rest).map(|(a, w)| a * w).sum();
        totals[row] = lanes.iter().sum::<f32>() + last;
    }
    totals
}
