//! What the file says about one tensor.

use std::sync::Arc;

use pocketvision_core::op::Normalize;
use pocketvision_core::{Element, Quantization, Shape};

use crate::error::{Problem, Result};
use crate::flatbuffer::{Table, Tables, Vector};
use crate::schema::{buffer, quantization, tensor, tensor_type};

/// One tensor of the file. Nothing is copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileTensor<'a> {
    pub(crate) index: usize,
    /// A value of [`tensor_type`].
    pub(crate) kind: i8,
    name: &'a [u8],
    dims: Vector<'a, i32>,
    quantization: Option<Table<'a>>,
    /// The bytes of a constant; empty for an activation.
    pub(crate) data: &'a [u8],
}

impl<'a> FileTensor<'a> {
    /// Reads one tensor.
    pub(crate) fn read(tensors: Tables<'a>, buffers: Tables<'a>, index: usize) -> Result<Self> {
        let missing = Problem::Index { what: "tensor", index: index as i64, count: tensors.len() };
        let table = tensors.get(index)?.ok_or(missing)?;
        let mut read = Self {
            index,
            kind: table.scalar(tensor::TYPE, tensor_type::FLOAT32)?,
            name: table.bytes(tensor::NAME)?,
            dims: table.vector(tensor::SHAPE)?,
            quantization: table.table(tensor::QUANTIZATION)?,
            data: &[],
        };
        read.data = buffer_data(&table, buffers).map_err(|problem| read.wrong(problem))?;
        Ok(read)
    }

    /// The tensor's name.
    pub(crate) fn name(&self) -> String {
        readable(self.name)
    }

    /// Bytes that [`Self::name`] may allocate.
    pub(crate) const fn name_bytes(&self) -> usize {
        3 * self.name.len()
    }

    pub(crate) const fn is_constant(&self) -> bool {
        !self.data.is_empty()
    }

    /// A problem of this tensor.
    pub(crate) fn wrong(&self, problem: Problem) -> Problem {
        let shown = &self.name[..self.name.len().min(LONGEST_NAME_SHOWN)];
        let name = readable(shown);
        Problem::Tensor { index: self.index, name, source: Box::new(problem) }
    }

    /// The dimensions as the file has them. Empty for a scalar and for a tensor whose shape
    /// the file leaves open.
    pub(crate) const fn stated_dims(&self) -> Vector<'a, i32> {
        self.dims
    }

    /// The dimensions of a tensor that must be static: an input or a constant.
    pub(crate) fn dims(&self) -> Result<Vec<usize>> {
        let positive = |dim: i32| usize::try_from(dim).ok().filter(|&dim| dim > 0);
        let dims = (self.dims.len() <= 4).then(|| self.dims.iter().map(positive).collect());
        dims.flatten().ok_or_else(|| {
            let shape = format_dims(self.dims.iter());
            self.wrong(Problem::Dynamic { shape })
        })
    }

    /// Element of an activation as the network computes with it: uint8 is rewritten to int8.
    pub(crate) fn element(&self) -> Result<Element> {
        match self.kind {
            tensor_type::FLOAT32 => Ok(Element::F32),
            tensor_type::INT8 => self.one_scale(-128).map(|(s, z)| Element::int8(s, z)),
            tensor_type::UINT8 => self.one_scale(0).map(|(s, z)| Element::int8(s, z - 128)),
            _ => Err(self.unsupported_kind("FLOAT32, INT8 or UINT8")),
        }
    }

    /// Element of an activation as the file has it.
    pub(crate) fn edge_element(&self) -> Result<Element> {
        match self.kind {
            tensor_type::UINT8 => self.one_scale(0).map(|(s, z)| Element::uint8(s, z)),
            _ => self.element(),
        }
    }

    /// True for uint8 that are the numbers they stand for: no scale is stated, or one of 1.
    pub(crate) fn is_bytes(&self) -> Result<bool> {
        if self.kind != tensor_type::UINT8 {
            return Ok(false);
        }
        let (scales, _, _) = self.scales()?;
        Ok(scales.is_empty() || self.edge_element()? == Normalize::PIXELS)
    }

    /// Quantization of an 8-bit constant, rewritten to int8, which may have one scale for
    /// each of `channels` along `dimension`.
    pub(crate) fn weight_quantization(
        &self,
        dimension: usize,
        channels: usize,
    ) -> Result<Quantization> {
        let lowest = if self.kind == tensor_type::UINT8 { 0 } else { -128 };
        let (scales, zero_points, along) = self.scales()?;
        if scales.len() <= 1 {
            let (scale, zero_point) = self.one_scale(lowest)?;
            return Ok(Quantization::PerTensor { scale, zero_point: zero_point - lowest - 128 });
        }
        let wrong = |text: String| self.wrong(Problem::Quantization(text));
        if scales.len() != channels || along != dimension as i32 {
            return Err(wrong(format!(
                "{} scales along dimension {along}, expected {channels} along {dimension}",
                scales.len()
            )));
        }
        let zero = i64::from(lowest) + 128;
        if ![0, channels].contains(&zero_points.len()) || zero_points.iter().any(|z| z != zero) {
            return Err(wrong(format!("zero points of scales per channel must all be {zero}")));
        }
        Ok(Quantization::PerChannel { scales: scales.iter().collect::<Arc<[f32]>>() })
    }

    /// Scales of a bias, if it has any; the zero point must be 0.
    pub(crate) fn bias_quantization(&self, channels: usize) -> Result<Option<Quantization>> {
        let (scales, zero_points, _) = self.scales()?;
        if zero_points.len() > channels || zero_points.iter().any(|zero| zero != 0) {
            return Err(self.wrong(Problem::Quantization("a bias needs zero point 0".into())));
        }
        match scales.len() {
            0 => Ok(None),
            1 => Ok(scales.get(0).map(|scale| Quantization::PerTensor { scale, zero_point: 0 })),
            count if count == channels => {
                Ok(Some(Quantization::PerChannel { scales: scales.iter().collect() }))
            }
            count => Err(self.wrong(Problem::Quantization(format!(
                "{count} scales for a bias of {channels} channels"
            )))),
        }
    }

    /// Scale and zero point of a tensor with one of each.
    fn one_scale(&self, lowest: i32) -> Result<(f32, i32)> {
        let wrong = |text: String| self.wrong(Problem::Quantization(text));
        let (scales, zero_points, _) = self.scales()?;
        let (1, Some(scale)) = (scales.len(), scales.get(0)) else {
            return Err(wrong(format!("{} scales, expected one", scales.len())));
        };
        if !scale.is_finite() || scale <= 0.0 {
            return Err(wrong(format!("scale {scale} is not finite and above 0")));
        }
        let zero_point = zero_points.get(0).unwrap_or(0);
        let range = i64::from(lowest)..=i64::from(lowest + 255);
        if zero_points.len() > 1 || !range.contains(&zero_point) {
            let (low, high) = (range.start(), range.end());
            return Err(wrong(format!("zero point {zero_point} is not from {low} to {high}")));
        }
        Ok((scale, zero_point as i32))
    }

    /// Scales, zero points, and the dimension that several of them are for.
    fn scales(&self) -> Result<(Vector<'a, f32>, Vector<'a, i64>, i32)> {
        let Some(table) = self.quantization else {
            return Ok((Vector::from_bytes(&[]), Vector::from_bytes(&[]), 0));
        };
        if table.scalar(quantization::DETAILS_TYPE, 0u8)? != 0 {
            let text = "a custom quantization, which is not supported".into();
            return Err(self.wrong(Problem::Quantization(text)));
        }
        Ok((
            table.vector(quantization::SCALE)?,
            table.vector(quantization::ZERO_POINT)?,
            table.scalar(quantization::QUANTIZED_DIMENSION, 0)?,
        ))
    }

    pub(crate) fn unsupported_kind(&self, expected: &'static str) -> Problem {
        self.wrong(Problem::Element { actual: tensor_type::name(self.kind), expected })
    }
}

/// Text of the file for people, on one line: what is no UTF-8 or a control character is
/// replaced.
pub(crate) fn readable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace(char::is_control, "\u{fffd}")
}

/// The four dimensions of a tensor of up to four: the missing ones are 1 and come first.
pub(crate) fn shape_of(dims: &[usize]) -> Shape {
    let mut padded = [1; 4];
    padded[4 - dims.len()..].copy_from_slice(dims);
    Shape::from(padded)
}

/// `[1, 224, 224, 3]`, shortened where a hostile file has a million dimensions.
pub(crate) fn format_dims(dims: impl ExactSizeIterator<Item = impl ToString>) -> String {
    let more = if dims.len() > 8 { ", ..." } else { "" };
    let shown: Vec<String> = dims.take(8).map(|dim| dim.to_string()).collect();
    format!("[{}{more}]", shown.join(", "))
}

fn buffer_data<'a>(table: &Table<'a>, buffers: Tables<'a>) -> Result<&'a [u8]> {
    if table.has(tensor::SPARSITY)? {
        return Err(Problem::attribute("sparsity", "set", "a dense tensor"));
    }
    let index = table.scalar(tensor::BUFFER, 0u32)? as usize;
    if index == 0 {
        return Ok(&[]);
    }
    let missing = Problem::Index { what: "buffer", index: index as i64, count: buffers.len() };
    let found = buffers.get(index)?.ok_or(missing)?;
    data_of(&found)
}

/// The bytes of a buffer: in the FlatBuffer, or after it if their place there is given.
pub(crate) fn data_of<'a>(table: &Table<'a>) -> Result<&'a [u8]> {
    // Writers put 1 where they have not yet filled in the place.
    Ok(match table.scalar(buffer::OFFSET, 0u64)? {
        0 | 1 => table.bytes(buffer::DATA)?,
        place => table.data_after(place, table.scalar(buffer::SIZE, 0u64)?)?,
    })
}

const LONGEST_NAME_SHOWN: usize = 120;
