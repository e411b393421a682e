//! The instructions that add up products of bytes, as assembly: the compiler's own functions
//! for them are not stable yet.

use std::arch::aarch64::*;
use std::arch::asm;

/// `sums[i] += weights[4 * i..][..4] . numbers[4 * LANE..][..4]` for each of 4 sums.
#[target_feature(enable = "neon,dotprod")]
#[inline]
pub(super) fn dot_with_lane<const LANE: i32>(
    mut sums: int32x4_t,
    weights: int8x16_t,
    numbers: int8x16_t,
) -> int32x4_t {
    // SAFETY: the instruction reads and writes the registers named, nothing else, and the
    // function requires what it needs.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {numbers:v}.4b[{lane}]",
            sums = inout(vreg) sums,
            weights = in(vreg) weights,
            numbers = in(vreg) numbers,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// `sums[2 * i + j] += a[8 * i..][..8] . b[8 * j..][..8]`: two rows of 8 bytes times two columns.
#[target_feature(enable = "neon,i8mm")]
#[inline]
pub(super) fn multiply_2x8x2(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: as above.
    unsafe {
        asm!(
            "smmla {sums:v}.4s, {a:v}.16b, {b:v}.16b",
            sums = inout(vreg) sums,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}
