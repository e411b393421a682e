//! What can be wrong with a file.

use std::io;

use pocketvision_core::{GraphError, TensorError};
use thiserror::Error;

use crate::flatbuffer::Damage;

/// A file could not be imported.
///
/// ```
/// use pocketvision_import_tflite::{ImportError, Problem};
///
/// let error = pocketvision_import_tflite::open("missing.tflite").unwrap_err();
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
    /// Something else than a TFLite file.
    #[error("not a TFLite file (no TFL3 identifier)")]
    NotTflite,
    /// A version of the format that we do not know.
    #[error("version {0} of the TFLite format; only version 3 is known")]
    Version(u32),
    /// The file breaks off, or points where it should not.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A part that every network has is absent.
    #[error("there is no {0}; the file is damaged")]
    Missing(&'static str),
    /// More of something than any network has.
    #[error("{count} {what}; at most {limit} are read")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// The most we read.
        limit: usize,
    },
    /// Constants that overlap so much that reading them would exhaust memory.
    #[error("the file's constants and names would fill more than {limit_bytes} bytes")]
    Expansion {
        /// The limit for this file.
        limit_bytes: usize,
    },
    /// Something is wrong with an operator.
    #[error("operator {index} ({operator}): {source}")]
    Operator {
        /// Its place in the file, from 0.
        index: usize,
        /// TFLite's name for it.
        operator: String,
        /// What is wrong with it.
        source: Box<Problem>,
    },
    /// An operator that we do not translate.
    #[error("operator {index} is {operator}, which PocketVision cannot import")]
    UnknownOperator {
        /// Its place in the file, from 0.
        index: usize,
        /// TFLite's name for it, or its custom code.
        operator: String,
    },
    /// Something is wrong with a tensor.
    #[error("tensor {index} '{name}': {source}")]
    Tensor {
        /// Its place in the file, from 0.
        index: usize,
        /// Its name, shortened.
        name: String,
        /// What is wrong with it.
        source: Box<Problem>,
    },
    /// An index that points at nothing.
    #[error("{what} {index} does not exist; there are {count}")]
    Index {
        /// What the index is of.
        what: &'static str,
        /// The index.
        index: i64,
        /// How many there are.
        count: usize,
    },
    /// Too many or too few tensors for an operator.
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
        /// The schema's name for it.
        attribute: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// An element type that is not supported in this place.
    #[error("elements are {actual}; expected {expected}")]
    Element {
        /// The schema's name for the type.
        actual: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A scale or zero point that is absent, out of range, or not supported.
    #[error("quantization: {0}")]
    Quantization(String),
    /// A shape whose size is not known before the network runs.
    #[error(
        "shape is {shape}: convert the network with static shapes of at most four dimensions, \
         each from 1"
    )]
    Dynamic {
        /// The shape as the file has it.
        shape: String,
    },
    /// A shape that contradicts what the operator computes.
    #[error("shape is {stated} in the file, but the operator yields {inferred}")]
    Shape {
        /// The shape as the file has it.
        stated: String,
        /// The shape that follows from the operator.
        inferred: String,
    },
    /// A constant whose bytes do not fit its shape.
    #[error("{actual} bytes of data; the shape needs {expected}")]
    DataSize {
        /// Bytes in the file.
        actual: usize,
        /// Bytes that the shape needs.
        expected: usize,
    },
    /// A tensor that is read before it is written, or never.
    #[error("read before an operator has written it")]
    Undefined,
    /// A map of classes or detections that an operator reads.
    #[error("an operator reads classes or detections, which only end a network")]
    ReadResult,
    /// A tensor that is written twice, or a constant that is written.
    #[error("defined more than once")]
    Redefined,
    /// A tensor that should be constant and is not.
    #[error("not a constant; only constant weights, biases, axes and shapes are supported")]
    NotConstant,
    /// The network does not make sense.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A constant does not make sense.
    #[error(transparent)]
    Constant(#[from] TensorError),
}

impl Problem {
    /// An attribute that is absent, out of range, or not supported.
    pub(crate) fn attribute(
        attribute: &'static str,
        value: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Attribute { attribute, value: value.to_string(), expected: expected.into() }
    }
}

pub(crate) type Result<T> = std::result::Result<T, Problem>;
