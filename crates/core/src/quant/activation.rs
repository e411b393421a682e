//! Functions of one int8 number, as tables.

use super::fixed_point::{
    doubling_high_mul_i16, rounding_divide_by_power_of_two, rounding_doubling_high_mul_i16,
    saturating_shift_left_i16,
};
use super::{Multiplier, activation_range};
use crate::Element;
use crate::op::{ActivationKind, Rescaling};

/// The table of an elementwise function from one int8 element to another: entry `i` is the
/// output for the input `i - 128`.
///
/// * Relu and Relu6 rescale in fixed point and clamp.
/// * HardSwish follows TFLite's 16-bit fixed-point kernel.
/// * HardSigmoid and Sigmoid are evaluated in f64 and rounded to nearest, half away from
///   zero; TFLite has no int8 hard-sigmoid, and its sigmoid is at most one step away.
///
/// ```
/// use pocketvision_core::Element;
/// use pocketvision_core::op::ActivationKind;
/// use pocketvision_core::quant::activation_table;
///
/// let element = Element::int8(0.5, 0);
/// let relu = activation_table(ActivationKind::Relu, &element, &element);
/// let at = |x: i8| relu[(i32::from(x) + 128) as usize];
/// assert_eq!([-128, -1, 0, 5, 127].map(at), [0, 0, 0, 5, 127]);
/// ```
///
/// # Panics
/// If one is not an integer with one scale: [`crate::GraphBuilder`] sees to that.
pub fn activation_table(kind: ActivationKind, input: &Element, output: &Element) -> [i8; 256] {
    match kind {
        ActivationKind::Relu | ActivationKind::Relu6 => {
            rescale_table(input, output, activation_range(Some(kind), output))
        }
        ActivationKind::HardSwish => hard_swish_table(input, output),
        ActivationKind::HardSigmoid => {
            real_table(input, output, |x| ((x + 3.0) / 6.0).clamp(0.0, 1.0))
        }
        ActivationKind::Sigmoid => real_table(input, output, |x| 1.0 / (1.0 + (-x).exp())),
    }
}

/// A table of int8 numbers in the order of their values, from -128 on, as one of bytes in the order
/// of bytes: entry `i` is the output's byte for the input's byte `i`, both in two's complement.
///
/// ```
/// use pocketvision_core::quant::table_by_byte;
///
/// let negated: [i8; 256] = std::array::from_fn(|i| (127 - i as i32) as i8);
/// let table = table_by_byte(&negated);
/// assert_eq!(table[5i8 as u8 as usize] as i8, -6);
/// assert_eq!(table[-6i8 as u8 as usize] as i8, 5);
/// ```
pub fn table_by_byte(by_value: &[i8; 256]) -> [u8; 256] {
    std::array::from_fn(|byte| by_value[byte ^ 0x80].cast_unsigned())
}

/// The table of a change of scale, zero point or signedness between two 8-bit elements:
/// entry `i` is the output's byte for the input's byte `i`, both as stored (int8 in two's
/// complement).
///
/// ```
/// use pocketvision_core::Element;
/// use pocketvision_core::quant::requantize_table;
///
/// // The same real numbers, stored as uint8 and as int8.
/// let table = requantize_table(&Element::uint8(0.5, 128), &Element::int8(0.5, 0));
/// assert_eq!([0, 128, 255].map(|x| table[x] as i8), [-128, 0, 127]);
/// ```
///
/// # Panics
/// If one is not an 8-bit integer with one scale: [`crate::GraphBuilder`] sees to that.
pub fn requantize_table(input: &Element, output: &Element) -> [u8; 256] {
    let (input_scale, input_zero_point) = input.per_tensor().expect("an integer input");
    let (output_scale, output_zero_point) = output.per_tensor().expect("an integer output");
    let multiplier = Multiplier::from_real(f64::from(input_scale) / f64::from(output_scale));
    let (low, high) = output.integer_range().expect("an integer output");
    std::array::from_fn(|byte| {
        let value = match input {
            Element::Int8(_) => i32::from(byte as u8 as i8),
            _ => byte as i32,
        };
        let rescaled = multiplier.apply(value - input_zero_point).saturating_add(output_zero_point);
        rescaled.clamp(low, high) as u8
    })
}

/// The table that brings an int8 part of a concatenation to the scale of the whole, indexed as
/// [`requantize_table`]; `None` where they are of one element.
///
/// In f32, TFLite's uint8 computes `round(u * scale + bias) + zero_point` on the numbers plus
/// 128, with the quotient of the scales as a product with a reciprocal.
///
/// ```
/// use pocketvision_core::Element;
/// use pocketvision_core::op::Rescaling;
/// use pocketvision_core::quant::concat_table;
///
/// let (whole, part) = (Element::int8(0.5, 0), Element::int8(1.0, 0));
/// assert_eq!(concat_table(Rescaling::FixedPoint, &whole, &whole), None);
/// let table = concat_table(Rescaling::FixedPoint, &part, &whole).expect("another scale");
/// assert_eq!(table[3], 6);
/// ```
///
/// # Panics
/// If one is not an 8-bit integer with one scale: [`crate::GraphBuilder`] sees to that.
pub fn concat_table(
    rescaling: Rescaling,
    input: &Element,
    output: &Element,
) -> Option<Box<[u8; 256]>> {
    if input == output {
        return None;
    }
    if rescaling == Rescaling::FixedPoint {
        return Some(Box::new(requantize_table(input, output)));
    }
    let (input_scale, input_zero_point) = input.per_tensor().expect("an integer input");
    let (output_scale, output_zero_point) = output.per_tensor().expect("an integer output");
    let scale = input_scale * (1.0 / output_scale);
    let bias = -((input_zero_point + 128) as f32) * scale;
    let rescaled = |byte: usize| {
        let unsigned = (byte as u8) ^ 0x80;
        let rounded = (f32::from(unsigned) * scale + bias).round() as i32;
        let placed = rounded.saturating_add(output_zero_point + 128).clamp(0, 255);
        placed as u8 ^ 0x80
    };
    Some(Box::new(std::array::from_fn(rescaled)))
}

fn rescale_table(input: &Element, output: &Element, (low, high): (i32, i32)) -> [i8; 256] {
    let (input_scale, input_zero_point) = input.per_tensor().expect("an integer input");
    let (output_scale, output_zero_point) = output.per_tensor().expect("an integer output");
    // The quotient is of f32, unlike that of a change of scale: so it is in TFLite.
    let multiplier = Multiplier::from_real(f64::from(input_scale / output_scale));
    std::array::from_fn(|i| {
        let value = i as i32 - 128 - input_zero_point;
        multiplier.apply(value).saturating_add(output_zero_point).clamp(low, high) as i8
    })
}

fn real_table(input: &Element, output: &Element, function: impl Fn(f64) -> f64) -> [i8; 256] {
    let (input_scale, input_zero_point) = input.per_tensor().expect("an integer input");
    let (output_scale, output_zero_point) = output.per_tensor().expect("an integer output");
    std::array::from_fn(|i| {
        let real = f64::from(input_scale) * f64::from(i as i32 - 128 - input_zero_point);
        let value = (function(real) / f64::from(output_scale)).round();
        (value + f64::from(output_zero_point)).clamp(-128.0, 127.0) as i8
    })
}

/// `x * relu6(x + 3) / 6` in 16 bits: the input at 1/128 of its scale, once scaled to the
/// output and once to a range where the clamp of `(x + 3) / 6` to 0..1 is saturation.
fn hard_swish_table(input: &Element, output: &Element) -> [i8; 256] {
    let (input_scale, input_zero_point) = input.per_tensor().expect("an integer input");
    let (output_scale, output_zero_point) = output.per_tensor().expect("an integer output");
    let fine_scale = input_scale * (1.0 / 128.0);
    let to_output = Multiplier::from_real(f64::from(fine_scale / output_scale));
    let to_gate = Multiplier::from_real(f64::from(fine_scale / (3.0 / 32768.0)));
    let (output_mantissa, gate_mantissa) = (mantissa_i16(to_output), mantissa_i16(to_gate));
    std::array::from_fn(|i| {
        let fine = ((i as i32 - 128 - input_zero_point) << 7) as i16;
        let scaled = rounding_doubling_high_mul_i16(fine, output_mantissa);

        let mut gate = fine;
        if to_gate.exponent > 0 {
            gate = saturating_shift_left_i16(gate, to_gate.exponent as u32 - 1);
        }
        gate = rounding_doubling_high_mul_i16(gate, gate_mantissa);
        if to_gate.exponent > 0 {
            gate = saturating_shift_left_i16(gate, 1);
        } else {
            let shift = to_gate.exponent.unsigned_abs();
            gate = rounding_divide_by_power_of_two(i32::from(gate), shift) as i16;
        }
        // From -1..1 to 0..1.
        let gate = ((i32::from(gate) + (1 << 15)) >> 1) as i16;

        let product = i32::from(doubling_high_mul_i16(gate, scaled));
        let rescaled = if to_output.exponent > 0 {
            product << to_output.exponent
        } else {
            rounding_divide_by_power_of_two(product, to_output.exponent.unsigned_abs())
        };
        rescaled.saturating_add(output_zero_point).clamp(-128, 127) as i8
    })
}

/// The upper 16 bits of a mantissa, rounded.
fn mantissa_i16(multiplier: Multiplier) -> i16 {
    let rounded = (i64::from(multiplier.mantissa) + (1 << 15)) >> 16;
    rounded.min(i64::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_in_steps(kind: ActivationKind, input: &Element, output: &Element) -> f64 {
        let (input_scale, input_zero) = input.per_tensor().unwrap();
        let (output_scale, output_zero) = output.per_tensor().unwrap();
        let table = activation_table(kind, input, output);
        let error = |i: usize| {
            let real = input_scale * (i as i32 - 128 - input_zero) as f32;
            let exact = kind.apply(real) / output_scale + output_zero as f32;
            (f64::from(table[i]) - f64::from(exact.clamp(-128.0, 127.0))).abs()
        };
        (0..256).map(error).fold(0.0, f64::max)
    }

    #[test]
    fn tables_follow_the_functions_they_stand_for() {
        let input = Element::int8(0.06, 10);
        for kind in [ActivationKind::Relu, ActivationKind::Relu6] {
            assert!(error_in_steps(kind, &input, &Element::int8(0.03, -128)) <= 0.51);
        }
        let swish = error_in_steps(ActivationKind::HardSwish, &input, &Element::int8(0.04, -118));
        assert!(swish <= 1.0, "{swish}");
        for kind in [ActivationKind::Sigmoid, ActivationKind::HardSigmoid] {
            assert!(error_in_steps(kind, &input, &Element::int8(1.0 / 256.0, -128)) <= 0.51);
        }
    }

    #[test]
    fn changing_signedness_flips_the_top_bit() {
        let table = requantize_table(&Element::uint8(0.1, 128), &Element::int8(0.1, 0));
        for byte in 0..=255u8 {
            assert_eq!(table[usize::from(byte)], byte ^ 0x80);
        }
    }
}
