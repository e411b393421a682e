//! Activations of 4 floats, and stores of some of 8.

use std::arch::aarch64::*;

use crate::kernels::epilogue_f32::EpilogueF32;

/// [`EpilogueF32::apply`] to each number.
#[target_feature(enable = "neon")]
#[inline]
pub(super) fn apply(epilogue: EpilogueF32, x: float32x4_t) -> float32x4_t {
    let clamp = |x, low, high| vminq_f32(vmaxq_f32(x, vdupq_n_f32(low)), vdupq_n_f32(high));
    let gate = |x| vmulq_n_f32(clamp(vaddq_f32(x, vdupq_n_f32(3.0)), 0.0, 6.0), 1.0 / 6.0);
    match epilogue {
        EpilogueF32::Clamp { low, high } => clamp(x, low, high),
        EpilogueF32::HardSwish => vmulq_f32(x, gate(x)),
        EpilogueF32::HardSigmoid => gate(x),
    }
}

/// Activates 8 numbers and writes the first `count` of them.
///
/// # Safety
/// `to` must have room for them.
#[target_feature(enable = "neon")]
#[inline]
pub(super) unsafe fn store_first(
    epilogue: EpilogueF32,
    to: *mut f32,
    numbers: [float32x4_t; 2],
    count: usize,
) {
    let numbers = numbers.map(|x| apply(epilogue, x));
    // SAFETY: the caller vouches for `count` numbers; the array has 8.
    unsafe {
        if count == 8 {
            vst1q_f32(to, numbers[0]);
            vst1q_f32(to.add(4), numbers[1]);
        } else {
            let mut all = [0f32; 8];
            vst1q_f32(all.as_mut_ptr(), numbers[0]);
            vst1q_f32(all.as_mut_ptr().add(4), numbers[1]);
            std::ptr::copy_nonoverlapping(all.as_ptr(), to, count.min(8));
        }
    }
}
