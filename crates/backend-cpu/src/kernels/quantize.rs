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
            let input = &input[offset..offset + run.len()];
            let done = match self.simd {
                #[cfg(target_arch = "x86_64")]
                Simd::Avx512(proof) => {
                    use crate::simd::avx512::quantize::quantize;
                    quantize(proof, scale, zero_point, self.range, input, run);
                    run.len()
                }
                #[cfg(target_arch = "x86_64")]
                Simd::Avx2(proof) => {
                    use crate::simd::avx2::quantize::quantize;
                    quantize(proof, scale, zero_point, self.range, input, run)
                }
                _ => 0,
            };
            self.simd.vectorize(
                #[inline(always)]
                || {
                    for (out, &x) in run[done..].iter_mut().zip(&input[done..]) {
                        *out = round(x / scale).saturating_add(zero_point).clamp(low, high) as u8;
                    }
                },
            );
        });
    }
}

/// The nearest integer, half away from zero; 0 for what is not a number. Unlike `f32::round`,
/// which is a call, it is compiled to vectors.
///
/// The largest number below a half is added and the rest cut off: a half itself, added to a
/// number just below one, would be rounded up to the next.
#[inline(always)]
fn round(x: f32) -> i32 {
    (x + 0.5_f32.next_down().copysign(x)) as i32
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SimdLevel;

    proptest! {
        #[test]
        fn rounding_is_that_of_the_standard_library(x: f32, half in -300i32..300, bits: u8) {
            let near_half = (half as f32 + 0.5).to_bits().wrapping_add_signed(i32::from(bits as i8));
            for x in [x, half as f32 + 0.5, f32::from_bits(near_half)] {
                prop_assert_eq!(round(x), x.round() as i32, "{}", x);
            }
        }
    }

    proptest! {
        #[test]
        fn every_level_quantizes_as_defined(
            scale in 1e-3f32..10.0, zero_point in -128i32..128, seed: u64, length in 0usize..70,
            odd in prop::collection::vec(any::<f32>(), 0..30),
        ) {
            let mut input = crate::kernels::random::Random::new(seed).numbers(length);
            input.iter_mut().for_each(|x| *x *= 200.0 * scale);
            input.extend((-20..20).map(|half| (half as f32 + 0.5) * scale));
            input.extend([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0]);
            input.extend(odd);
            let element = Element::int8(scale, zero_point);
            let expected = input.iter().map(|x| {
                let rounded = (x / scale).round() as i32;
                rounded.saturating_add(zero_point).clamp(-128, 127) as u8
            });
            let expected: Vec<u8> = expected.collect();
            for level in SimdLevel::available() {
                let kernel = QuantizeF32::new(Simd::new(level).unwrap(), &element);
                let mut out = vec![0; input.len()];
                Inputs::with(&[bytemuck::cast_slice(&input)], |inputs| {
                    let length = out.len();
                    kernel.run(inputs, &mut Tile::whole(&mut out, length), &mut []);
                });
                prop_assert_eq!(&out, &expected, "{}", level);
            }
        }
    }

    #[test]
    fn what_has_no_nearest_integer_saturates() {
        let edges = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 8_388_607.5, 16_777_217.0, -0.0];
        for x in edges.into_iter().chain([0.5_f32.next_down(), -0.5_f32.next_down(), 2e9, -3e9]) {
            assert_eq!(round(x), x.round() as i32, "{x}");
        }
    }
}
