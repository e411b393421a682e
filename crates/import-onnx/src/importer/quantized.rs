//! Integers between `QuantizeLinear` and `DequantizeLinear`.

use pocketvision_core::op::ActivationKind;
use pocketvision_core::{Element, NodeId, Op};

use super::Importer;
use crate::constant::{Constant, Numbers};
use crate::error::{Problem, Result};
use crate::message::{Node, data_type};
use crate::operator;
use crate::value::{Activation, Layout, Number, Value};

/// How an operator may be computed in integers: its result goes into a `QuantizeLinear`.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// What that `QuantizeLinear` makes of it.
    pub(crate) element: Element,
    /// A clamp in between, which the operator may apply itself.
    pub(crate) clamp: Option<ActivationKind>,
    /// The node of the clamp.
    clamp_node: Option<usize>,
}

impl Importer<'_> {
    /// The integers that a node's result becomes, if they are all that anybody reads of it.
    pub(crate) fn target(&self, node: &Node, may_clamp: bool) -> Option<Target> {
        let mut reader = self.network.only_reader(node.output.first()?)?;
        let (mut clamp, mut clamp_node) = (None, None);
        if may_clamp && let Some(kind) = operator::clamp(self, reader.1) {
            (clamp, clamp_node) = (Some(kind), Some(reader.0));
            reader = self.network.only_reader(reader.1.output.first()?)?;
        }
        let (_, quantize) = reader;
        if quantize.op_type != "QuantizeLinear" {
            return None;
        }
        let element = self.element_of(quantize).ok()?;
        Some(Target { element, clamp, clamp_node })
    }

    /// The int8 element of a `QuantizeLinear` or `DequantizeLinear` with one scale. Unsigned
    /// integers are taken as signed ones, 128 lower: the same real numbers.
    pub(crate) fn element_of(&self, node: &Node) -> Result<Element> {
        let (scale, zero_point) = self.scale_of(node)?;
        Ok(Element::int8(scale, zero_point - if self.is_unsigned(node)? { 128 } else { 0 }))
    }

    /// True if a `QuantizeLinear` or `DequantizeLinear` is about unsigned integers.
    pub(crate) fn is_unsigned(&self, node: &Node) -> Result<bool> {
        match self.optional_constant(node, 2)?.map(|constant| constant.numbers.clone()) {
            None => {
                let stated = crate::attributes::Attributes::of(node).int("output_dtype")?;
                match stated {
                    None | Some(0) => Ok(true),
                    Some(number) if number == i64::from(data_type::UINT8) => Ok(true),
                    Some(number) if number == i64::from(data_type::INT8) => Ok(false),
                    Some(other) => Err(Problem::attribute("output_dtype", other, "int8 or uint8")),
                }
            }
            Some(Numbers::U8(_)) => Ok(true),
            Some(Numbers::I8(_) | Numbers::I32(_)) => Ok(false),
            Some(_) => Err(Problem::Quantization("the zero point is no int8 or uint8".into())),
        }
    }

    fn scale_of(&self, node: &Node) -> Result<(f32, i32)> {
        let one = |what: &str| Problem::Quantization(format!("activations have one {what}"));
        let scale = self.constant(node, 1)?.scalar().ok_or_else(|| one("scale"))?;
        if !(scale.is_finite() && scale > 0.0) {
            let message = format!("the scale is {scale}; it must be finite and above zero");
            return Err(Problem::Quantization(message));
        }
        let zero_point = match self.optional_constant(node, 2)? {
            None => 0,
            Some(constant) => match &constant.numbers {
                Numbers::I8(values) if values.len() == 1 => values[0].into(),
                Numbers::U8(values) if values.len() == 1 => values[0].into(),
                _ => return Err(one("zero point, of int8 or uint8")),
            },
        };
        Ok((scale, zero_point))
    }

    /// Computes an operator: in int8 if all its inputs are and its result becomes int8,
    /// otherwise in f32. `op` makes the operator with a clamp applied last, if `fuses`.
    pub(crate) fn compute(
        &mut self,
        node: &Node,
        inputs: &[Activation],
        fuses: bool,
        op: impl Fn(Option<ActivationKind>) -> Op,
        (dims, layout): (Vec<usize>, Layout),
    ) -> Result<Value> {
        let all_quantized = inputs.iter().all(|input| self.is_quantized(input));
        if all_quantized && let Some(target) = self.target(node, fuses) {
            let nodes: Vec<NodeId> = inputs.iter().map(|input| input.node).collect();
            let pushed = self.push(node, op(target.clamp), &nodes, Some(target.element.clone()))?;
            let value = Activation { node: pushed, dims, layout, number: Number::Float };
            return Ok(self.reach(&target, value));
        }
        let nodes: Result<Vec<NodeId>> = inputs.iter().map(|input| self.float(input)).collect();
        let pushed = self.push(node, op(None), &nodes?, None)?;
        Ok(Value::Activation(Activation { node: pushed, dims, layout, number: Number::Float }))
    }

    /// A value computed in integers; a clamp on the way has been applied.
    pub(crate) fn reach(&mut self, target: &Target, value: Activation) -> Value {
        if let Some(index) = target.clamp_node {
            self.absorbed.insert(index, value.clone());
        }
        Value::Activation(value)
    }
}

/// A constant's numbers as int8 of one scale, if it was quantized so.
pub(super) fn per_tensor_int8(constant: &Constant) -> Option<(Element, Vec<i8>)> {
    let quantization = constant.quantization.as_ref()?;
    let (&[scale], &[zero_point]) =
        (quantization.scales.as_slice(), quantization.zero_points.as_slice())
    else {
        return None;
    };
    match &constant.numbers {
        Numbers::I8(values) => Some((Element::int8(scale, zero_point), values.clone())),
        Numbers::U8(values) => {
            let values = values.iter().map(|&value| (i16::from(value) - 128) as i8).collect();
            Some((Element::int8(scale, zero_point - 128), values))
        }
        _ => None,
    }
}

/// The unsigned element of the same real numbers.
pub(super) fn as_uint8(element: &Element) -> Element {
    let (scale, zero_point) = element.per_tensor().unwrap_or((1.0, 0));
    Element::uint8(scale, zero_point + 128)
}
