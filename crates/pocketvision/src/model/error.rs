//! Why there is no model.

use std::path::Path;

use pocketvision_import_tflite::ImportError;
use thiserror::Error;

use crate::GraphError;
use crate::passes::PixelInputError;
use crate::vision::VisionError;

/// A model could not be loaded.
///
/// ```
/// use pocketvision::{Model, ModelError};
///
/// match Model::load("mobilenet-v4") {
///     Err(ModelError::Unknown { name, hint }) => println!("no {name}: {hint}"),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Debug, Error)]
pub enum ModelError {
    /// No file and no built-in network of this name.
    #[error("unknown model '{name}'; {hint}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The nearest names, or all of them.
        hint: String,
    },
    /// A path to nothing.
    #[error("{path}: no such file; {hint}")]
    Missing {
        /// The path asked for.
        path: String,
        /// The nearest names, or all of them.
        hint: String,
    },
    /// A path to a folder, a pipe or a device.
    #[error("{path}: it is {found}, where the file of a network is expected")]
    NotAFile {
        /// The path asked for.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// A file of a format that cannot be read.
    #[error("{path}: {format} files are not supported; convert the network to .onnx or .tflite")]
    Format {
        /// The file.
        path: String,
        /// The format, by its extension.
        format: String,
    },
    /// The file is not a network that we can read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The ONNX file is not a network that we can read.
    #[error(transparent)]
    Onnx(#[from] pocketvision_import_onnx::ImportError),
    /// The file holds no weights of a network that we define.
    #[error(transparent)]
    Weights(#[from] pocketvision_import_safetensors::ImportError),
    /// The labels beside the model cannot be read.
    #[error(transparent)]
    Labels(#[from] VisionError),
    /// A network that cannot take a photo's bytes.
    #[error("{name} cannot take a photo's bytes: {source}")]
    PixelInput {
        /// The network's name.
        name: String,
        /// What is in the way.
        source: PixelInputError,
    },
    /// A network could not be built.
    #[error("{name}: {source}")]
    Definition {
        /// The network's name.
        name: String,
        /// What does not fit.
        source: GraphError,
    },
}

impl ModelError {
    /// The error for a path to something that is no file.
    pub(super) fn not_a_file(path: &Path) -> Self {
        let found = if path.is_dir() { "a folder" } else { "no regular file" };
        Self::NotAFile { path: path.display().to_string(), found }
    }
}
