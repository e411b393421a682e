//! ONNX's protobuf messages: the parts of `onnx.proto` that vision networks use, to read and
//! to write. Fields that are not listed here are skipped when a file is read.
//!
//! Names and numbers are those of the ONNX IR specification
//! (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>). Scalars that `proto2` marks as
//! present or absent are options here, so that a zero is written rather than left out.

use prost::bytes::Bytes;
use prost::{Message, Oneof};

/// A file: a graph, and the operator sets that it was written against.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    /// Version of the file format.
    #[prost(int64, optional, tag = "1")]
    pub ir_version: Option<i64>,
    /// The program that wrote the file.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Version of that program.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// The operator sets, one for each domain.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
    /// Free text by name.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringEntry>,
}

/// A domain of operators and its version.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSet {
    /// The domain; ONNX's own has no name.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// The version.
    #[prost(int64, optional, tag = "2")]
    pub version: Option<i64>,
}

/// A name and a text.
#[derive(Clone, PartialEq, Message)]
pub struct StringEntry {
    /// The name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The text.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A network: nodes in the order they run, joined by the names of their values.
#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    /// The operators.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// The network's name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants by name: weights.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    /// What the caller feeds; in old files the constants as well.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    /// What the caller gets.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

/// One operator.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// Names of the values that it reads; an empty name is an input left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values that it writes.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// The node's name, often empty.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator, as in `Conv`.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Its attributes.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    /// The domain that defines it; ONNX's own has no name.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// A named attribute of a node; `kind` says which field holds it.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A float.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// An integer.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// A string.
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub s: Option<Bytes>,
    /// A tensor.
    #[prost(message, optional, boxed, tag = "5")]
    pub t: Option<Box<Tensor>>,
    /// Floats.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Integers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// One of [`attribute_kind`].
    #[prost(int32, optional, tag = "20")]
    pub kind: Option<i32>,
}

/// The kinds of an [`Attribute`].
pub mod attribute_kind {
    /// [`super::Attribute::f`].
    pub const FLOAT: i32 = 1;
    /// [`super::Attribute::i`].
    pub const INT: i32 = 2;
    /// [`super::Attribute::s`].
    pub const STRING: i32 = 3;
    /// [`super::Attribute::t`].
    pub const TENSOR: i32 = 4;
    /// [`super::Attribute::floats`].
    pub const FLOATS: i32 = 6;
    /// [`super::Attribute::ints`].
    pub const INTS: i32 = 7;
}

/// A constant. Its numbers are in `raw_data`, in the field of their type, or in another file.
#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    /// The dimensions.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// One of [`data_type`].
    #[prost(int32, optional, tag = "2")]
    pub data_type: Option<i32>,
    /// Numbers of `FLOAT`.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Numbers of `INT32`, `INT16`, `INT8`, `UINT8`, `BOOL` and the bits of `FLOAT16`.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Numbers of `INT64`.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// The name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Numbers of any type, little-endian.
    #[prost(bytes = "bytes", optional, tag = "9")]
    pub raw_data: Option<Bytes>,
    /// Numbers of `DOUBLE`.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Where in another file the numbers are: `location`, `offset`, `length`.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringEntry>,
    /// 1 if the numbers are in another file.
    #[prost(int32, optional, tag = "14")]
    pub data_location: Option<i32>,
}

/// Types of a tensor's elements, as ONNX numbers them.
pub mod data_type {
    /// 32-bit float.
    pub const FLOAT: i32 = 1;
    /// Unsigned 8-bit integer.
    pub const UINT8: i32 = 2;
    /// Signed 8-bit integer.
    pub const INT8: i32 = 3;
    /// Signed 32-bit integer.
    pub const INT32: i32 = 6;
    /// Signed 64-bit integer.
    pub const INT64: i32 = 7;
    /// True or false, one byte.
    pub const BOOL: i32 = 9;
    /// 16-bit float.
    pub const FLOAT16: i32 = 10;
    /// 64-bit float.
    pub const DOUBLE: i32 = 11;

    /// ONNX's name for a type.
    pub fn name(number: i32) -> String {
        match number {
            FLOAT => "float32".into(),
            UINT8 => "uint8".into(),
            INT8 => "int8".into(),
            4 => "uint16".into(),
            5 => "int16".into(),
            INT32 => "int32".into(),
            INT64 => "int64".into(),
            8 => "string".into(),
            BOOL => "bool".into(),
            FLOAT16 => "float16".into(),
            DOUBLE => "float64".into(),
            12 => "uint32".into(),
            13 => "uint64".into(),
            16 => "bfloat16".into(),
            other => format!("type {other}"),
        }
    }
}

/// Name and type of an input or output.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The type.
    #[prost(message, optional, tag = "2")]
    pub value_type: Option<ValueType>,
}

/// The type of an input or output: only tensors are read.
#[derive(Clone, PartialEq, Message)]
pub struct ValueType {
    /// Element and shape.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

/// Element and shape of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// One of [`data_type`].
    #[prost(int32, optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// The dimensions, if they are stated.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShape>,
}

/// Dimensions.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShape {
    /// One for each axis.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// A dimension, if it is stated.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// Its size or its name.
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub value: Option<DimensionValue>,
}

/// A known dimension, or one that is only named.
#[derive(Clone, PartialEq, Oneof)]
pub enum DimensionValue {
    /// The size.
    #[prost(int64, tag = "1")]
    Size(i64),
    /// The name of a size that is not known.
    #[prost(string, tag = "2")]
    Name(String),
}
