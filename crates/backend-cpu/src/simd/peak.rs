//! Loops over registers: as many multiply-accumulates as a core can start.
//!
//! Each keeps 12 sums, none of which waits for another, and touches no memory. What they reach is
//! the peak that kernels are compared with.

use std::hint::black_box;

use super::Simd;

/// Sums that do not wait for each other: enough for the latency of a multiply-accumulate.
const SUMS: usize = 12;

/// Multiplies and adds in f32, so many times for each sum; the number of multiply-accumulates.
pub(crate) fn multiply_f32(simd: Simd, times: usize) -> usize {
    match simd {
        // SAFETY: the proofs say that the machine has the instructions.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512(_) => unsafe { x86::avx512_f32(times) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2(_) => unsafe { x86::avx2_f32(times) },
        _ => portable_f32(times),
    }
}

/// The same in int8: with the instruction that the level's matrix product is made of.
pub(crate) fn multiply_i8(simd: Simd, times: usize) -> usize {
    match simd {
        // SAFETY: the proofs say that the machine has the instructions.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512(_) => unsafe { x86::avx512_i8(times) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2(proof) if proof.vnni().is_some() => unsafe { x86::avx_vnni_i8(times) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2(_) => unsafe { x86::avx2_i8(times) },
        _ => portable_i8(times),
    }
}

/// Plain loops, as wide as the compiler makes them.
fn portable_f32(times: usize) -> usize {
    const LANES: usize = 8;
    let (x, y) = (black_box([0.999f32; LANES]), black_box([0.001f32; LANES]));
    let mut sums = [[1f32; LANES]; SUMS];
    for _ in 0..times {
        for sum in &mut sums {
            for lane in 0..LANES {
                sum[lane] = sum[lane] * x[lane] + y[lane];
            }
        }
    }
    black_box(sums);
    times * SUMS * LANES
}

fn portable_i8(times: usize) -> usize {
    const LANES: usize = 8;
    let x = black_box([3i16; LANES]);
    let mut sums = [[1i32; LANES]; SUMS];
    for _ in 0..times {
        for sum in &mut sums {
            for lane in 0..LANES {
                let product = i32::from(sum[lane] as i16) * i32::from(x[lane]);
                sum[lane] = sum[lane].wrapping_add(product);
            }
        }
    }
    black_box(sums);
    times * SUMS * LANES
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::SUMS;

    #[target_feature(enable = "avx512f")]
    pub(super) fn avx512_f32(times: usize) -> usize {
        let (x, y) = (black_box(_mm512_set1_ps(0.999)), black_box(_mm512_set1_ps(0.001)));
        let mut sums = [_mm512_set1_ps(1.0); SUMS];
        for _ in 0..times {
            for sum in 0..SUMS {
                sums[sum] = _mm512_fmadd_ps(sums[sum], x, y);
            }
        }
        black_box(sums);
        times * SUMS * 16
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2_f32(times: usize) -> usize {
        let (x, y) = (black_box(_mm256_set1_ps(0.999)), black_box(_mm256_set1_ps(0.001)));
        let mut sums = [_mm256_set1_ps(1.0); SUMS];
        for _ in 0..times {
            for sum in 0..SUMS {
                sums[sum] = _mm256_fmadd_ps(sums[sum], x, y);
            }
        }
        black_box(sums);
        times * SUMS * 8
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub(super) fn avx512_i8(times: usize) -> usize {
        let (x, y) = (black_box(_mm512_set1_epi8(3)), black_box(_mm512_set1_epi8(5)));
        let mut sums = [_mm512_set1_epi32(1); SUMS];
        for _ in 0..times {
            for sum in 0..SUMS {
                sums[sum] = _mm512_dpbusd_epi32(sums[sum], x, y);
            }
        }
        black_box(sums);
        times * SUMS * 64
    }

    #[target_feature(enable = "avx2,avxvnni")]
    pub(super) fn avx_vnni_i8(times: usize) -> usize {
        let (x, y) = (black_box(_mm256_set1_epi8(3)), black_box(_mm256_set1_epi8(5)));
        let mut sums = [_mm256_set1_epi32(1); SUMS];
        for _ in 0..times {
            for sum in 0..SUMS {
                sums[sum] = _mm256_dpbusd_avx_epi32(sums[sum], x, y);
            }
        }
        black_box(sums);
        times * SUMS * 32
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2_i8(times: usize) -> usize {
        let x = black_box(_mm256_set1_epi16(3));
        let mut sums = [_mm256_set1_epi32(1); SUMS];
        for _ in 0..times {
            for sum in 0..SUMS {
                sums[sum] = _mm256_add_epi32(sums[sum], _mm256_madd_epi16(sums[sum], x));
            }
        }
        black_box(sums);
        times * SUMS * 16
    }
}
