//! To an int8 or uint8 element.

use pocketvision_core::quant::requantize_table;
use pocketvision_core::{Tensor, TensorData};

/// From float `round(x / scale) + zero_point`, half away from zero, clamped to the type; from
/// an 8-bit integer through a table.
pub(super) fn quantize(input: &Tensor, output: &mut Tensor) {
    let element = output.element().clone();
    if let TensorData::F32(input) = input.data() {
        let (scale, zero_point) = element.per_tensor().expect("one scale");
        let (low, high) = element.integer_range().expect("an integer element");
        for (byte, &x) in output.bytes_mut().iter_mut().zip(input) {
            let rounded = (x / scale).round() as i32;
            *byte = rounded.saturating_add(zero_point).clamp(low, high) as u8;
        }
    } else {
        let table = requantize_table(input.element(), &element);
        for (to, &from) in output.bytes_mut().iter_mut().zip(input.bytes()) {
            *to = table[usize::from(from)];
        }
    }
}
