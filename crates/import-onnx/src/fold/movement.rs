//! Numbers of constants taken, joined and put in order.

use std::rc::Rc;

use crate::attributes::Attributes;
use crate::constant::{Constant, Numbers, checked_count};
use crate::error::{Problem, Result};
use crate::importer::Importer;
use crate::message::Node;
use crate::operator::{axes, axis, permutation, resolve, unsqueezed};

pub(super) fn gather(
    importer: &mut Importer<'_>,
    node: &Node,
    input: &Constant,
    indices: &Constant,
) -> Result<Constant> {
    let rank = input.dims.len();
    let axis = axis("axis", Attributes::of(node).int("axis")?.unwrap_or(0), rank)?;
    let size = input.dims[axis];
    let chosen = indices.to_integers().ok_or_else(|| {
        let actual = indices.element().to_owned();
        Problem::Element { actual, expected: "int64 indices" }
    })?;
    let chosen: Vec<usize> = chosen
        .into_iter()
        .map(|index| {
            let from_start = if index < 0 { index.saturating_add(size as i64) } else { index };
            let within = usize::try_from(from_start).ok().filter(|&index| index < size);
            within.ok_or_else(|| Problem::attribute("an index", index, format!("below {size}")))
        })
        .collect::<Result<_>>()?;
    let inner: usize = input.dims[axis + 1..].iter().product();
    let outer: usize = input.dims[..axis].iter().product();
    let mut dims = input.dims[..axis].to_vec();
    dims.extend(&indices.dims);
    dims.extend(&input.dims[axis + 1..]);
    let count = checked_count(&dims)
        .ok_or_else(|| Problem::shape("the result", &dims, "fewer elements"))?;
    importer.budget.charge(16 * count)?;
    let mut order = Vec::with_capacity(count);
    for block in 0..outer {
        for &index in &chosen {
            let start = (block * size + index) * inner;
            order.extend(start..start + inner);
        }
    }
    Ok(Constant::new(dims, pick(&input.numbers, order.into_iter())))
}

pub(super) fn concat(
    importer: &mut Importer<'_>,
    node: &Node,
    inputs: &[Option<Rc<Constant>>],
) -> Result<Constant> {
    let inputs: Vec<&Constant> = inputs.iter().flatten().map(Rc::as_ref).collect();
    let rank = inputs[0].dims.len();
    let axis = axis("axis", Attributes::of(node).int("axis")?.unwrap_or(0), rank)?;
    let mut dims = inputs[0].dims.clone();
    for input in &inputs {
        let mut other = input.dims.clone();
        if other.len() == rank {
            other[axis] = dims[axis];
        }
        if other != dims {
            return Err(Problem::shape("an input", &input.dims, "the form of the first"));
        }
    }
    dims[axis] = inputs.iter().map(|input| input.dims[axis]).sum();
    let count = checked_count(&dims)
        .ok_or_else(|| Problem::shape("the result", &dims, "fewer elements"))?;
    importer.budget.charge(8 * count)?;
    let outer: usize = dims[..axis].iter().product();
    let run = |input: &Constant| input.dims[axis..].iter().product::<usize>();
    let numbers = if inputs.iter().all(|input| matches!(input.numbers, Numbers::F32(_))) {
        let mut values = Vec::with_capacity(count);
        for block in 0..outer {
            for input in &inputs {
                let Numbers::F32(numbers) = &input.numbers else { continue };
                values.extend(&numbers[block * run(input)..(block + 1) * run(input)]);
            }
        }
        Numbers::F32(values)
    } else {
        let lists: Option<Vec<Vec<i64>>> = inputs.iter().map(|i| i.to_integers()).collect();
        let expected = "all float32, or all integers";
        let lists = lists.ok_or(Problem::Element { actual: "mixed".into(), expected })?;
        let mut values = Vec::with_capacity(count);
        for block in 0..outer {
            for (input, numbers) in inputs.iter().zip(&lists) {
                values.extend(&numbers[block * run(input)..(block + 1) * run(input)]);
            }
        }
        Numbers::I64(values)
    };
    Ok(Constant::new(dims, numbers))
}

pub(super) fn slice(
    node: &Node,
    input: &Constant,
    inputs: &[Option<Rc<Constant>>],
) -> Result<Constant> {
    let list = |index: usize| -> Option<Vec<i64>> { inputs.get(index)?.as_ref()?.to_integers() };
    let missing = || Problem::Count { what: "inputs", actual: node.input.len(), expected: "three" };
    let (starts, ends) = (list(1).ok_or_else(missing)?, list(2).ok_or_else(missing)?);
    let rank = input.dims.len();
    let axes = list(3).unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(4).unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|&length| length != starts.len()) {
        let expected = "as many starts, ends, axes and steps";
        return Err(Problem::attribute("starts", format!("{starts:?}"), expected));
    }
    // For each axis, the indices that are kept.
    let mut kept: Vec<Vec<usize>> = input.dims.iter().map(|&size| (0..size).collect()).collect();
    for i in 0..starts.len() {
        let axis = axis("axes", axes[i], rank)?;
        let size = input.dims[axis] as i64;
        let from_start = |index: i64| if index < 0 { index.saturating_add(size) } else { index };
        let (start, end) = (from_start(starts[i]), from_start(ends[i]));
        kept[axis] = match steps[i] {
            0 => return Err(Problem::attribute("steps", 0, "not zero")),
            step if step > 0 => {
                let (start, end) = (start.clamp(0, size), end.clamp(0, size));
                (start..end).step_by(step as usize).map(|index| index as usize).collect()
            }
            step => {
                let (start, end) = (start.clamp(-1, size - 1), end.clamp(-1, size - 1));
                let step = step.unsigned_abs() as usize;
                (end + 1..=start).rev().step_by(step).map(|index| index as usize).collect()
            }
        };
    }
    let dims: Vec<usize> = kept.iter().map(Vec::len).collect();
    let order = positions(&input.dims, &kept);
    Ok(Constant::new(dims, pick(&input.numbers, order.into_iter())))
}

pub(super) fn reshape(importer: &Importer<'_>, node: &Node, input: &Constant) -> Result<Constant> {
    let rank = input.dims.len();
    let dims = match node.op_type.as_str() {
        "Reshape" => {
            let stated = importer.integers(node, 1)?.unwrap_or_default();
            let zero_is_zero = Attributes::of(node).flag("allowzero", false)?;
            resolve(&input.dims, &stated, zero_is_zero)?
        }
        "Unsqueeze" => unsqueezed(importer, node, &input.dims)?,
        "Squeeze" => {
            let axes = axes(importer, node, rank)?;
            let drop = |axis: &usize| match &axes {
                Some(axes) => axes.contains(axis) && input.dims[*axis] == 1,
                None => input.dims[*axis] == 1,
            };
            (0..rank).filter(|axis| !drop(axis)).map(|axis| input.dims[axis]).collect()
        }
        _ => {
            let stated = Attributes::of(node).int("axis")?.unwrap_or(1);
            let axis = if stated == rank as i64 { rank } else { axis("axis", stated, rank)? };
            vec![input.dims[..axis].iter().product(), input.dims[axis..].iter().product()]
        }
    };
    if input.quantization.as_ref().is_some_and(|q| q.scales.len() > 1) && dims != input.dims {
        let message = "a constant with a scale for each channel is reshaped".into();
        return Err(Problem::Quantization(message));
    }
    Ok(Constant { dims, ..input.clone() })
}

pub(super) fn transpose(node: &Node, input: &Constant) -> Result<Constant> {
    let order = permutation(node, input.dims.len())?;
    let dims: Vec<usize> = order.iter().map(|&axis| input.dims[axis]).collect();
    let mut strides = vec![1; input.dims.len()];
    for axis in (1..input.dims.len()).rev() {
        strides[axis - 1] = strides[axis] * input.dims[axis];
    }
    let strides: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
    let count = input.count();
    let position = |index: usize| {
        let (mut rest, mut position) = (index, 0);
        for axis in (0..dims.len()).rev() {
            position += rest % dims[axis] * strides[axis];
            rest /= dims[axis];
        }
        position
    };
    let numbers = pick(&input.numbers, (0..count).map(position));
    Ok(Constant::new(dims, numbers))
}

/// The positions of chosen indices along each axis, row by row.
fn positions(dims: &[usize], kept: &[Vec<usize>]) -> Vec<usize> {
    let mut positions = vec![0];
    for (size, kept) in dims.iter().zip(kept) {
        positions = positions
            .iter()
            .flat_map(|position| kept.iter().map(move |index| position * size + index))
            .collect();
    }
    positions
}

fn pick(numbers: &Numbers, positions: impl Iterator<Item = usize>) -> Numbers {
    fn of<T: Copy>(values: &[T], positions: impl Iterator<Item = usize>) -> Vec<T> {
        positions.map(|position| values[position]).collect()
    }
    match numbers {
        Numbers::F32(values) => Numbers::F32(of(values, positions)),
        Numbers::I64(values) => Numbers::I64(of(values, positions)),
        Numbers::I32(values) => Numbers::I32(of(values, positions)),
        Numbers::I8(values) => Numbers::I8(of(values, positions)),
        Numbers::U8(values) => Numbers::U8(of(values, positions)),
    }
}
