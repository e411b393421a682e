//! The integer arithmetic that every backend agrees on, to the bit.
//!
//! These are the rules of TFLite's reference kernels, verified against recorded outputs of
//! the real runtime (see `docs/numerics.md`). They are written once, here, in three layers:
//!
//! * [`Multiplier`]: multiplying an integer by a real number in fixed point.
//! * [`QuantizedAdd`], [`QuantizedMul`], [`QuantizedMean`], [`QuantizedSoftmax`]: the
//!   constants an operator derives from its scales, and what it does with one element.
//! * Tables: any function of one int8 number is 256 bytes. A backend evaluates
//!   [`activation_table`] and [`requantize_table`] once and then only looks numbers up.
//!
//! Convolutions need no type of their own: the sum is exact, [`output_multipliers`] gives
//! one [`Multiplier`] for each output channel and [`activation_range`] the final clamp.

mod activation;
mod elementwise;
mod fixed_point;
mod interpolation;
mod multiplier;
mod pool;
mod softmax;

pub use activation::{activation_table, concat_table, requantize_table, table_by_byte};
pub use elementwise::{QuantizedAdd, QuantizedMul};
pub use interpolation::{interpolate_fixed_point, interpolate_float};
pub use multiplier::{Multiplier, output_multipliers};
pub use pool::{QuantizedMean, average};
pub use softmax::QuantizedSoftmax;

use crate::Element;
use crate::op::ActivationKind;

/// Smallest and largest integer that an output may take: the element's own range, narrowed
/// by a fused clamp.
///
/// `Relu` raises the minimum to the zero point; `Relu6` also lowers the maximum to
/// `zero_point + round(6 / scale)`. Other activations are never fused in integer operators.
///
/// ```
/// use pocketvision_core::Element;
/// use pocketvision_core::op::ActivationKind;
/// use pocketvision_core::quant::activation_range;
///
/// let output = Element::int8(0.1, -100);
/// assert_eq!(activation_range(None, &output), (-128, 127));
/// assert_eq!(activation_range(Some(ActivationKind::Relu), &output), (-100, 127));
/// assert_eq!(activation_range(Some(ActivationKind::Relu6), &output), (-100, -40));
/// ```
///
/// # Panics
/// If the element is not an integer with one scale: [`crate::GraphBuilder`] sees to that.
pub fn activation_range(activation: Option<ActivationKind>, output: &Element) -> (i32, i32) {
    let (low, high) = output.integer_range().expect("an integer element");
    let (scale, zero_point) = output.per_tensor().expect("one scale");
    let six = || zero_point.saturating_add((6.0 / scale).round() as i32);
    match activation {
        None => (low, high),
        Some(ActivationKind::Relu) => (zero_point.max(low), high),
        Some(ActivationKind::Relu6) => (zero_point.max(low), six().min(high)),
        Some(kind) => unreachable!("{kind:?} is not fused in integer operators"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_scale_makes_the_arithmetic_overflow(
            scales in prop::array::uniform3(0.5f32..1.0),
            powers in prop::array::uniform3(-120i32..120),
            zeros in prop::array::uniform3(-128i32..128),
            a: i8, b: i8,
        ) {
            let scale = |i: usize| scales[i] * 2f32.powi(powers[i]);
            let [ea, eb, eo] = [0, 1, 2].map(|i| Element::int8(scale(i), zeros[i]));
            QuantizedAdd::new(&ea, &eb, &eo, None).apply(a, b);
            QuantizedMul::new(&ea, &eb, &eo, None).apply(a, b);
            QuantizedMean::new(&ea, &eo, 49).apply(49 * i32::from(a));
            QuantizedSoftmax::new(&ea, 1.0).apply(&[a, b], &mut [0, 0]);
            requantize_table(&ea, &eo);
            for kind in [ActivationKind::Relu, ActivationKind::Relu6, ActivationKind::HardSwish] {
                activation_table(kind, &ea, &eo);
            }
        }
    }

    #[test]
    fn relu6_clamps_to_six_in_integers() {
        let output = Element::int8(0.05, -128);
        assert_eq!(activation_range(None, &output), (-128, 127));
        assert_eq!(activation_range(Some(ActivationKind::Relu6), &output), (-128, -8));
        assert_eq!(activation_range(Some(ActivationKind::Relu), &Element::int8(1.0, 5)), (5, 127));
    }
}
