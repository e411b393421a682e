//! Tensors: a type and the numbers.

use std::fmt;

use half::f16;

use crate::{Element, Shape, TensorError};

/// Shape and element type of a tensor.
///
/// ```
/// use pocketvision_core::{Element, Shape, TensorType};
///
/// let ty = TensorType::new(Shape::new(1, 224, 224, 3), Element::F32);
/// assert_eq!(ty.to_string(), "1x224x224x3 f32");
/// assert_eq!(ty.bytes(), 4 * 150_528);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct TensorType {
    /// The four dimensions.
    pub shape: Shape,
    /// What one element is.
    pub element: Element,
}

impl TensorType {
    /// A type from its two parts.
    pub const fn new(shape: Shape, element: Element) -> Self {
        Self { shape, element }
    }

    /// Bytes that a tensor of this type occupies, without padding.
    pub const fn bytes(&self) -> usize {
        self.shape.elements() * self.element.bytes()
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.shape, self.element)
    }
}

/// The numbers of a tensor, in NHWC order, in their own type.
///
/// ```
/// use pocketvision_core::{Element, TensorData};
///
/// let zeros = TensorData::zeros(&Element::F32, 3);
/// assert_eq!(zeros, TensorData::F32(vec![0.0; 3]));
/// assert_eq!((zeros.len(), zeros.bytes().len()), (3, 12));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub enum TensorData {
    /// Elements of [`Element::F32`].
    F32(Vec<f32>),
    /// Elements of [`Element::F16`].
    F16(Vec<f16>),
    /// Elements of [`Element::Int8`].
    I8(Vec<i8>),
    /// Elements of [`Element::UInt8`].
    U8(Vec<u8>),
    /// Elements of [`Element::Int32`].
    I32(Vec<i32>),
}

impl TensorData {
    /// Zeros (the number 0, not the zero point) of an element type.
    pub fn zeros(element: &Element, length: usize) -> Self {
        match element {
            Element::F32 => Self::F32(vec![0.0; length]),
            Element::F16 => Self::F16(vec![f16::ZERO; length]),
            Element::Int8(_) => Self::I8(vec![0; length]),
            Element::UInt8(_) => Self::U8(vec![0; length]),
            Element::Int32(_) => Self::I32(vec![0; length]),
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F16(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::I32(v) => v.len(),
        }
    }

    /// True if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements as bytes, little-endian on every machine we run on.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::F32(v) => bytemuck::cast_slice(v),
            Self::F16(v) => bytemuck::cast_slice(v),
            Self::I8(v) => bytemuck::cast_slice(v),
            Self::U8(v) => v,
            Self::I32(v) => bytemuck::cast_slice(v),
        }
    }

    /// The elements as bytes, to be overwritten.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::F32(v) => bytemuck::cast_slice_mut(v),
            Self::F16(v) => bytemuck::cast_slice_mut(v),
            Self::I8(v) => bytemuck::cast_slice_mut(v),
            Self::U8(v) => v,
            Self::I32(v) => bytemuck::cast_slice_mut(v),
        }
    }

    const fn matches(&self, element: &Element) -> bool {
        matches!(
            (self, element),
            (Self::F32(_), Element::F32)
                | (Self::F16(_), Element::F16)
                | (Self::I8(_), Element::Int8(_))
                | (Self::U8(_), Element::UInt8(_))
                | (Self::I32(_), Element::Int32(_))
        )
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::F16(_) => "f16",
            Self::I8(_) => "int8",
            Self::U8(_) => "uint8",
            Self::I32(_) => "int32",
        }
    }
}

/// A tensor: its type and its numbers, always consistent with each other.
///
/// ```
/// use pocketvision_core::{Element, Shape, Tensor, TensorData};
///
/// let integers = TensorData::I8(vec![-10, 0, 10, 20]);
/// let tensor = Tensor::new(Shape::vector(4), Element::int8(0.5, -10), integers)?;
/// assert_eq!(tensor.to_f32(), [0.0, 5.0, 10.0, 15.0]);
/// assert_eq!(tensor.as_i8(), Some(&[-10, 0, 10, 20][..]));
/// assert_eq!(tensor.as_f32(), None);
/// # Ok::<(), pocketvision_core::TensorError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor {
    ty: TensorType,
    data: TensorData,
}

impl Tensor {
    /// A tensor of a shape and element, from its numbers in NHWC order.
    ///
    /// ```
    /// use pocketvision_core::{Element, Shape, Tensor, TensorData};
    ///
    /// let pixels = TensorData::U8(vec![0, 128, 255]);
    /// let pixel = Tensor::new(Shape::new(1, 1, 1, 3), Element::uint8(1.0 / 255.0, 0), pixels)?;
    /// assert!((pixel.to_f32()[2] - 1.0).abs() < 1e-6);
    /// let short = Tensor::new(Shape::vector(4), Element::F32, TensorData::F32(vec![1.0]));
    /// assert_eq!(short.unwrap_err().to_string(), "a tensor of 1x1x1x4 needs 4 elements, got 1");
    /// # Ok::<(), pocketvision_core::TensorError>(())
    /// ```
    ///
    /// # Errors
    /// If the count or kind of the numbers, the shape or the quantization is wrong.
    pub fn new(shape: Shape, element: Element, data: TensorData) -> Result<Self, TensorError> {
        let expected = shape.checked_elements().ok_or(TensorError::Size { shape })?;
        if data.len() != expected {
            return Err(TensorError::Length { shape, expected, actual: data.len() });
        }
        if !data.matches(&element) {
            return Err(TensorError::Kind { element: element.name(), actual: data.name() });
        }
        if element.quantization().is_some_and(|q| !q.is_valid()) {
            return Err(TensorError::Quantization { element: element.to_string() });
        }
        Ok(Self { ty: TensorType { shape, element }, data })
    }

    /// A float tensor.
    ///
    /// ```
    /// use pocketvision_core::{Shape, Tensor};
    ///
    /// let tensor = Tensor::from_f32(Shape::new(1, 1, 2, 2), vec![1.0, 2.0, 3.0, 4.0])?;
    /// assert_eq!(tensor.shape().pixels(), 2);
    /// # Ok::<(), pocketvision_core::TensorError>(())
    /// ```
    ///
    /// # Errors
    /// If there are not as many numbers as the shape has elements.
    pub fn from_f32(shape: Shape, values: Vec<f32>) -> Result<Self, TensorError> {
        Self::new(shape, Element::F32, TensorData::F32(values))
    }

    /// A tensor of the number 0, made to be overwritten.
    ///
    /// ```
    /// use pocketvision_core::{Element, Shape, Tensor, TensorType};
    ///
    /// let input = TensorType::new(Shape::new(1, 224, 224, 3), Element::uint8(1.0, 0));
    /// let black = Tensor::zeros(&input);
    /// assert!(black.bytes().iter().all(|&byte| byte == 0));
    /// ```
    pub fn zeros(ty: &TensorType) -> Self {
        Self { data: TensorData::zeros(&ty.element, ty.shape.elements()), ty: ty.clone() }
    }

    /// Shape and element.
    pub const fn ty(&self) -> &TensorType {
        &self.ty
    }

    /// The four dimensions.
    pub const fn shape(&self) -> Shape {
        self.ty.shape
    }

    /// What one element is.
    pub const fn element(&self) -> &Element {
        &self.ty.element
    }

    /// The numbers.
    pub const fn data(&self) -> &TensorData {
        &self.data
    }

    /// The numbers, to be overwritten in place; their count and kind cannot change.
    ///
    /// ```
    /// use pocketvision_core::{Shape, Tensor, TensorSliceMut};
    ///
    /// let mut tensor = Tensor::from_f32(Shape::vector(3), vec![1.0, 2.0, 3.0])?;
    /// if let TensorSliceMut::F32(values) = tensor.slice_mut() {
    ///     values.reverse();
    /// }
    /// assert_eq!(tensor.to_f32(), [3.0, 2.0, 1.0]);
    /// # Ok::<(), pocketvision_core::TensorError>(())
    /// ```
    pub const fn slice_mut(&mut self) -> TensorSliceMut<'_> {
        match &mut self.data {
            TensorData::F32(v) => TensorSliceMut::F32(v.as_mut_slice()),
            TensorData::F16(v) => TensorSliceMut::F16(v.as_mut_slice()),
            TensorData::I8(v) => TensorSliceMut::I8(v.as_mut_slice()),
            TensorData::U8(v) => TensorSliceMut::U8(v.as_mut_slice()),
            TensorData::I32(v) => TensorSliceMut::I32(v.as_mut_slice()),
        }
    }

    /// The tensor taken apart.
    ///
    /// ```
    /// use pocketvision_core::{Shape, Tensor, TensorData};
    ///
    /// let tensor = Tensor::from_f32(Shape::vector(2), vec![1.0, 2.0])?;
    /// let TensorData::F32(values) = tensor.into_data() else { unreachable!("made of f32") };
    /// assert_eq!(values, [1.0, 2.0]);
    /// # Ok::<(), pocketvision_core::TensorError>(())
    /// ```
    pub fn into_data(self) -> TensorData {
        self.data
    }

    /// The numbers as bytes, in NHWC order.
    pub fn bytes(&self) -> &[u8] {
        self.data.bytes()
    }

    /// The bytes, to be overwritten.
    ///
    /// ```
    /// use pocketvision_core::{Element, Shape, Tensor, TensorType};
    ///
    /// let ty = TensorType::new(Shape::vector(2), Element::uint8(1.0, 0));
    /// let mut tensor = Tensor::zeros(&ty);
    /// tensor.bytes_mut().copy_from_slice(&[7, 9]);
    /// assert_eq!(tensor.as_u8(), Some(&[7, 9][..]));
    /// ```
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.data.bytes_mut()
    }

    /// The numbers if they are f32.
    pub fn as_f32(&self) -> Option<&[f32]> {
        if let TensorData::F32(v) = &self.data { Some(v) } else { None }
    }

    /// The numbers if they are int8.
    pub fn as_i8(&self) -> Option<&[i8]> {
        if let TensorData::I8(v) = &self.data { Some(v) } else { None }
    }

    /// The numbers if they are uint8.
    pub fn as_u8(&self) -> Option<&[u8]> {
        if let TensorData::U8(v) = &self.data { Some(v) } else { None }
    }

    /// The numbers if they are int32.
    pub fn as_i32(&self) -> Option<&[i32]> {
        if let TensorData::I32(v) = &self.data { Some(v) } else { None }
    }

    /// The real numbers that the tensor stands for, quantization undone.
    /// Allocates; meant for scores and comparisons, not for inner loops.
    pub fn to_f32(&self) -> Vec<f32> {
        let channels = self.ty.shape.c;
        let real = |index: usize, value: i32| {
            let q = self.ty.element.quantization().expect("integers are always quantized");
            q.scale(index % channels) * (value - q.zero_point()) as f32
        };
        match &self.data {
            TensorData::F32(v) => v.clone(),
            TensorData::F16(v) => v.iter().map(|x| x.to_f32()).collect(),
            TensorData::I8(v) => v.iter().enumerate().map(|(i, &x)| real(i, x.into())).collect(),
            TensorData::U8(v) => v.iter().enumerate().map(|(i, &x)| real(i, x.into())).collect(),
            TensorData::I32(v) => v.iter().enumerate().map(|(i, &x)| real(i, x)).collect(),
        }
    }

    /// The same numbers under another shape and quantization.
    ///
    /// ```
    /// use pocketvision_core::{Shape, Tensor};
    ///
    /// let map = Tensor::from_f32(Shape::new(1, 2, 2, 3), vec![0.5; 12])?;
    /// let element = map.element().clone();
    /// let flat = map.relabel(Shape::vector(12), element)?;
    /// assert_eq!(flat.shape(), Shape::vector(12));
    /// # Ok::<(), pocketvision_core::TensorError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::new`].
    pub fn relabel(self, shape: Shape, element: Element) -> Result<Self, TensorError> {
        Self::new(shape, element, self.data)
    }
}

/// A tensor's numbers, borrowed to be overwritten.
#[derive(Debug)]
pub enum TensorSliceMut<'a> {
    /// Elements of [`Element::F32`].
    F32(&'a mut [f32]),
    /// Elements of [`Element::F16`].
    F16(&'a mut [f16]),
    /// Elements of [`Element::Int8`].
    I8(&'a mut [i8]),
    /// Elements of [`Element::UInt8`].
    U8(&'a mut [u8]),
    /// Elements of [`Element::Int32`].
    I32(&'a mut [i32]),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_is_consistent_or_refused() {
        let shape = Shape::new(1, 1, 2, 2);
        assert!(Tensor::from_f32(shape, vec![0.0; 4]).is_ok());
        assert!(matches!(
            Tensor::from_f32(shape, vec![0.0; 3]),
            Err(TensorError::Length { expected: 4, actual: 3, .. })
        ));
        assert!(matches!(
            Tensor::new(shape, Element::int8(1.0, 0), TensorData::U8(vec![0; 4])),
            Err(TensorError::Kind { .. })
        ));
        assert!(matches!(
            Tensor::new(shape, Element::int8(f32::NAN, 0), TensorData::I8(vec![0; 4])),
            Err(TensorError::Quantization { .. })
        ));
    }

    #[test]
    fn dequantizing_undoes_scale_and_zero_point() {
        let element = Element::int8(0.5, -2);
        let tensor =
            Tensor::new(Shape::vector(3), element, TensorData::I8(vec![-2, 0, 4])).unwrap();
        assert_eq!(tensor.to_f32(), [0.0, 1.0, 3.0]);
    }
}
