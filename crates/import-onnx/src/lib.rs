//! Reads ONNX files into PocketVision graphs.
//!
//! An `.onnx` file is one protobuf message: constants, and a list of operators joined by the
//! names of their values. Importing walks that list once:
//!
//! ```text
//! file ─► skeleton: all of it but the weights
//!          └─► message: what field 5 of a node means
//!             └─► network: who writes a value, who reads it
//!                     └─► operator/*: one ONNX operator to no, one or a few nodes
//! ```
//!
//! **Channels last.** ONNX images are NCHW and ours NHWC. Nothing is moved for that while a
//! network runs: an image is *declared* to be NHWC, weights are put in our order here, and
//! operators that name an axis are read accordingly. What cannot be done so, because it would
//! move numbers in earnest, is refused. The graph's inputs and outputs are NHWC.
//!
//! **What exporters leave behind is folded**: batch normalization into the convolution before
//! it, arithmetic on shapes into its result, a border of zeros into the convolution that reads
//! it, `x * clip(x + 3, 0, 6) / 6` into the hard swish that it is.
//!
//! **Quantized networks** come as float operators between pairs of `QuantizeLinear` and
//! `DequantizeLinear`. An operator whose inputs come out of such pairs and whose result goes
//! into one is computed in int8; everything else stays float. ONNX leaves the rounding of such
//! a fused operator to the runtime, so that two of them, and we, differ by single steps.
//!
//! **Pictures may come as bytes**: an input of uint8 that a `Cast` makes float stays what it is, and
//! a difference and a quotient after it become one [`op::Normalize`]. Integers of a scale are
//! told by the `DequantizeLinear` that reads them.
//!
//! **Files are not trusted.** Any bytes give a graph or an [`ImportError`] that names the node
//! or the tensor. Memory stays below sixteen times the file's size plus 128 MiB, files of
//! weights beside it counted; [`MAX_FILE_BYTES`] and [`MAX_FIELDS`] see to it.
//!
//! ```no_run
//! use pocketvision_import_onnx::{ImportOptions, open};
//!
//! let graph = open("mobilenetv3_large_100.onnx", &ImportOptions::default())?;
//! println!("{}: {} million multiply-accumulates", graph.name(), graph.macs() / 1_000_000);
//! # Ok::<(), pocketvision_import_onnx::ImportError>(())
//! ```
//!
//! [`op::Normalize`]: pocketvision_core::op::Normalize

mod attributes;
mod budget;
mod constant;
mod error;
mod external_data;
mod fold;
mod importer;
pub mod message;
mod network;
mod operator;
mod skeleton;
mod value;
mod wire;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::ops::RangeInclusive;
use std::path::Path;

use pocketvision_core::Graph;

pub use error::{ImportError, Problem};

use error::Result;
use external_data::Folder;
use skeleton::{Skeleton, Source};

/// What a file may leave open.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use pocketvision_import_onnx::ImportOptions;
///
/// // The file names its height and width instead of stating them.
/// let shapes = BTreeMap::from([("input".to_owned(), vec![1, 3, 224, 224])]);
/// let options = ImportOptions { shapes };
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImportOptions {
    /// Shapes of inputs by name, in the file's own order of dimensions (N, C, H, W): needed
    /// for inputs whose dimensions the file only names. An open batch alone is taken as 1.
    pub shapes: BTreeMap<String, Vec<usize>>,
}

/// Reads a network from a file; the graph is named after it. Weights in files beside it are
/// read from its folder.
///
/// ```no_run
/// use pocketvision_import_onnx::{ImportOptions, open};
///
/// let graph = open("mobilenetv2.onnx", &ImportOptions::default())?;
/// println!("{} takes {}", graph.name(), graph.ty(graph.inputs()[0]));
/// # Ok::<(), pocketvision_import_onnx::ImportError>(())
/// ```
///
/// # Errors
/// If the file cannot be read, is beyond [`MAX_FILE_BYTES`], or as [`import`].
pub fn open(
    path: impl AsRef<Path>,
    options: &ImportOptions,
) -> std::result::Result<Graph, ImportError> {
    let path = path.as_ref();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = Folder::of(path);
    read(path, &name, &folder, options)
        .map_err(|problem| ImportError { file: path.display().to_string(), problem })
}

/// Reads a network from the bytes of a file. `name` becomes the graph's name and stands for
/// the file in errors.
///
/// ```
/// use pocketvision_import_onnx::{ImportOptions, import};
///
/// let error = import(b"no network", "download", &ImportOptions::default()).unwrap_err();
/// assert_eq!(error.file, "download");
/// println!("{error}");
/// ```
///
/// # Errors
/// If the bytes are not an ONNX file, are damaged, have weights in another file, or hold
/// something that a graph cannot express; the error says which node or tensor.
pub fn import(
    bytes: &[u8],
    name: &str,
    options: &ImportOptions,
) -> std::result::Result<Graph, ImportError> {
    import_from(&mut Cursor::new(bytes), bytes.len(), name, None, options)
        .map_err(|problem| ImportError { file: name.to_owned(), problem })
}

/// Largest file that [`open`] reads, 2 GiB: protobuf's own limit.
pub const MAX_FILE_BYTES: u64 = 1 << 31;

/// Most fields of messages in a file, 2^18. A network of a hundred layers has a few thousand.
pub const MAX_FIELDS: usize = 1 << 18;

/// The versions of ONNX's operators that are read.
pub const OPSETS: RangeInclusive<i64> = 11..=21;

fn import_from(
    source: &mut dyn Source,
    file_bytes: usize,
    name: &str,
    folder: Option<&Folder>,
    options: &ImportOptions,
) -> Result<Graph> {
    let skeleton = Skeleton::read(source)?;
    importer::import(skeleton, file_bytes, name, folder, options)
}

fn read(path: &Path, name: &str, folder: &Folder, options: &ImportOptions) -> Result<Graph> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.len() > MAX_FILE_BYTES {
        return Err(Problem::FileSize { bytes: metadata.len() });
    }
    if metadata.is_file() {
        return import_from(&mut file, metadata.len() as usize, name, Some(folder), options);
    }
    // A pipe has no length and cannot be read twice.
    let mut content = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(Problem::FileSize { bytes: content.len() as u64 });
    }
    import_from(&mut Cursor::new(&content), content.len(), name, Some(folder), options)
}
