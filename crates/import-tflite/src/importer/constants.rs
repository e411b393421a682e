//! Constants: from the bytes of a file to parameters of the graph.

use pocketvision_core::{Element, Quantization, Shape, Tensor, TensorData};

use super::{Constants, Importer};
use crate::error::{Problem, Result};
use crate::flatbuffer::{Scalar, Vector};
use crate::schema::tensor_type;
use crate::tensor::FileTensor;

/// What a constant is for, which decides what its scales mean.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// An operand or a bias: one scale.
    Operand,
    /// A convolution's weights: one scale, or one for each output channel along a dimension.
    ///
    /// TFLite's int8 convolutions repeat a single scale for every channel, which rounds the
    /// product of the scales otherwise than one scale would
    /// ([`pocketvision_core::quant::output_multipliers`]); uint8 convolutions and linear
    /// layers do not. So an int8 convolution always has a scale a channel here too.
    Convolution {
        /// The dimension of the output channels.
        dimension: usize,
        /// How many there are.
        channels: usize,
    },
    /// The real numbers that it stands for, whatever it is stored as.
    Real,
    /// A linear layer's weights: one scale, or one for each output channel.
    Linear {
        /// How many output channels there are.
        channels: usize,
    },
}

impl<'a> Importer<'a> {
    pub(crate) fn is_constant(&self, tensor: &FileTensor<'a>) -> bool {
        tensor.is_constant() || self.dequantized.contains_key(&tensor.index)
    }

    /// Notes that a tensor is another, constant one in f32.
    pub(crate) fn dequantize_constant(
        &mut self,
        source: &FileTensor<'a>,
        tensor: &FileTensor<'a>,
    ) -> Result<()> {
        if self.values[tensor.index].is_some() || self.is_constant(tensor) {
            return Err(tensor.wrong(Problem::Redefined));
        }
        self.dequantized.insert(tensor.index, source.index);
        Ok(())
    }

    /// The tensor that holds the bytes of a constant: itself, or what it was dequantized from.
    pub(crate) fn constant_source(&self, tensor: &FileTensor<'a>) -> Result<FileTensor<'a>> {
        match self.dequantized.get(&tensor.index) {
            Some(&source) => FileTensor::read(self.tensors, self.buffers, source),
            None => Ok(*tensor),
        }
    }

    /// A constant tensor as a parameter of some shape, made once.
    pub(crate) fn constant(
        &mut self,
        tensor: &FileTensor<'a>,
        shape: Shape,
        role: Role,
    ) -> Result<Constants> {
        if let Some(constants) = self.params.get(&(tensor.index, shape)) {
            return Ok(constants.clone());
        }
        let (dimension, count) = match role {
            Role::Operand | Role::Real => (0, 1),
            Role::Convolution { dimension, channels } => (dimension, channels),
            Role::Linear { channels } => (0, channels),
        };
        let source = self.constant_source(tensor)?;
        let is_real = source.index != tensor.index || matches!(role, Role::Real);
        let quantization = || -> Result<Quantization> {
            let quantization = source.weight_quantization(dimension, count)?;
            let is_int8_convolution =
                source.kind == tensor_type::INT8 && matches!(role, Role::Convolution { .. });
            Ok(match quantization {
                Quantization::PerTensor { scale, zero_point: 0 } if is_int8_convolution => {
                    Quantization::PerChannel { scales: vec![scale; count].into() }
                }
                stated => stated,
            })
        };
        if is_real || source.kind == tensor_type::FLOAT32 {
            let data = TensorData::F32(self.reals(tensor, shape)?);
            return self.add_constant(tensor, shape, Element::F32, data);
        }
        let (element, data) = match source.kind {
            tensor_type::INT8 => {
                let data = self.numbers::<i8>(&source, shape)?.collect();
                self.budget.charge(count * size_of::<f32>())?;
                (Element::Int8(quantization()?), TensorData::I8(data))
            }
            tensor_type::UINT8 => {
                let data = self.numbers::<u8>(&source, shape)?.map(to_int8).collect();
                self.budget.charge(count * size_of::<f32>())?;
                (Element::Int8(quantization()?), TensorData::I8(data))
            }
            _ => return Err(source.unsupported_kind("FLOAT32, INT8 or UINT8")),
        };
        self.add_constant(tensor, shape, element, data)
    }

    /// The real numbers that a constant stands for, whatever it is stored as.
    pub(crate) fn reals(&mut self, tensor: &FileTensor<'a>, shape: Shape) -> Result<Vec<f32>> {
        let source = self.constant_source(tensor)?;
        if source.kind == tensor_type::FLOAT32 {
            return Ok(self.numbers::<f32>(&source, shape)?.collect());
        }
        if source.kind == tensor_type::FLOAT16 {
            let halves = self.numbers::<u16>(&source, shape)?;
            return Ok(halves.map(|bits| half::f16::from_bits(bits).to_f32()).collect());
        }
        if !matches!(source.kind, tensor_type::INT8 | tensor_type::UINT8) {
            return Err(source.unsupported_kind("FLOAT32, FLOAT16, INT8 or UINT8"));
        }
        let element = source.element()?;
        let (scale, zero_point) = element.per_tensor().expect("such a tensor has one scale");
        let real = |x: i8| scale * (i32::from(x) - zero_point) as f32;
        Ok(if source.kind == tensor_type::INT8 {
            self.numbers::<i8>(&source, shape)?.map(real).collect()
        } else {
            self.numbers::<u8>(&source, shape)?.map(to_int8).map(real).collect()
        })
    }

    /// A bias as a parameter: f32, or int32 at the given scale if the file states none.
    pub(crate) fn bias(
        &mut self,
        tensor: &FileTensor<'a>,
        channels: usize,
        scale: impl FnOnce() -> Quantization,
    ) -> Result<Constants> {
        let shape = Shape::vector(channels);
        let source = self.constant_source(tensor)?;
        if source.kind != tensor_type::INT32 || source.index != tensor.index {
            return self.constant(tensor, shape, Role::Operand);
        }
        if let Some(constants) = self.params.get(&(tensor.index, shape)) {
            return Ok(constants.clone());
        }
        let data = self.numbers::<i32>(tensor, shape)?.collect();
        self.budget.charge(channels * size_of::<f32>())?;
        let quantization = tensor.bias_quantization(channels)?.unwrap_or_else(scale);
        self.add_constant(tensor, shape, Element::Int32(quantization), TensorData::I32(data))
    }

    /// The numbers of a small constant operand: axes, a shape, paddings.
    pub(crate) fn integers(&self, tensor: &FileTensor<'a>) -> Result<Vec<i64>> {
        if !tensor.is_constant() {
            return Err(tensor.wrong(Problem::NotConstant));
        }
        let count = tensor.dims()?.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim));
        let expected = match tensor.kind {
            tensor_type::INT32 => 4,
            tensor_type::INT64 => 8,
            _ => return Err(tensor.unsupported_kind("INT32 or INT64")),
        };
        let expected = count.unwrap_or(usize::MAX).saturating_mul(expected);
        let actual = tensor.data.len();
        if actual != expected {
            return Err(tensor.wrong(Problem::DataSize { actual, expected }));
        }
        let limit = LONGEST_ATTRIBUTE;
        match count {
            Some(count) if count > limit => {
                Err(tensor.wrong(Problem::TooMany { what: "numbers", count, limit }))
            }
            _ if tensor.kind == tensor_type::INT64 => {
                Ok(Vector::<i64>::from_bytes(tensor.data).iter().collect())
            }
            _ => Ok(Vector::<i32>::from_bytes(tensor.data).iter().map(i64::from).collect()),
        }
    }

    /// The numbers of a constant that must fill a shape, charged at the four bytes that the
    /// largest of our elements take.
    fn numbers<T: Scalar>(
        &mut self,
        tensor: &FileTensor<'a>,
        shape: Shape,
    ) -> Result<impl ExactSizeIterator<Item = T> + use<'a, T>> {
        if !tensor.is_constant() {
            return Err(tensor.wrong(Problem::NotConstant));
        }
        let elements = shape.checked_elements().unwrap_or(usize::MAX);
        let (actual, expected) = (tensor.data.len(), elements.saturating_mul(T::SIZE));
        if actual != expected {
            return Err(tensor.wrong(Problem::DataSize { actual, expected }));
        }
        self.budget.charge(elements.saturating_mul(4))?;
        Ok(Vector::from_bytes(tensor.data).iter())
    }

    fn add_constant(
        &mut self,
        tensor: &FileTensor<'a>,
        shape: Shape,
        element: Element,
        data: TensorData,
    ) -> Result<Constants> {
        let invalid = |source| tensor.wrong(Problem::Constant(source));
        let numbers = Tensor::new(shape, element.clone(), data).map_err(invalid)?;
        self.budget.charge(2 * tensor.name_bytes())?;
        let param = self.builder.param(tensor.name(), numbers);
        let constants = Constants { param, element };
        self.params.insert((tensor.index, shape), constants.clone());
        Ok(constants)
    }
}

/// The int8 that stands for the same real number when the zero point, too, loses 128.
const fn to_int8(value: u8) -> i8 {
    (value ^ 0x80) as i8
}

/// Most numbers of an axis list, a shape or paddings.
const LONGEST_ATTRIBUTE: usize = 16;
