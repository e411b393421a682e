//! A TFLite file as plain data, before it is bytes.

use std::borrow::Cow;

/// One network with its tensors.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub(super) name: &'a str,
    pub(super) tensors: Vec<FileTensor<'a>>,
    pub(super) operators: Vec<Operator>,
    pub(super) inputs: Vec<TensorIndex>,
    pub(super) outputs: Vec<TensorIndex>,
}

/// A tensor by its place in [`Model::tensors`].
pub(super) type TensorIndex = i32;

/// A tensor: an activation, or a constant if it has data.
#[derive(Debug)]
pub(super) struct FileTensor<'a> {
    pub(super) name: String,
    pub(super) dims: Vec<i32>,
    /// A value of [`tensor_type`](pocketvision_import_tflite::schema::tensor_type).
    pub(super) kind: i8,
    pub(super) scaling: Option<Scaling>,
    pub(super) data: Option<Cow<'a, [u8]>>,
}

/// Scales and zero points, one or as many as a dimension has entries.
#[derive(Debug)]
pub(super) struct Scaling {
    pub(super) scales: Vec<f32>,
    pub(super) zero_points: Vec<i64>,
    pub(super) dimension: i32,
}

/// One step.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) code: OperatorCode,
    pub(super) inputs: Vec<TensorIndex>,
    pub(super) outputs: Vec<TensorIndex>,
    pub(super) options: Option<Options>,
    /// Attributes of an operator that is not built in: a FlexBuffer.
    pub(super) custom_options: Option<Vec<u8>>,
}

/// What kind of step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OperatorCode {
    /// A value of [`builtin`](pocketvision_import_tflite::schema::builtin).
    pub(super) builtin: i32,
    /// Name of an operator that is not built in.
    pub(super) custom: Option<&'static str>,
    /// The least version of the operator that has what is used of it.
    pub(super) version: i32,
}

/// Attributes of an operator: a table of the union.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) union_type: u8,
    /// Fields by number.
    pub(super) fields: Vec<(usize, Field)>,
}

/// The value of an attribute.
#[derive(Debug)]
pub(super) enum Field {
    Byte(i8),
    Int(i32),
    Float(f32),
    Ints(Vec<i32>),
}

impl Options {
    pub(super) const fn new(union_type: u8) -> Self {
        Self { union_type, fields: vec![] }
    }

    /// The same with an enumeration or truth value.
    pub(super) fn byte(self, slot: usize, value: i8) -> Self {
        self.field(slot, Field::Byte(value))
    }

    /// The same with a number that counts something.
    pub(super) fn int(self, slot: usize, value: usize) -> Self {
        self.field(slot, Field::Int(int(value)))
    }

    /// The same with a real number.
    pub(super) fn float(self, slot: usize, value: f32) -> Self {
        self.field(slot, Field::Float(value))
    }

    /// The same with a list.
    pub(super) fn ints(self, slot: usize, values: Vec<i32>) -> Self {
        self.field(slot, Field::Ints(values))
    }

    fn field(mut self, slot: usize, field: Field) -> Self {
        self.fields.push((slot, field));
        self
    }
}

/// A dimension or attribute of a valid graph: the graph's own limits are far below.
pub(super) fn int(value: usize) -> i32 {
    i32::try_from(value).expect("a graph's dimensions and attributes fit 31 bits")
}
