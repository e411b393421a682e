//! A picture's bytes that the network itself makes numbers of: CAST, SUB and DIV.

use pocketvision_core::op::{Add, Constant, Dequantize, Mul, Normalize};
use pocketvision_core::{NodeId, Op, Shape, Tensor};

use super::FileOperator;
use crate::error::{Problem, Result};
use crate::importer::{Importer, Value};
use crate::schema::options::{div, sub};
use crate::schema::tensor_type;
use crate::tensor::{FileTensor, shape_of};

impl<'a> Importer<'a> {
    /// Bytes as floats. CAST knows no scales.
    pub(super) fn cast(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let input = self.only_input(operator)?;
        if input.kind != tensor_type::UINT8 {
            return Err(input.unsupported_kind("UINT8, a picture's bytes"));
        }
        if !input.is_bytes()? {
            let text = "CAST takes integers for what they are, so their scale must be 1 and their \
                        zero point 0";
            return Err(input.wrong(Problem::Quantization(text.into())));
        }
        if output.kind != tensor_type::FLOAT32 {
            return Err(output.unsupported_kind("FLOAT32"));
        }
        let pixels = self.value(&input)?;
        let ty = self.builder.ty(pixels.node);
        let op = if ty.element == Normalize::PIXELS && ty.shape.c == 3 {
            Op::Normalize(Normalize::IDENTITY)
        } else {
            Op::Dequantize(Dequantize)
        };
        let node = self.push(output, op, &[pixels.node])?;
        Ok(Value::new(node, pixels.rank))
    }

    pub(super) fn sub(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let activation = operator.activation(sub::UNION_TYPE, sub::FUSED_ACTIVATION)?;
        let sum = Op::Add(Add { activation });
        self.with_constant(operator, output, Normalize::minus, |number| -number, sum)
    }

    pub(super) fn div(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let activation = operator.activation(div::UNION_TYPE, div::FUSED_ACTIVATION)?;
        let product = Op::Mul(Mul { activation });
        self.with_constant(operator, output, Normalize::over, |number| 1.0 / number, product)
    }

    /// A difference or quotient of floats, the second of them constant: a part of how pixels are
    /// normalized, if `join` can make it one, else `op` with the inverse of the constant.
    fn with_constant(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
        join: fn(Normalize, [f32; 3]) -> Option<Normalize>,
        inverse: fn(f32) -> f32,
        op: Op,
    ) -> Result<Value> {
        if output.kind != tensor_type::FLOAT32 {
            return Err(output.unsupported_kind("FLOAT32"));
        }
        let [left, right] = [0, 1].map(|position| self.input(operator, position, 2..=2, "2"));
        let (left, right) = (left?, right?);
        if !self.is_constant(&right) {
            return Err(right.wrong(Problem::NotConstant));
        }
        let left = self.value(&left)?;
        let dims = self.constant_source(&right)?.dims()?;
        let (shape, rank) = (shape_of(&dims), left.rank.max(dims.len()));
        let numbers = self.reals(&right, shape)?;
        let colours = if op.fused_activation().is_none() { colours(shape, &numbers) } else { None };
        let made = self.builder.node(left.node);
        if let (Op::Normalize(normalize), Some(colours)) = (&made.op, colours)
            && let Some(joined) = join(*normalize, colours)
        {
            let pixels = made.inputs[0];
            let node = self.push(output, Op::Normalize(joined), &[pixels])?;
            return Ok(Value::new(node, rank));
        }
        let numbers = numbers.into_iter().map(inverse).collect();
        let right = self.number_node(&right, shape, numbers)?;
        let node = self.push(output, op, &[left.node, right])?;
        Ok(Value::new(node, rank))
    }

    /// Numbers that are made of a constant, as a node.
    fn number_node(
        &mut self,
        constant: &FileTensor<'a>,
        shape: Shape,
        numbers: Vec<f32>,
    ) -> Result<NodeId> {
        self.budget.charge(size_of::<f32>() * numbers.len())?;
        let invalid = |source| constant.wrong(Problem::Constant(source));
        let tensor = Tensor::from_f32(shape, numbers).map_err(invalid)?;
        let name = self.name(constant, "_inverse")?;
        let value = self.builder.param(name.clone(), tensor);
        Ok(self.builder.push(name, Op::Constant(Constant { value }), &[])?)
    }
}

/// Numbers for red, green and blue: one of each, or one for all.
fn colours(shape: Shape, numbers: &[f32]) -> Option<[f32; 3]> {
    match *numbers {
        [one] => Some([one; 3]),
        [red, green, blue] if shape.c == 3 => Some([red, green, blue]),
        _ => None,
    }
}
