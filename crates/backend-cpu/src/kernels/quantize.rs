//! Between floats and 8-bit integers.

use pocketvision_core::Element;

use super::Kernel;
use crate::simd::{Inputs, Simd, Tile};

/// `out[i] = clamp(round(in[i] / scale) + zero_point)`, half away from zero.
#[derive(Debug)]
pub(crate) struct QuantizeF32 {
    simd: Simd,
    scale: f32,
    zero_point: i32,
    range: (i32, i32),
}

impl QuantizeF32 {
    /// To an 8-bit element.
    pub(crate) fn new(simd: Simd, output: &Element) -> Self {
        let (scale, zero_point) = output.per_tensor().expect("an integer output");
        Self { simd, scale, zero_point, range: output.integer_range().expect("an integer output") }
    }
}

impl Kernel for QuantizeF32 {
    fn name(&self) -> String {
        format!("quantize {}", self.simd.level())
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let input: &[f32] = inputs.numbers(0);
        let (scale, zero_point, (low, high)) = (self.scale, self.zero_point, self.range);
        tile.for_each_run(|offset, run| {
            self.simd.vectorize(
                #[inline(always)]
                || {
                    for (out, &x) in run.iter_mut().zip(&input[offset..]) {
                        let rounded = (x / scale).round() as i32;
                        *out = rounded.saturating_add(zero_point).clamp(low, high) as u8;
                    }
                },
            );
        });
    }
}

/// `out[i] = scale * (in[i] - zero_point)`.
#[derive(Debug)]
pub(crate) struct DequantizeF32 {
    simd: Simd,
    signed: bool,
    scale: f32,
    zero_point: i32,
}

impl DequantizeF32 {
    /// From an 8-bit element.
    pub(crate) fn new(simd: Simd, input: &Element) -> Self {
        let (scale, zero_point) = input.per_tensor().expect("an integer input");
        Self { simd, signed: matches!(input, Element::Int8(_)), scale, zero_point }
    }
}

impl Kernel for DequantizeF32 {
    fn name(&self) -> String {
        format!("dequantize {}", self.simd.level())
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let input = inputs.bytes(0);
        // An int8 byte with its top bit flipped is the number plus 128.
        let (flip, zero_point) =
            if self.signed { (0x80, self.zero_point + 128) } else { (0, self.zero_point) };
        tile.for_each_run(|offset, run| {
            let run: &mut [f32] = bytemuck::cast_slice_mut(run);
            self.simd.vectorize(
                #[inline(always)]
                || {
                    for (out, &x) in run.iter_mut().zip(&input[offset / 4..]) {
                        *out = self.scale * (i32::from(x ^ flip) - zero_point) as f32;
                    }
                },
            );
        });
    }
}
