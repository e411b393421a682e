//! Sums, products, activations and softmax.

use pocketvision_core::Op;
use pocketvision_core::op::{Activation, ActivationKind, Add, Mul, Softmax};

use super::FileOperator;
use crate::error::{Problem, Result};
use crate::importer::{Importer, Value};
use crate::schema::options::{add, mul, softmax};
use crate::tensor::FileTensor;

impl<'a> Importer<'a> {
    pub(super) fn add(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let activation = operator.activation(add::UNION_TYPE, add::FUSED_ACTIVATION)?;
        let op = Op::Add(Add { activation });
        self.pairwise(operator, output, op)
    }

    pub(super) fn mul(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let activation = operator.activation(mul::UNION_TYPE, mul::FUSED_ACTIVATION)?;
        let op = Op::Mul(Mul { activation });
        self.pairwise(operator, output, op)
    }

    pub(super) fn activation(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
        kind: ActivationKind,
    ) -> Result<Value> {
        let input = self.only_input(operator)?;
        let input = self.operand(&input)?;
        let node = self.push(output, Op::Activation(Activation { kind }), &[input.node])?;
        Ok(Value::new(node, input.rank))
    }

    pub(super) fn softmax(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let options = operator.required_options(softmax::UNION_TYPE)?;
        let beta: f32 = options.scalar(softmax::BETA, 0.0)?;
        if !beta.is_finite() || beta <= 0.0 {
            return Err(Problem::attribute("beta", beta, "a finite number above 0"));
        }
        let input = self.only_input(operator)?;
        let input = self.operand(&input)?;
        let node = self.push(output, Op::Softmax(Softmax { beta }), &[input.node])?;
        Ok(Value::new(node, input.rank))
    }

    fn pairwise(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
        op: Op,
    ) -> Result<Value> {
        let [a, b] = [0, 1].map(|position| self.input(operator, position, 2..=2, "2"));
        let (a, b) = (self.operand(&a?)?, self.operand(&b?)?);
        let node = self.push(output, op, &[a.node, b.node])?;
        Ok(Value::new(node, a.rank.max(b.rank)))
    }
}
