//! What can be wrong with a picture, a network's input or a list of labels.

use std::io;

use pocketvision_core::{TensorError, TensorType};
use thiserror::Error;

/// Why a picture could not be read, prepared or written. Every message is one line and
/// begins with the file or the part that is at fault.
///
/// ```
/// use pocketvision_vision::{VisionError, open};
///
/// match open("no/such/photo.jpg") {
///     Err(VisionError::Read { name, .. }) => assert_eq!(name, "no/such/photo.jpg"),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Debug, Error)]
pub enum VisionError {
    /// The file is missing, a folder, or may not be read.
    #[error("{name}: cannot be read: {source}")]
    Read {
        /// The file.
        name: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("{name}: cannot be written: {source}")]
    Write {
        /// The file.
        name: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file without any bytes.
    #[error("{name}: the file is empty")]
    Empty {
        /// The file.
        name: String,
    },
    /// A file larger than [`Image::MAX_FILE_BYTES`](crate::Image::MAX_FILE_BYTES) or
    /// [`Labels::MAX_FILE_BYTES`](crate::Labels::MAX_FILE_BYTES).
    #[error("{name}: the file is larger than {limit_bytes} bytes, the most that is read")]
    FileTooLarge {
        /// The file.
        name: String,
        /// The limit that it is beyond.
        limit_bytes: u64,
    },
    /// The bytes begin like no format that we read.
    #[error("{name}: not a JPEG, PNG or BMP picture")]
    UnknownFormat {
        /// The file.
        name: String,
    },
    /// The format is known, but the picture is cut off, damaged or of an unusual kind.
    #[error("{name}: this {format} picture cannot be decoded: {reason}")]
    Decode {
        /// The file.
        name: String,
        /// `JPEG`, `PNG` or `BMP`.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// The format cannot hold this picture.
    #[error("the picture cannot be written as {format}: {reason}")]
    Encode {
        /// `JPEG`.
        format: &'static str,
        /// What the encoder says.
        reason: String,
    },
    /// More pixels than [`Image::MAX_PIXELS`](crate::Image::MAX_PIXELS).
    #[error(
        "{name}: {width}x{height} is more than {} megapixels, the most that is read",
        crate::Image::MAX_PIXELS / 1_000_000
    )]
    TooManyPixels {
        /// The file, or what was to be made.
        name: String,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// Pixels that do not fill the picture, or a picture without pixels.
    #[error(
        "a {width}x{height} picture needs a side of at least 1 and 3 bytes a pixel, got {bytes} bytes"
    )]
    PixelCount {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Bytes given.
        bytes: usize,
    },
    /// The network takes no picture, or not one of this size.
    #[error("the network's input {input} cannot be filled from a picture: {reason}")]
    Input {
        /// What the network takes.
        input: Box<TensorType>,
        /// Which dimension or element is in the way.
        reason: String,
    },
    /// A field of [`Preprocess`](crate::Preprocess) outside its range.
    #[error("preprocessing: {field} is {value}, expected {expected}")]
    Setting {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The tensor could not be made.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// Pixels that are no classes, or classes that do not fit.
    #[error("{name}: no map of classes: {reason}")]
    ClassMap {
        /// The file, or what was to be a map.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A list of labels that is not text.
    #[error("{name}: not a list of labels: {reason}")]
    Labels {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}
