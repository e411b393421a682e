//! Constant tensors as the file has them, before they become parameters of a graph.

use std::ops::Range;

use half::f16;
use pocketvision_core::{Shape, first_not_finite};

use crate::budget::Budget;
use crate::error::{Problem, Result};
use crate::external_data::Folder;
use crate::message::{self, data_type};
use crate::skeleton::FileNumbers;

/// A constant: dimensions in ONNX's order, numbers row by row.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Constant {
    pub(crate) dims: Vec<usize>,
    pub(crate) numbers: Numbers,
    /// Set where a `DequantizeLinear` gave integers a real meaning.
    pub(crate) quantization: Option<Scales>,
}

/// The numbers of a constant. Float types are widened or narrowed to f32, booleans to int64.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Numbers {
    F32(Vec<f32>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
}

/// One scale and zero point, or one for each step along an axis.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Scales {
    pub(crate) scales: Vec<f32>,
    pub(crate) zero_points: Vec<i32>,
    /// The axis that several scales belong to.
    pub(crate) axis: usize,
}

impl Constant {
    /// A constant whose numbers fit its dimensions.
    pub(crate) fn new(dims: Vec<usize>, numbers: Numbers) -> Self {
        Self { dims, numbers, quantization: None }
    }

    /// Reads a tensor that holds its numbers, or that has them in another file.
    pub(crate) fn read(
        tensor: &message::Tensor,
        folder: Option<&Folder>,
        budget: &mut Budget,
    ) -> Result<Self> {
        Self::read_unnamed(tensor, None, folder, budget).map_err(|problem| problem.of(tensor))
    }

    /// Reads a tensor whose numbers are at a place in the model's file.
    pub(crate) fn read_at(
        tensor: &message::Tensor,
        place: Range<u64>,
        file: &mut FileNumbers<'_>,
        budget: &mut Budget,
    ) -> Result<Self> {
        let place = Some((place, file));
        Self::read_unnamed(tensor, place, None, budget).map_err(|problem| problem.of(tensor))
    }

    fn read_unnamed(
        tensor: &message::Tensor,
        place: Option<(Range<u64>, &mut FileNumbers<'_>)>,
        folder: Option<&Folder>,
        budget: &mut Budget,
    ) -> Result<Self> {
        let dims = dims(&tensor.dims)?;
        let count = checked_count(&dims).ok_or_else(|| too_large(&tensor.dims))?;
        let number = tensor.data_type.unwrap_or(0);
        let (file_width, width) = match number {
            data_type::FLOAT | data_type::INT32 => (4, 4),
            data_type::FLOAT16 => (2, 4),
            data_type::DOUBLE => (8, 4),
            data_type::INT64 => (8, 8),
            data_type::BOOL => (1, 8),
            data_type::INT8 | data_type::UINT8 => (1, 1),
            _ => {
                let expected = "float16, float32, float64, int8, uint8, int32, int64 or bool";
                return Err(Problem::Element { actual: data_type::name(number), expected });
            }
        };
        let file_bytes = count * file_width;
        let numbers = if let Some((place, file)) = place {
            let actual = (place.end - place.start) as usize;
            if actual != file_bytes {
                return Err(Problem::DataSize { what: "bytes", actual, expected: file_bytes });
            }
            budget.charge(count * width)?;
            from_file(number, count, file_bytes, |bytes| file.read(place.start, bytes))?
        } else if tensor.data_location == Some(EXTERNAL) {
            budget.grow(file_bytes);
            budget.charge(count * width)?;
            from_bytes(&Folder::read(folder, tensor, file_bytes)?, number, file_bytes)?
        } else {
            budget.charge(count * width)?;
            match &tensor.raw_data {
                Some(bytes) => from_bytes(bytes, number, file_bytes)?,
                None => from_fields(tensor, number, count)?,
            }
        };
        Ok(Self::new(dims, numbers))
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> usize {
        self.dims.iter().product()
    }

    /// The real numbers that the constant stands for, and nothing else keeps.
    pub(crate) fn into_finite_f32(self, budget: &mut Budget) -> Result<Vec<f32>> {
        match self.numbers {
            Numbers::F32(values) => finite(values),
            _ => self.to_finite_f32(budget),
        }
    }

    /// The real numbers that the constant stands for.
    pub(crate) fn to_f32(&self, budget: &mut Budget) -> Result<Vec<f32>> {
        budget.charge(4 * self.count())?;
        let integers = |values: &mut dyn Iterator<Item = i32>| match &self.quantization {
            None => values.map(|value| value as f32).collect(),
            Some(q) => {
                let index = self.scale_index(q);
                values
                    .enumerate()
                    .map(|(i, value)| {
                        let scale = index(i);
                        let zero_point = q.zero_points[scale.min(q.zero_points.len() - 1)];
                        (i64::from(value) - i64::from(zero_point)) as f32 * q.scales[scale]
                    })
                    .collect()
            }
        };
        Ok(match &self.numbers {
            Numbers::F32(values) => values.clone(),
            Numbers::I64(values) => values.iter().map(|&value| value as f32).collect(),
            Numbers::I32(values) => integers(&mut values.iter().copied()),
            Numbers::I8(values) => integers(&mut values.iter().map(|&v| v.into())),
            Numbers::U8(values) => integers(&mut values.iter().map(|&v| v.into())),
        })
    }

    /// The real numbers of weights or operands, all of them finite.
    pub(crate) fn to_finite_f32(&self, budget: &mut Budget) -> Result<Vec<f32>> {
        finite(self.to_f32(budget)?)
    }

    /// For each number, which of the scales is its own.
    pub(crate) fn scale_index(&self, scales: &Scales) -> impl Fn(usize) -> usize + use<> {
        let count = scales.scales.len();
        let inner: usize = self.dims.iter().skip(scales.axis + 1).product();
        move |index| if count == 1 { 0 } else { index / inner.max(1) % count }
    }

    /// The numbers as whole numbers, if they are: shapes, axes, indices.
    pub(crate) fn to_integers(&self) -> Option<Vec<i64>> {
        match &self.numbers {
            Numbers::I64(values) => Some(values.clone()),
            Numbers::I32(values) => Some(values.iter().map(|&v| v.into()).collect()),
            _ => None,
        }
    }

    /// The one number of a scalar, as real.
    pub(crate) fn scalar(&self) -> Option<f32> {
        match (&self.numbers, self.quantization.is_some()) {
            (Numbers::F32(values), _) if values.len() == 1 => Some(values[0]),
            (Numbers::I64(values), _) if values.len() == 1 => Some(values[0] as f32),
            (Numbers::I32(values), false) if values.len() == 1 => Some(values[0] as f32),
            _ => None,
        }
    }

    /// ONNX's name for the numbers' type.
    pub(crate) const fn element(&self) -> &'static str {
        match self.numbers {
            Numbers::F32(_) => "float32",
            Numbers::I64(_) => "int64",
            Numbers::I32(_) => "int32",
            Numbers::I8(_) => "int8",
            Numbers::U8(_) => "uint8",
        }
    }
}

fn finite(values: Vec<f32>) -> Result<Vec<f32>> {
    match first_not_finite(&values) {
        Some(index) => Err(Problem::NotFinite { value: values[index] }),
        None => Ok(values),
    }
}

/// Dimensions that are not negative.
pub(crate) fn dims(stated: &[i64]) -> Result<Vec<usize>> {
    stated.iter().map(|&dim| usize::try_from(dim).map_err(|_| too_large(stated))).collect()
}

/// The number of elements, if it is within [`Shape::MAX_ELEMENTS`]; zero is allowed.
pub(crate) fn checked_count(dims: &[usize]) -> Option<usize> {
    let count = dims.iter().try_fold(1_usize, |count, &dim| count.checked_mul(dim))?;
    (count <= Shape::MAX_ELEMENTS).then_some(count)
}

fn too_large(dims: &[i64]) -> Problem {
    Problem::Shape {
        what: "the tensor".into(),
        shape: format!("{dims:?}"),
        expected: format!("dimensions from 0, at most {} elements", Shape::MAX_ELEMENTS),
    }
}

/// Numbers that `read` brings from a file, without a copy where the file's type is ours.
fn from_file(
    number: i32,
    count: usize,
    file_bytes: usize,
    read: impl FnOnce(&mut [u8]) -> Result<()>,
) -> Result<Numbers> {
    if number == data_type::FLOAT && cfg!(target_endian = "little") {
        let mut values = vec![0.0; count];
        read(bytemuck::cast_slice_mut(&mut values))?;
        return Ok(Numbers::F32(values));
    }
    let mut bytes = vec![0; file_bytes];
    read(&mut bytes)?;
    from_bytes(&bytes, number, file_bytes)
}

fn from_bytes(bytes: &[u8], number: i32, expected: usize) -> Result<Numbers> {
    if bytes.len() != expected {
        return Err(Problem::DataSize { what: "bytes", actual: bytes.len(), expected });
    }
    Ok(match number {
        data_type::FLOAT => Numbers::F32(each(bytes, f32::from_le_bytes)),
        data_type::FLOAT16 => {
            Numbers::F32(each(bytes, |b| f16::from_bits(u16::from_le_bytes(b)).to_f32()))
        }
        data_type::DOUBLE => Numbers::F32(each(bytes, |b| f64::from_le_bytes(b) as f32)),
        data_type::INT64 => Numbers::I64(each(bytes, i64::from_le_bytes)),
        data_type::INT32 => Numbers::I32(each(bytes, i32::from_le_bytes)),
        data_type::BOOL => Numbers::I64(each(bytes, |[b]| i64::from(b != 0))),
        data_type::INT8 => Numbers::I8(each(bytes, i8::from_le_bytes)),
        _ => Numbers::U8(bytes.to_vec()),
    })
}

fn each<const N: usize, T>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|chunk| convert(*chunk)).collect()
}

fn from_fields(tensor: &message::Tensor, number: i32, expected: usize) -> Result<Numbers> {
    let actual = match number {
        data_type::FLOAT => tensor.float_data.len(),
        data_type::DOUBLE => tensor.double_data.len(),
        data_type::INT64 => tensor.int64_data.len(),
        _ => tensor.int32_data.len(),
    };
    if actual != expected {
        return Err(Problem::DataSize { what: "numbers", actual, expected });
    }
    let integers = tensor.int32_data.iter();
    Ok(match number {
        data_type::FLOAT => Numbers::F32(tensor.float_data.clone()),
        data_type::FLOAT16 => {
            Numbers::F32(integers.map(|&bits| f16::from_bits(bits as u16).to_f32()).collect())
        }
        data_type::DOUBLE => {
            Numbers::F32(tensor.double_data.iter().map(|&value| value as f32).collect())
        }
        data_type::INT64 => Numbers::I64(tensor.int64_data.clone()),
        data_type::INT32 => Numbers::I32(tensor.int32_data.clone()),
        data_type::BOOL => Numbers::I64(integers.map(|&value| i64::from(value != 0)).collect()),
        data_type::INT8 => Numbers::I8(integers.map(|&value| value as i8).collect()),
        _ => Numbers::U8(integers.map(|&value| value as u8).collect()),
    })
}

/// `data_location` of a tensor in another file.
const EXTERNAL: i32 = 1;
