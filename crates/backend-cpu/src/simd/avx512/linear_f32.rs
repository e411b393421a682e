//! f32 weights times one vector, AVX-512.
//!
//! Computes `sum over k of a[k] * w[n, k]`, 16 products at once.
//!
//! Register tile: 4 rows of weights, two vectors of each: 8 accumulators, so that no addition
//! waits for the one before.
//!
//! Floor: the bandwidth of the cache that holds the weights; ten loads for eight fused
//! multiply-adds otherwise.

use std::arch::x86_64::*;

use crate::simd::Avx512;

/// The products of `a` with each of `N` rows of weights.
pub(crate) fn dot_products<const N: usize>(_: Avx512, a: &[f32], weights: &[f32]) -> [f32; N] {
    assert_eq!(weights.len(), N * a.len(), "rows as long as the vector");
    // SAFETY: the proof says that the machine has the instructions; there are `N` rows (checked
    // above).
    unsafe { dot_products_of_rows(a, weights.as_ptr()) }
}

/// `a` times each of `N` rows.
///
/// # Safety
/// There must be `N` rows as long as `a`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn dot_products_of_rows<const N: usize>(a: &[f32], rows: *const f32) -> [f32; N] {
    let mut sums = [[_mm512_setzero_ps(); 2]; N];
    let mut k = 0;
    while k < a.len() {
        let left = a.len() - k;
        let masks: [u16; 2] = match left {
            32.. => [0xffff, 0xffff],
            16.. => [0xffff, (1_u32 << (left - 16)) as u16 - 1],
            _ => [(1 << left) - 1, 0],
        };
        for half in 0..2 {
            // SAFETY: the masks end where `a` and the rows do.
            unsafe {
                let at = k + half * 16;
                let x = _mm512_maskz_loadu_ps(masks[half], a.as_ptr().wrapping_add(at));
                for row in 0..N {
                    let w = rows.wrapping_add(row * a.len() + at);
                    // The next rows: hardware starts anew at each of them.
                    _mm_prefetch::<_MM_HINT_T0>(w.wrapping_add(N * a.len()).cast());
                    let w = _mm512_maskz_loadu_ps(masks[half], w);
                    sums[row][half] = _mm512_fmadd_ps(x, w, sums[row][half]);
                }
            }
        }
        k += 32;
    }
    let mut totals = [0.0; N];
    for row in 0..N {
        totals[row] = _mm512_reduce_add_ps(_mm512_add_ps(sums[row][0], sums[row][1]));
    }
    totals
}
