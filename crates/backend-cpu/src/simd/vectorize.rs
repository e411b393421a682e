//! Plain loops, compiled for a level.

use super::Simd;

impl Simd {
    /// Calls `work`, compiled with the level's instructions: for loops that the compiler
    /// vectorises by itself. `work` must be a closure marked `#[inline(always)]`, or it is
    /// compiled for any processor as usual, and only slower.
    #[inline(always)]
    pub(crate) fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        match self {
            Self::Portable(_) => work(),
            // Every aarch64 processor has the instructions.
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => work(),
            // SAFETY: the variant proves that the machine has the instructions.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => unsafe { with_avx2(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => unsafe { with_avx512(work) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}
