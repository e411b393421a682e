//! Operators that move numbers: reshape, squeeze, concatenation, padding.

use pocketvision_core::Op;
use pocketvision_core::op::{Axis, Concat, Pad, Rescaling, Reshape, Window};

use super::{FileOperator, axis, fused_activation};
use crate::error::{Problem, Result};
use crate::importer::{Importer, Value};
use crate::schema::options::{concatenation, reshape, squeeze};
use crate::schema::tensor_type;
use crate::tensor::{FileTensor, format_dims, shape_of};

impl<'a> Importer<'a> {
    /// The new shape is a constant operand, or an attribute, or what the file says of the
    /// output.
    pub(super) fn reshape(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let input = self.input(operator, 0, 1..=2, "1 or 2 (input, shape)")?;
        let input = self.operand(&input)?;
        let stated = if operator.inputs.len() == 2 {
            let shape = self.input(operator, 1, 2..=2, "2")?;
            self.integers(&shape)?
        } else {
            let attribute = match operator.options(reshape::UNION_TYPE)? {
                Some(options) => options.vector::<i32>(reshape::NEW_SHAPE)?,
                None => output.stated_dims(),
            };
            let dims = if attribute.is_empty() { output.stated_dims() } else { attribute };
            dims.iter().take(MAX_RANK + 1).map(i64::from).collect()
        };
        let dims = resolve(&stated, self.builder.ty(input.node).shape.elements())?;
        self.relabel(output, input, &dims)
    }

    pub(super) fn squeeze(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let input = self.only_input(operator)?;
        let input = self.operand(&input)?;
        let stated: Vec<i32> = match operator.options(squeeze::UNION_TYPE)? {
            Some(options) => options.vector(squeeze::SQUEEZE_DIMS)?.iter().take(MAX_RANK).collect(),
            None => vec![],
        };
        let dims = self.dims(input);
        let squeezed: Vec<usize> = stated
            .iter()
            .map(|&value| axis(value.into(), dims.len(), "squeeze_dims"))
            .collect::<Result<_>>()?;
        if squeezed.iter().any(|&axis| dims[axis] != 1) {
            let (value, dims) = (format_dims(stated.iter()), format_dims(dims.iter()));
            let expected = format!("dimensions of {dims} that are 1");
            return Err(Problem::attribute("squeeze_dims", value, expected));
        }
        let goes = |axis: usize| dims[axis] == 1 && (stated.is_empty() || squeezed.contains(&axis));
        let left: Vec<usize> =
            (0..dims.len()).filter(|&axis| !goes(axis)).map(|axis| dims[axis]).collect();
        self.relabel(output, input, &left)
    }

    pub(super) fn concatenation(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let options = operator.required_options(concatenation::UNION_TYPE)?;
        if fused_activation(options.scalar(concatenation::FUSED_ACTIVATION, 0)?)?.is_some() {
            let attribute = "fused_activation_function";
            return Err(Problem::attribute(attribute, "set", "0 (none)"));
        }
        let mut nodes = vec![];
        let mut rank = 0;
        for index in operator.inputs.iter() {
            self.budget.charge(4 * size_of::<pocketvision_core::TensorType>())?;
            let tensor = self.tensor(index)?;
            let input = self.operand(&tensor)?;
            if !nodes.is_empty() && rank != input.rank {
                let expected = format!("{rank}, as the first input's");
                return Err(tensor.wrong(Problem::attribute("rank", input.rank, expected)));
            }
            rank = input.rank;
            nodes.push(input.node);
        }
        let stated: i32 = options.scalar(concatenation::AXIS, 0)?;
        let axis = match axis(stated.into(), rank, "axis")? + 4 - rank {
            1 => Axis::Height,
            2 => Axis::Width,
            3 => Axis::Channels,
            _ => return Err(Problem::attribute("axis", stated, "height, width or channels")),
        };
        let rescaling = match output.kind {
            tensor_type::UINT8 => Rescaling::Float,
            _ => Rescaling::FixedPoint,
        };
        let op = Op::Concat(Concat { axis, rescaling });
        Ok(Value::new(self.push(output, op, &nodes)?, rank))
    }

    pub(super) fn pad(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let input = self.input(operator, 0, 2..=2, "2 (input, paddings)")?;
        let input = self.operand(&input)?;
        let paddings = self.input(operator, 1, 2..=2, "2 (input, paddings)")?;
        let stated = self.integers(&paddings)?;
        let wrong = |expected: &str| {
            let value = format_dims(stated.iter());
            Err(paddings.wrong(Problem::attribute("paddings", value, expected)))
        };
        if stated.len() != 2 * input.rank {
            return wrong("two for each dimension");
        }
        let mut sides = [[0; 2]; 4];
        for (index, &pad) in stated.iter().enumerate() {
            let Some(pad) = usize::try_from(pad).ok().filter(|&p| p <= Window::MAX_ATTRIBUTE)
            else {
                return wrong("0 to 16384 on each side");
            };
            sides[4 - input.rank + index / 2][index % 2] = pad;
        }
        let [batch, [top, bottom], [left, right], channels] = sides;
        if batch != [0; 2] || channels != [0; 2] {
            return wrong("padding of height and width alone");
        }
        let op = Op::Pad(Pad { top, bottom, left, right });
        Ok(Value::new(self.push(output, op, &[input.node])?, input.rank))
    }

    fn relabel(&mut self, output: &FileTensor<'a>, input: Value, dims: &[usize]) -> Result<Value> {
        let op = Op::Reshape(Reshape { shape: shape_of(dims) });
        Ok(Value::new(self.push(output, op, &[input.node])?, dims.len()))
    }
}

/// The dimensions of a reshape, of which one may be -1: what remains of the elements.
fn resolve(stated: &[i64], elements: usize) -> Result<Vec<usize>> {
    let wrong = || {
        let expected = format!("at most four dimensions of {elements} elements, one of them -1");
        Problem::attribute("new_shape", format_dims(stated.iter()), expected)
    };
    if stated.len() > MAX_RANK || stated.iter().filter(|&&dim| dim == -1).count() > 1 {
        return Err(wrong());
    }
    let known = stated.iter().filter(|&&dim| dim != -1).try_fold(1usize, |product, &dim| {
        let dim = usize::try_from(dim).ok().filter(|&dim| dim > 0)?;
        product.checked_mul(dim)
    });
    let known = known.ok_or_else(wrong)?;
    let dims: Vec<usize> =
        stated.iter().map(|&dim| usize::try_from(dim).unwrap_or(elements / known)).collect();
    match dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim)) {
        Some(product) if product == elements => Ok(dims),
        _ => Err(wrong()),
    }
}

const MAX_RANK: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dimension_may_be_left_open() {
        assert_eq!(resolve(&[-1, 1001], 1001).unwrap(), [1, 1001]);
        assert_eq!(resolve(&[2, -1, 3], 24).unwrap(), [2, 4, 3]);
        assert_eq!(resolve(&[4, 6], 24).unwrap(), [4, 6]);
        assert_eq!(resolve(&[], 1).unwrap(), [0; 0]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        for stated in
            [&[5, -1][..], &[-1, -1], &[0, 24], &[24, 0], &[-2, 12], &[1, 1, 1, 1, 24], &[25]]
        {
            assert!(resolve(stated, 24).is_err(), "{stated:?}");
        }
        assert!(resolve(&[i64::MAX, i64::MAX, -1], 24).is_err());
    }
}
