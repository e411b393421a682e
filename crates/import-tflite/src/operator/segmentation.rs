//! From scores to a map of classes.

use pocketvision_core::Op;
use pocketvision_core::op::ArgMax;

use super::{FileOperator, axis};
use crate::error::{Problem, Result};
use crate::importer::{Importer, Value};
use crate::tensor::{FileTensor, format_dims};

impl<'a> Importer<'a> {
    /// The index of the largest along the last dimension, which goes.
    pub(super) fn arg_max(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let scores = self.input(operator, 0, 2..=2, INPUTS)?;
        let dimension = self.input(operator, 1, 2..=2, INPUTS)?;
        let input = self.operand(&scores)?;
        let stated = self.integers(&dimension)?;
        let is_last = match stated.as_slice() {
            &[stated] => axis(stated, input.rank, "axis")? + 1 == input.rank,
            _ => false,
        };
        if !is_last {
            let value = format_dims(stated.iter());
            return Err(Problem::attribute("axis", value, "the last dimension"));
        }
        let name = self.name(output, "")?;
        let node = self.builder.push(name, Op::ArgMax(ArgMax), &[input.node])?;
        Ok(Value::class_map(node, input.rank - 1))
    }
}

const INPUTS: &str = "2 (scores, axis)";
