//! Files of networks: which formats there are, and how each is read.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use pocketvision_import_safetensors::{ImportOptions, Naming};

use super::task::class_count;
use super::{ModelError, Task};
use crate::Graph;
use crate::models::Definition;
use crate::vision::{Dataset, Filter, Labels, Normalization};

/// What a file may leave open.
///
/// ```no_run
/// use pocketvision::{Model, OpenOptions, models};
///
/// // Weights of torchvision, whose tensors alone could be of several networks.
/// let options = OpenOptions { definition: models::find("mobilenet-v2-1.0"), ..Default::default() };
/// let model = Model::open_with("mobilenet_v2.safetensors", &options)?;
/// # Ok::<(), pocketvision::ModelError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Shapes of inputs whose dimensions an ONNX file does not state, by the input's name and
    /// in the file's own order of dimensions.
    pub input_shapes: BTreeMap<String, Vec<usize>>,
    /// The network that a safetensors file has the weights of; found out by names and shapes
    /// where it is not stated.
    pub definition: Option<&'static Definition>,
    /// A PyTorch checkpoint that was converted from TensorFlow: its padding and epsilon.
    pub tensorflow_port: bool,
}

/// A format of files that networks are read from.
///
/// ```
/// use std::path::Path;
///
/// use pocketvision::Format;
///
/// assert_eq!(Format::of(Path::new("models/DeepLab.TFLITE")), Some(Format::Tflite));
/// assert_eq!(Format::of(Path::new("photo.png")), None);
/// assert_eq!(Format::ALL.map(Format::extension), ["tflite", "onnx", "safetensors"]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// TensorFlow Lite's, float or quantized.
    Tflite,
    /// ONNX, float or quantized by pairs of `QuantizeLinear` and `DequantizeLinear`.
    Onnx,
    /// Weights by name, for a network that is built in.
    Safetensors,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Tflite, Self::Onnx, Self::Safetensors];

    /// The extension of its files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Tflite => "tflite",
            Self::Onnx => "onnx",
            Self::Safetensors => "safetensors",
        }
    }

    /// The format of a file, by its extension.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_string_lossy().to_lowercase();
        Self::ALL.into_iter().find(|format| format.extension() == extension)
    }
}

/// The network in a file, and how photos become its input: how they are resized, and how
/// pixels become numbers unless the input says so.
///
/// A file without a known extension is taken for TFLite and judged by its content.
pub(super) fn read(
    path: &Path,
    options: &OpenOptions,
) -> Result<(Graph, Filter, Normalization), ModelError> {
    if path.is_dir() {
        return Err(ModelError::not_a_file(path));
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if FOREIGN_EXTENSIONS.contains(&extension.as_str()) {
        let (path, format) = (path.display().to_string(), format!(".{extension}"));
        return Err(ModelError::Format { path, format });
    }
    match Format::of(path) {
        Some(Format::Tflite) | None => {
            let graph = pocketvision_import_tflite::open(path)?;
            Ok((graph, Filter::Antialiased, normalization_of_tflite(path)))
        }
        Some(Format::Onnx) => {
            let shapes = options.input_shapes.clone();
            let options = pocketvision_import_onnx::ImportOptions { shapes };
            let graph = pocketvision_import_onnx::open(path, &options)?;
            Ok((graph, Filter::Antialiased, normalization_of_onnx(path)))
        }
        Some(Format::Safetensors) => {
            let options = ImportOptions {
                definition: options.definition,
                tensorflow_port: options.tensorflow_port,
            };
            let checkpoint = pocketvision_import_safetensors::open(path, &options)?;
            let (filter, normalization) = match checkpoint.naming {
                Naming::Torchvision | Naming::Timm => {
                    (Filter::Antialiased, Normalization::TORCHVISION)
                }
                Naming::Slim | Naming::PocketVision => {
                    (Filter::Antialiased, Normalization::SYMMETRIC)
                }
                // The graph that these weights come from takes photos of any size.
                Naming::DetectionGraph => (Filter::Interpolated, Normalization::SYMMETRIC),
            };
            Ok((checkpoint.graph, filter, normalization))
        }
    }
}

/// What the classes of a network in a file are called: the labels of [`Labels::find`], else
/// those of the dataset that it was trained on.
pub(super) fn labels(path: &Path, graph: &Graph) -> Result<Option<Labels>, ModelError> {
    let (Some(task), Some(classes)) = (Task::of(graph), class_count(graph)) else {
        return Ok(None);
    };
    if task == Task::Classify {
        return Ok(Labels::find(Some(path), classes)?);
    }
    let beside = Labels::beside(path, classes)?;
    let of_dataset = || Dataset::of_network(Some(path), classes)?.labels(classes);
    Ok(beside.or_else(of_dataset))
}

/// MediaPipe's selfie segmentation takes pixels from 0 to 1, which only its name says.
fn normalization_of_tflite(path: &Path) -> Normalization {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.contains("selfie") { Normalization::UNIT } else { Normalization::SYMMETRIC }
}

/// ONNX files come from PyTorch more often than not; the EfficientNet-Lite among them were
/// trained by TensorFlow, which only their name says.
fn normalization_of_onnx(path: &Path) -> Normalization {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.contains("efficientnet") && name.contains("lite") {
        Normalization::EFFICIENTNET_LITE
    } else {
        Normalization::TORCHVISION
    }
}

/// True for the extension of a format that we read, or that we know of.
pub(super) fn is_model_file(extension: &OsStr) -> bool {
    let extension = extension.to_string_lossy().to_lowercase();
    Format::ALL.iter().any(|format| format.extension() == extension)
        || FOREIGN_EXTENSIONS.contains(&extension.as_str())
}

/// Extensions of networks in formats that cannot be read.
const FOREIGN_EXTENSIONS: [&str; 7] = ["pb", "pt", "pth", "h5", "keras", "mlmodel", "gguf"];
