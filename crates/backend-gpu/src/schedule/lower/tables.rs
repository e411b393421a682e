//! What is looked up: functions of one byte, quantization, softmax.

use pocketvision_core::op::Softmax;
use pocketvision_core::quant::{QuantizedSoftmax, requantize_table};
use pocketvision_core::{CompileError, Element, Node, NodeId};
use pocketvision_shaders::{Shader, Work, params};

use super::super::{BlobKind, Kernel, Operand};
use super::{Lowering, elements, pixels, quad_work, quads};

impl Lowering<'_> {
    /// A function of one byte.
    pub(super) fn look_up(
        &mut self,
        id: NodeId,
        node: &Node,
        input: Operand,
        by_byte: &[u8; 256],
    ) -> Result<Operand, CompileError> {
        let table = self.blob(id, BlobKind::Table, by_byte)?;
        let params = params::Table { elements: elements(node.output.shape) };
        self.compute(id, Shader::Table, &params, &[input, table], quad_work(node.output.shape))
    }

    pub(super) fn quantize(&mut self, id: NodeId, node: &Node) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let output = &node.output.element;
        if !ty.element.is_float() {
            let by_byte = requantize_table(&ty.element, output);
            return self.look_up(id, node, input, &by_byte);
        }
        let (lowest, _) = output.integer_range().unwrap_or_default();
        let thresholds = self.blob(id, BlobKind::Table, &thresholds(output))?;
        let params = params::Quantize { elements: elements(node.output.shape), lowest };
        let work = quad_work(node.output.shape);
        self.compute(id, Shader::Quantize, &params, &[input, thresholds], work)
    }

    pub(super) fn dequantize(&mut self, id: NodeId, node: &Node) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let table = dequantized(&ty.element);
        let table = self.blob(id, BlobKind::Table, &table)?;
        let params = params::Table { elements: elements(node.output.shape) };
        let work = quad_work(node.output.shape);
        self.compute(id, Shader::Dequantize, &params, &[input, table], work)
    }

    pub(super) fn softmax(
        &mut self,
        id: NodeId,
        node: &Node,
        op: &Softmax,
    ) -> Result<Operand, CompileError> {
        let (input, ty) = self.input(node, 0);
        let shape = node.output.shape;
        let (pixels, quads, channels) = (pixels(shape), quads(shape.c), shape.c as u32);
        let work = Work::Workgroups(pixels);
        if ty.element.is_float() {
            let params = params::SoftmaxF32 { pixels, quads, channels, beta: op.beta };
            let kernel = Kernel::new(Shader::SoftmaxF32, self.sharing());
            return self.compute(id, kernel, &params, &[input], work);
        }
        let softmax = QuantizedSoftmax::new(&ty.element, op.beta);
        let exponentials = softmax.exponentials.map(|exponential| exponential.unwrap_or(-1));
        let exponentials = self.blob(id, BlobKind::Table, &exponentials)?;
        let params = params::SoftmaxInt8 { pixels, quads, channels };
        let kernel = Kernel::new(Shader::SoftmaxInt8, self.sharing());
        self.compute(id, kernel, &params, &[input, exponentials], work)
    }
}

/// The real number of each byte.
fn dequantized(element: &Element) -> [f32; 256] {
    let (scale, zero_point) = element.per_tensor().unwrap_or((0.0, 0));
    let signed = matches!(element, Element::Int8(_));
    std::array::from_fn(|byte| {
        let value = if signed { i32::from(byte as u8 as i8) } else { byte as i32 };
        scale * (value - zero_point) as f32
    })
}

/// For each integer of an 8-bit element, the smallest float that is quantized to it or to a
/// larger one; infinity if there is none.
fn thresholds(element: &Element) -> [f32; 256] {
    let (scale, zero_point) = element.per_tensor().unwrap_or((1.0, 0));
    let (lowest, highest) = element.integer_range().unwrap_or_default();
    let quantized = |x: f32| {
        let rounded = (x / scale).round() as i32;
        rounded.saturating_add(zero_point).clamp(lowest, highest)
    };
    std::array::from_fn(|step| {
        let target = lowest + step as i32;
        // Bisection over all finite floats in order: the first that reaches the target.
        let (mut below, mut above) = (ordinal(-f32::MAX) - 1, ordinal(f32::MAX) + 1);
        while above - below > 1 {
            let middle = (above + below) / 2;
            if quantized(float_at(middle)) >= target { above = middle } else { below = middle }
        }
        float_at(above)
    })
}

/// Position of a float among all floats in order; both zeros are at 0.
fn ordinal(x: f32) -> i64 {
    let magnitude = i64::from(x.to_bits() & 0x7fff_ffff);
    if x.is_sign_negative() { -magnitude } else { magnitude }
}

/// The float at a position.
fn float_at(ordinal: i64) -> f32 {
    let magnitude = f32::from_bits(ordinal.unsigned_abs() as u32);
    if ordinal < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_where_rounding_changes() {
        let thresholds = thresholds(&Element::int8(0.5, 0));
        // Halves go away from zero: 0.25 becomes 1, and -0.25 becomes -1.
        assert_eq!(thresholds[129], 0.25);
        assert_eq!(thresholds[128], float_at(ordinal(-0.25) + 1));
        assert!(thresholds.windows(2).skip(1).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn counting_thresholds_is_quantizing() {
        let element = Element::uint8(0.007_843_138, 128);
        let thresholds = thresholds(&element);
        for i in -3000..3000 {
            let x = i as f32 * 0.000_517;
            let expected = ((x / 0.007_843_138).round() as i32 + 128).clamp(0, 255);
            let reached = thresholds.iter().skip(1).filter(|&&t| t <= x).count();
            assert_eq!(reached as i32, expected, "{x}");
        }
    }

    #[test]
    fn integers_no_float_reaches_have_an_infinite_threshold() {
        let thresholds = thresholds(&Element::int8(f32::MAX, 0));
        assert_eq!(thresholds[255], f32::INFINITY);
        assert!(thresholds[129].is_finite());
    }
}
