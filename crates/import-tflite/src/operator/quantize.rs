//! Between element types.

use pocketvision_core::Op;
use pocketvision_core::op::{Dequantize, Quantize};

use super::FileOperator;
use crate::error::Result;
use crate::importer::{Importer, Value};
use crate::tensor::FileTensor;

impl<'a> Importer<'a> {
    /// An output of the network keeps the file's type; everything else becomes int8.
    pub(super) fn quantize(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let input = self.only_input(operator)?;
        // Bytes without a scale are numbers to CAST alone.
        input.edge_element()?;
        let input = self.value(&input)?;
        let element =
            if self.is_output(output) { output.edge_element()? } else { output.element()? };
        let name = self.name(output, "")?;
        let op = Op::Quantize(Quantize);
        let node = self.builder.push_as(name, op, &[input.node], element)?;
        Ok(Value::new(node, input.rank))
    }

    /// Of a constant, a constant: float networks store their weights in fewer bits this way.
    pub(super) fn dequantize(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Option<Value>> {
        let input = self.only_input(operator)?;
        if input.is_constant() {
            self.dequantize_constant(&input, output)?;
            return Ok(None);
        }
        input.edge_element()?;
        let input = self.value(&input)?;
        let node = self.push(output, Op::Dequantize(Dequantize), &[input.node])?;
        Ok(Some(Value::new(node, input.rank)))
    }
}
