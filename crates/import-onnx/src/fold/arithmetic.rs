//! Arithmetic on constants.

use crate::constant::{Constant, Numbers, checked_count};
use crate::error::{Problem, Result};
use crate::importer::Importer;
use crate::operator::broadcast;

pub(super) fn unary(name: &str, input: &Constant) -> Result<Constant> {
    let numbers = match (&input.numbers, name) {
        (Numbers::F32(values), _) => {
            let function: fn(f32) -> f32 = match name {
                "Ceil" => f32::ceil,
                "Floor" => f32::floor,
                "Sqrt" => f32::sqrt,
                _ => |value| -value,
            };
            Numbers::F32(values.iter().map(|&value| function(value)).collect())
        }
        (_, "Neg") => {
            let values = integers(input)?;
            let negated: Option<Vec<i64>> =
                values.iter().map(|value| value.checked_neg()).collect();
            Numbers::I64(negated.ok_or(Problem::Arithmetic)?)
        }
        _ => return Err(not_a_number(input)),
    };
    Ok(Constant::new(input.dims.clone(), numbers))
}

pub(super) fn binary(
    importer: &mut Importer<'_>,
    name: &str,
    a: &Constant,
    b: &Constant,
) -> Result<Constant> {
    let dims = broadcast(&a.dims, &b.dims)?;
    let count = checked_count(&dims)
        .ok_or_else(|| Problem::shape("the result", &dims, "fewer elements"))?;
    importer.budget.charge(8 * count)?;
    let (a_index, b_index) = (index(&a.dims, &dims), index(&b.dims, &dims));
    let numbers = match (&a.numbers, &b.numbers) {
        (Numbers::F32(x), Numbers::F32(y)) => {
            let function: fn(f32, f32) -> f32 = match name {
                "Add" => |x, y| x + y,
                "Sub" => |x, y| x - y,
                "Mul" => |x, y| x * y,
                "Div" => |x, y| x / y,
                "Max" => f32::max,
                _ => f32::min,
            };
            Numbers::F32((0..count).map(|i| function(x[a_index(i)], y[b_index(i)])).collect())
        }
        _ => {
            let (x, y) = (integers(a)?, integers(b)?);
            let function: fn(i64, i64) -> Option<i64> = match name {
                "Add" => i64::checked_add,
                "Sub" => i64::checked_sub,
                "Mul" => i64::checked_mul,
                "Div" => i64::checked_div,
                "Max" => |x, y| Some(x.max(y)),
                _ => |x, y| Some(x.min(y)),
            };
            let values: Option<Vec<i64>> =
                (0..count).map(|i| function(x[a_index(i)], y[b_index(i)])).collect();
            Numbers::I64(values.ok_or(Problem::Arithmetic)?)
        }
    };
    Ok(Constant::new(dims, numbers))
}

pub(super) fn clip(
    input: &Constant,
    low: Option<&Constant>,
    high: Option<&Constant>,
) -> Result<Constant> {
    let numbers = if let Numbers::F32(values) = &input.numbers {
        let bound = |bound: Option<&Constant>, default: f32| match bound {
            None => Ok(default),
            Some(bound) => bound.scalar().ok_or_else(|| not_a_number(bound)),
        };
        let (low, high) = (bound(low, f32::NEG_INFINITY)?, bound(high, f32::INFINITY)?);
        Numbers::F32(values.iter().map(|value| value.max(low).min(high)).collect())
    } else {
        let bound = |bound: Option<&Constant>, default: i64| match bound {
            None => Ok(default),
            Some(bound) => integers(bound)?.first().copied().ok_or_else(|| not_a_number(bound)),
        };
        let (low, high) = (bound(low, i64::MIN)?, bound(high, i64::MAX)?);
        Numbers::I64(integers(input)?.iter().map(|&value| value.max(low).min(high)).collect())
    };
    Ok(Constant::new(input.dims.clone(), numbers))
}

fn integers(constant: &Constant) -> Result<Vec<i64>> {
    constant.to_integers().ok_or_else(|| not_a_number(constant))
}

fn not_a_number(constant: &Constant) -> Problem {
    let actual = constant.element().to_owned();
    Problem::Element { actual, expected: "both float32, or both integers" }
}

/// Where a number of the result comes from in an operand that is repeated to its dimensions.
fn index(operand: &[usize], result: &[usize]) -> impl Fn(usize) -> usize + use<> {
    let mut steps = Vec::with_capacity(result.len());
    let (mut stride, mut inner) = (1, 1);
    for axis in (0..result.len()).rev() {
        let size = (axis + operand.len()).checked_sub(result.len()).map_or(1, |i| operand[i]);
        steps.push((inner, result[axis], if size == 1 { 0 } else { stride }));
        stride *= size;
        inner *= result[axis];
    }
    move |position| {
        steps.iter().map(|&(inner, size, stride)| position / inner % size * stride).sum()
    }
}
