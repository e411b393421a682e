//! What can be wrong with a file.

use std::io;

use pocketvision_core::{GraphError, TensorError};
use thiserror::Error;

/// A file could not be imported.
///
/// ```
/// use pocketvision_import_onnx::{ImportError, ImportOptions, Problem, open};
///
/// let error = open("missing.onnx", &ImportOptions::default()).unwrap_err();
/// assert!(matches!(error, ImportError { problem: Problem::Read(_), .. }));
/// ```
#[derive(Debug, Error)]
#[error("{file}: {problem}")]
pub struct ImportError {
    /// The file, or the name that the caller gave to its bytes.
    pub file: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a file, or with a part of one.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The file is beyond [`crate::MAX_FILE_BYTES`].
    #[error("{bytes} bytes; at most {} are read", crate::MAX_FILE_BYTES)]
    FileSize {
        /// Its size in bytes.
        bytes: u64,
    },
    /// Something else than an ONNX file.
    #[error("not an ONNX file (its bytes are not a protobuf message)")]
    NotOnnx,
    /// The file breaks off.
    #[error("the file breaks off; it is damaged or was not written to its end")]
    Truncated,
    /// A message with a field of the wrong type, or text that is not UTF-8.
    #[error("the file is damaged: {0}")]
    Damaged(#[from] prost::DecodeError),
    /// A part that every network has is absent.
    #[error("there is no {0}; the file is damaged or not an ONNX file")]
    Missing(&'static str),
    /// More of something than any network has.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },
    /// A version of the operators that we do not know.
    #[error(
        "operator set {version}; {} to {} are read: convert the file with \
         onnx.version_converter, or export it again",
        crate::OPSETS.start(), crate::OPSETS.end()
    )]
    Opset {
        /// The version that the file asks for.
        version: i64,
    },
    /// Constants whose copies would exhaust memory.
    #[error("the file's constants would fill more than {limit_bytes} bytes")]
    Expansion {
        /// The limit for this file.
        limit_bytes: usize,
    },
    /// Something is wrong with a node.
    #[error("node '{node}' ({operator}): {source}")]
    Node {
        /// Its name, or that of its first output.
        node: String,
        /// ONNX's name of the operator.
        operator: String,
        /// What is wrong with it.
        source: Box<Problem>,
    },
    /// An operator that we do not translate.
    #[error("cannot be imported: the operator is none that PocketVision knows")]
    UnknownOperator,
    /// Something is wrong with a tensor.
    #[error("tensor '{name}': {source}")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: Box<Problem>,
    },
    /// A value that no node before the reader writes: the graph dangles, is not sorted, or is
    /// a cycle.
    #[error("reads '{0}', which is no input, no constant, and written by no node before this one")]
    Undefined(String),
    /// A value that is written twice.
    #[error("writes '{0}', which is defined already")]
    Redefined(String),
    /// Too many or too few inputs or outputs.
    #[error("has {actual} {what}, expected {expected}")]
    Count {
        /// Inputs or outputs.
        what: &'static str,
        /// How many there are.
        actual: usize,
        /// How many there should be.
        expected: &'static str,
    },
    /// An attribute that is absent, out of range, or not supported.
    #[error("{attribute} is {value}; expected {expected}")]
    Attribute {
        /// ONNX's name for it.
        attribute: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// An element type that is not supported in this place.
    #[error("elements are {actual}; expected {expected}")]
    Element {
        /// ONNX's name for the type.
        actual: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A shape that the operator cannot take.
    #[error("{what} has the shape {shape}; expected {expected}")]
    Shape {
        /// Which value.
        what: String,
        /// Its shape, in ONNX's order.
        shape: String,
        /// What would be right.
        expected: String,
    },
    /// An input whose size is left open.
    #[error("shape {shape} is not fixed; state it, as in --shape {name}={example}")]
    Dynamic {
        /// The input's name.
        name: String,
        /// The shape as the file has it.
        shape: String,
        /// A shape that could be stated.
        example: String,
    },
    /// A shape that was stated for an input that the network does not have, or that does not
    /// fit what the file says.
    #[error("a shape was stated for input '{name}', but {reason}")]
    StatedShape {
        /// The input's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A value that has to be known before the network runs.
    #[error("'{0}' is computed while the network runs; only constants are supported here")]
    NotConstant(String),
    /// Numbers that would have to be put in another order while the network runs.
    #[error(
        "would put the numbers of {shape} in another order while the network runs, which is not \
         supported"
    )]
    Reorders {
        /// The shape, in ONNX's order.
        shape: String,
    },
    /// A scale or zero point that is absent, out of range, or not supported.
    #[error("quantization: {0}")]
    Quantization(String),
    /// A constant whose numbers do not fit its shape.
    #[error("{actual} {what} of data; the shape needs {expected}")]
    DataSize {
        /// Bytes or numbers.
        what: &'static str,
        /// How many the file has.
        actual: usize,
        /// How many the shape needs.
        expected: usize,
    },
    /// Numbers in another file that is absent, too short, or outside the model's folder.
    #[error("its numbers are in another file, '{location}': {reason}")]
    ExternalData {
        /// The file's name as the model states it.
        location: String,
        /// What is wrong.
        reason: String,
    },
    /// Weights with NaN or an infinity among them.
    #[error("the constants hold {value}; every weight must be finite")]
    NotFinite {
        /// The first such number.
        value: f32,
    },
    /// A computation on shapes that overflows or divides by zero.
    #[error("the arithmetic on constants overflows or divides by zero")]
    Arithmetic,
    /// The network does not make sense.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A constant does not make sense.
    #[error(transparent)]
    Constant(#[from] TensorError),
}

impl Problem {
    /// The problem of a tensor.
    pub(crate) fn of(self, tensor: &crate::message::Tensor) -> Self {
        Self::Tensor { name: tensor.name.clone(), source: Box::new(self) }
    }

    pub(crate) fn attribute(
        attribute: &'static str,
        value: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Attribute { attribute, value: value.to_string(), expected: expected.into() }
    }

    pub(crate) fn shape(
        what: impl Into<String>,
        dims: &[usize],
        expected: impl Into<String>,
    ) -> Self {
        Self::Shape { what: what.into(), shape: show(dims), expected: expected.into() }
    }
}

/// Dimensions as people write them.
pub(crate) fn show(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
    format!("[{}]", dims.join(", "))
}

pub(crate) type Result<T> = std::result::Result<T, Problem>;
