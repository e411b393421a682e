//! From one TFLite operator to one or a few nodes: a file for each family.

mod convolution;
mod custom;
mod detection;
mod elementwise;
mod layout;
mod pixels;
mod pool;
mod quantize;
mod resize;
mod segmentation;
mod transpose_conv;

use pocketvision_core::op::{ActivationKind, Padding, PoolKind};
use pocketvision_core::{NodeId, Op};

use custom::Custom;

use crate::error::{Problem, Result};
use crate::flatbuffer::{Table, Tables, Vector};
use crate::importer::{Importer, Value};
use crate::operator_names::builtin_name;
use crate::schema::{activation, builtin, operator, operator_code, padding};
use crate::tensor::{FileTensor, readable};

/// One operator of the file.
#[derive(Debug)]
pub(crate) struct FileOperator<'a> {
    index: usize,
    /// A value of [`builtin`].
    code: i32,
    custom_code: &'a [u8],
    inputs: Vector<'a, i32>,
    outputs: Vector<'a, i32>,
    options_type: u8,
    options: Option<Table<'a>>,
    /// The attributes of an operator that is not built in.
    custom_options: &'a [u8],
}

impl<'a> FileOperator<'a> {
    /// Reads an operator, whatever it is.
    pub(crate) fn read(index: usize, table: Table<'a>, codes: Tables<'a>) -> Result<Self> {
        let code_index = table.scalar(operator::OPCODE_INDEX, 0u32)?;
        let missing =
            Problem::Index { what: "operator code", index: code_index.into(), count: codes.len() };
        let code = codes.get(code_index as usize)?.ok_or(missing)?;
        let deprecated = code.scalar(operator_code::DEPRECATED_BUILTIN_CODE, 0i8)?;
        Ok(Self {
            index,
            // Each writer fills the field it knows; the other one is 0 or a placeholder of 127.
            code: code.scalar(operator_code::BUILTIN_CODE, 0)?.max(deprecated.into()),
            custom_code: code.bytes(operator_code::CUSTOM_CODE)?,
            inputs: table.vector(operator::INPUTS)?,
            outputs: table.vector(operator::OUTPUTS)?,
            options_type: table.scalar(operator::BUILTIN_OPTIONS_TYPE, 0)?,
            options: table.table(operator::BUILTIN_OPTIONS)?,
            custom_options: table.bytes(operator::CUSTOM_OPTIONS)?,
        })
    }

    /// A problem of this operator.
    pub(crate) fn wrong(&self, problem: Problem) -> Problem {
        match problem {
            Problem::UnknownOperator { .. } | Problem::Damaged(_) => problem,
            problem => Problem::Operator {
                index: self.index,
                operator: self.name(),
                source: Box::new(problem),
            },
        }
    }

    /// The tensors that the operator writes.
    pub(crate) const fn outputs(&self) -> Vector<'a, i32> {
        self.outputs
    }

    /// The only tensor that the operator writes.
    pub(crate) fn only_output(&self) -> Result<i32> {
        match (self.outputs.len(), self.outputs.get(0)) {
            (1, Some(output)) => Ok(output),
            (actual, _) => Err(Problem::Count { what: "outputs", actual, expected: "1" }),
        }
    }

    /// Fails if the operator is none that we translate.
    pub(crate) fn check_known(&self) -> Result<()> {
        let known = match self.code {
            builtin::CUSTOM => Custom::of(self).is_some(),
            code => KNOWN.contains(&code),
        };
        if known { Ok(()) } else { Err(self.unknown()) }
    }

    fn unknown(&self) -> Problem {
        Problem::UnknownOperator { index: self.index, operator: self.name() }
    }

    fn name(&self) -> String {
        if self.code != builtin::CUSTOM {
            return builtin_name(self.code);
        }
        let shown = &self.custom_code[..self.custom_code.len().min(LONGEST_CUSTOM_CODE_SHOWN)];
        format!("the custom operator '{}'", readable(shown))
    }

    /// The operator's attributes, if the file has them; of the right kind.
    fn options(&self, union_type: u8) -> Result<Option<Table<'a>>> {
        if self.options.is_some() && self.options_type != union_type {
            let expected = format!("{union_type}, as for every {}", self.name());
            return Err(Problem::attribute("builtin_options_type", self.options_type, expected));
        }
        Ok(self.options)
    }

    /// The activation that an attribute of an operator names whose attributes may be left out.
    fn activation(&self, union_type: u8, field: usize) -> Result<Option<ActivationKind>> {
        match self.options(union_type)? {
            Some(options) => fused_activation(options.scalar(field, 0)?),
            None => Ok(None),
        }
    }

    /// The operator's attributes, where they have no defaults.
    fn required_options(&self, union_type: u8) -> Result<Table<'a>> {
        let absent =
            || Problem::attribute("builtin_options", "absent", "the operator's attributes");
        self.options(union_type)?.ok_or_else(absent)
    }
}

impl<'a> Importer<'a> {
    /// The node that yields an operator's output; `None` if that is a constant.
    pub(crate) fn translate(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Option<Value>> {
        let value = match operator.code {
            builtin::CONV_2D => self.conv_2d(operator, output),
            builtin::DEPTHWISE_CONV_2D => self.depthwise_conv_2d(operator, output),
            builtin::FULLY_CONNECTED => self.fully_connected(operator, output),
            builtin::AVERAGE_POOL_2D => self.pool_2d(operator, output, PoolKind::Average),
            builtin::MAX_POOL_2D => self.pool_2d(operator, output, PoolKind::Max),
            builtin::MEAN => self.mean(operator, output),
            builtin::ADD => self.add(operator, output),
            builtin::MUL => self.mul(operator, output),
            builtin::SUB => self.sub(operator, output),
            builtin::DIV => self.div(operator, output),
            builtin::CAST => self.cast(operator, output),
            builtin::RELU => self.activation(operator, output, ActivationKind::Relu),
            builtin::RELU6 => self.activation(operator, output, ActivationKind::Relu6),
            builtin::HARD_SWISH => self.activation(operator, output, ActivationKind::HardSwish),
            builtin::LOGISTIC => self.activation(operator, output, ActivationKind::Sigmoid),
            builtin::SOFTMAX => self.softmax(operator, output),
            builtin::RESHAPE => self.reshape(operator, output),
            builtin::SQUEEZE => self.squeeze(operator, output),
            builtin::CONCATENATION => self.concatenation(operator, output),
            builtin::PAD => self.pad(operator, output),
            builtin::QUANTIZE => self.quantize(operator, output),
            builtin::DEQUANTIZE => return self.dequantize(operator, output),
            builtin::RESIZE_BILINEAR => self.resize_bilinear(operator, output),
            builtin::RESIZE_NEAREST_NEIGHBOR => self.resize_nearest_neighbor(operator, output),
            builtin::TILE => self.tile(operator, output),
            builtin::ARG_MAX => self.arg_max(operator, output),
            builtin::TRANSPOSE_CONV => self.transpose_conv(operator, output),
            builtin::CUSTOM if Custom::of(operator) == Some(Custom::TransposeConvBias) => {
                self.transpose_conv_bias(operator, output)
            }
            _ => Err(operator.unknown()),
        };
        value.map(Some)
    }

    /// The only tensor that an operator reads.
    fn only_input(&self, operator: &FileOperator<'a>) -> Result<FileTensor<'a>> {
        self.input(operator, 0, 1..=1, "1")
    }

    /// One of the tensors that an operator reads; it must read so many.
    fn input(
        &self,
        operator: &FileOperator<'a>,
        position: usize,
        counts: std::ops::RangeInclusive<usize>,
        expected: &'static str,
    ) -> Result<FileTensor<'a>> {
        let actual = operator.inputs.len();
        match operator.inputs.get(position) {
            Some(index) if counts.contains(&actual) => self.tensor(index),
            _ => Err(Problem::Count { what: "inputs", actual, expected }),
        }
    }

    /// A tensor to compute with that must have four dimensions.
    fn image_operand(&mut self, tensor: &FileTensor<'a>) -> Result<Value> {
        let value = self.operand(tensor)?;
        if value.rank != 4 {
            return Err(tensor.wrong(Problem::attribute("rank", value.rank, "4 (an image)")));
        }
        Ok(value)
    }

    /// A node with the element that the file states for its output.
    fn push(&mut self, output: &FileTensor<'a>, op: Op, inputs: &[NodeId]) -> Result<NodeId> {
        let element = output.element()?;
        let name = self.name(output, "")?;
        Ok(self.builder.push_as(name, op, inputs, element)?)
    }
}

fn fused_activation(code: i8) -> Result<Option<ActivationKind>> {
    match code {
        activation::NONE => Ok(None),
        activation::RELU => Ok(Some(ActivationKind::Relu)),
        activation::RELU6 => Ok(Some(ActivationKind::Relu6)),
        _ => Err(Problem::attribute(
            "fused_activation_function",
            code,
            "0 (none), 1 (RELU) or 3 (RELU6)",
        )),
    }
}

fn padding_of(code: i8) -> Result<Padding> {
    match code {
        padding::SAME => Ok(Padding::Same),
        padding::VALID => Ok(Padding::Valid),
        _ => Err(Problem::attribute("padding", code, "0 (SAME) or 1 (VALID)")),
    }
}

/// An attribute that counts pixels.
fn pixels(
    options: &Table<'_>,
    slot: usize,
    attribute: &'static str,
    default: i32,
) -> Result<usize> {
    let value = options.scalar(slot, default)?;
    usize::try_from(value)
        .ok()
        .filter(|&pixels| pixels > 0)
        .ok_or_else(|| Problem::attribute(attribute, value, "1 or more"))
}

/// A dimension counted from the end if negative, as one of a tensor's `rank`.
fn axis(value: i64, rank: usize, attribute: &'static str) -> Result<usize> {
    let from_start = if value < 0 { value + rank as i64 } else { value };
    usize::try_from(from_start)
        .ok()
        .filter(|&axis| axis < rank)
        .ok_or_else(|| Problem::attribute(attribute, value, format!("a dimension of {rank}")))
}

/// What can be imported, besides the operators of [`Custom`].
const KNOWN: [i32; 27] = [
    builtin::ADD,
    builtin::ARG_MAX,
    builtin::AVERAGE_POOL_2D,
    builtin::CAST,
    builtin::CONCATENATION,
    builtin::CONV_2D,
    builtin::DEPTHWISE_CONV_2D,
    builtin::DEQUANTIZE,
    builtin::DIV,
    builtin::FULLY_CONNECTED,
    builtin::HARD_SWISH,
    builtin::LOGISTIC,
    builtin::MAX_POOL_2D,
    builtin::MEAN,
    builtin::MUL,
    builtin::PAD,
    builtin::QUANTIZE,
    builtin::RELU,
    builtin::RELU6,
    builtin::RESHAPE,
    builtin::RESIZE_BILINEAR,
    builtin::RESIZE_NEAREST_NEIGHBOR,
    builtin::SOFTMAX,
    builtin::SQUEEZE,
    builtin::SUB,
    builtin::TILE,
    builtin::TRANSPOSE_CONV,
];

const LONGEST_CUSTOM_CODE_SHOWN: usize = 60;
