//! Sum and product of two int8 numbers at different scales.

use super::{Multiplier, activation_range};
use crate::Element;
use crate::op::ActivationKind;

/// The constants of an int8 sum.
///
/// Both operands are shifted left by [`Self::LEFT_SHIFT`] bits for headroom, scaled to twice
/// the larger of the two scales, added, and scaled to the output.
///
/// ```
/// use pocketvision_core::Element;
/// use pocketvision_core::quant::QuantizedAdd;
///
/// let (half, one) = (Element::int8(0.5, 0), Element::int8(1.0, 0));
/// let add = QuantizedAdd::new(&half, &one, &one, None);
/// // 10 * 0.5 + 3 * 1.0.
/// assert_eq!(add.apply(10, 3), 8);
/// assert_eq!(add.apply(10, 3), add.sum(add.scaled_a(10), add.scaled_b(3)));
/// assert_eq!(add.apply(0, 127), 127);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuantizedAdd {
    /// Zero point of the first operand.
    pub a_zero_point: i32,
    /// Zero point of the second operand.
    pub b_zero_point: i32,
    /// Scales the first operand, at most 1/2.
    pub a_multiplier: Multiplier,
    /// Scales the second operand, at most 1/2.
    pub b_multiplier: Multiplier,
    /// Scales the sum.
    pub output_multiplier: Multiplier,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// Smallest and largest output.
    pub range: (i32, i32),
}

impl QuantizedAdd {
    /// Bits of headroom that the operands are given before they are scaled.
    pub const LEFT_SHIFT: u32 = 20;

    /// The constants for two operands and an output.
    ///
    /// # Panics
    /// If one is not an integer with one scale: [`crate::GraphBuilder`] sees to that.
    pub fn new(
        a: &Element,
        b: &Element,
        output: &Element,
        activation: Option<ActivationKind>,
    ) -> Self {
        let (a_scale, a_zero_point) = a.per_tensor().expect("an integer operand");
        let (b_scale, b_zero_point) = b.per_tensor().expect("an integer operand");
        let (output_scale, output_zero_point) = output.per_tensor().expect("an integer output");
        let twice_larger = 2.0 * f64::from(a_scale.max(b_scale));
        let headroom = f64::from(1 << Self::LEFT_SHIFT);
        Self {
            a_zero_point,
            b_zero_point,
            a_multiplier: Multiplier::from_real(f64::from(a_scale) / twice_larger),
            b_multiplier: Multiplier::from_real(f64::from(b_scale) / twice_larger),
            output_multiplier: Multiplier::from_real(
                twice_larger / (headroom * f64::from(output_scale)),
            ),
            output_zero_point,
            range: activation_range(activation, output),
        }
    }

    /// The sum of two elements.
    pub fn apply(&self, a: i8, b: i8) -> i8 {
        self.sum(self.scaled_a(a), self.scaled_b(b))
    }

    /// The first operand at the common scale; 256 values, so a kernel may tabulate it.
    pub const fn scaled_a(&self, a: i8) -> i32 {
        self.a_multiplier.apply((a as i32 - self.a_zero_point) << Self::LEFT_SHIFT)
    }

    /// The second operand at the common scale; 256 values, so a kernel may tabulate it.
    pub const fn scaled_b(&self, b: i8) -> i32 {
        self.b_multiplier.apply((b as i32 - self.b_zero_point) << Self::LEFT_SHIFT)
    }

    /// The output, from both operands at the common scale.
    pub fn sum(&self, scaled_a: i32, scaled_b: i32) -> i8 {
        let output = self.output_multiplier.apply(scaled_a + scaled_b);
        let output = output.saturating_add(self.output_zero_point);
        output.clamp(self.range.0, self.range.1) as i8
    }
}

/// The constants of an int8 product.
///
/// ```
/// use pocketvision_core::Element;
/// use pocketvision_core::quant::QuantizedMul;
///
/// let (half, one) = (Element::int8(0.5, 0), Element::int8(1.0, 0));
/// let mul = QuantizedMul::new(&half, &one, &one, None);
/// // 10 * 0.5 times 3 * 1.0.
/// assert_eq!(mul.apply(10, 3), 15);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuantizedMul {
    /// Zero point of the first operand.
    pub a_zero_point: i32,
    /// Zero point of the second operand.
    pub b_zero_point: i32,
    /// Scales the product.
    pub output_multiplier: Multiplier,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// Smallest and largest output.
    pub range: (i32, i32),
}

impl QuantizedMul {
    /// The constants for two operands and an output.
    ///
    /// # Panics
    /// If one is not an integer with one scale: [`crate::GraphBuilder`] sees to that.
    pub fn new(
        a: &Element,
        b: &Element,
        output: &Element,
        activation: Option<ActivationKind>,
    ) -> Self {
        let (a_scale, a_zero_point) = a.per_tensor().expect("an integer operand");
        let (b_scale, b_zero_point) = b.per_tensor().expect("an integer operand");
        let (output_scale, output_zero_point) = output.per_tensor().expect("an integer output");
        // In f32 throughout, as in TFLite.
        let multiplier = a_scale * b_scale / output_scale;
        Self {
            a_zero_point,
            b_zero_point,
            output_multiplier: Multiplier::from_real(multiplier.into()),
            output_zero_point,
            range: activation_range(activation, output),
        }
    }

    /// The product of two elements.
    pub fn apply(&self, a: i8, b: i8) -> i8 {
        let product = (i32::from(a) - self.a_zero_point) * (i32::from(b) - self.b_zero_point);
        let output = self.output_multiplier.apply(product).saturating_add(self.output_zero_point);
        output.clamp(self.range.0, self.range.1) as i8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sum_and_product_are_within_one_step_of_the_real_ones(
            scales in prop::array::uniform3(0.01f32..0.5),
            zeros in prop::array::uniform3(-128i32..128),
            a: i8, b: i8,
        ) {
            let [ea, eb, eo] = [0, 1, 2].map(|i| Element::int8(scales[i], zeros[i]));
            let [ra, rb] = [(a, 0), (b, 1)]
                .map(|(x, i)| f64::from(scales[i]) * f64::from(i32::from(x) - zeros[i]));
            let integer = |real: f64| {
                (real / f64::from(scales[2]) + f64::from(zeros[2])).clamp(-128.0, 127.0)
            };
            let sum = f64::from(QuantizedAdd::new(&ea, &eb, &eo, None).apply(a, b));
            prop_assert!((sum - integer(ra + rb)).abs() <= 0.5 + 1e-3);
            let product = f64::from(QuantizedMul::new(&ea, &eb, &eo, None).apply(a, b));
            prop_assert!((product - integer(ra * rb)).abs() <= 1.0 + 1e-3);
        }
    }
}
