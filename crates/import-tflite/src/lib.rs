//! Reads TFLite files into PocketVision graphs.
//!
//! A `.tflite` file is one FlatBuffer: tensors, buffers that hold the constant ones, and a
//! list of operators in the order they run. Importing walks that list once, from file to
//! graph, in three layers:
//!
//! ```text
//! bytes ─► flatbuffer: tables, vectors, checked offsets
//!              └─► schema: what field 3 of table `Tensor` means
//!                      └─► operator/*: one TFLite operator to one or a few nodes
//! ```
//!
//! **Shapes** are taken from the network's inputs and followed through the operators; where
//! the file states an intermediate shape, the two must agree. Many files leave them open.
//!
//! **uint8 becomes int8.** The graph computes in int8 alone. A uint8 tensor is rewritten by
//! taking 128 from its values and its zero point, which leaves the real numbers as they
//! are. The file's own types remain at its edges, where [`op::Quantize`] nodes of equal
//! scale convert. What TFLite computes differently for the two is kept: see
//! [`op::IntegerRounding`].
//!
//! **Pictures may come as bytes**: an input of uint8 without a scale, or of scale 1 and zero point
//! 0, stays what it is where CAST makes it float, and a difference and a quotient after it become
//! one [`op::Normalize`].
//!
//! **Files are not trusted.** Any bytes give a graph or an [`ImportError`] that names the
//! operator and tensor. The work is proportional to the file's size; memory stays below
//! eight times the file's size plus 64 MiB, however its parts overlap. See [`MAX_FILE_BYTES`]
//! and [`MAX_OPERATORS`] for the limits that make it so.
//!
//! ```no_run
//! let graph = pocketvision_import_tflite::open("mobilenet_v2_1.0_224_quant.tflite")?;
//! println!("{}: {} million multiply-accumulates", graph.name(), graph.macs() / 1_000_000);
//! # Ok::<(), pocketvision_import_tflite::ImportError>(())
//! ```
//!
//! [`op::Quantize`]: pocketvision_core::op::Quantize
//! [`op::Normalize`]: pocketvision_core::op::Normalize
//! [`op::IntegerRounding`]: pocketvision_core::op::IntegerRounding

mod budget;
mod error;
mod flatbuffer;
mod flexbuffer;
mod importer;
mod operator;
mod operator_names;
pub mod schema;
mod tensor;
mod trailer;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pocketvision_core::{Graph, NodeId};

pub use error::{ImportError, Problem};
pub use flatbuffer::Damage;

/// Reads a network from a file; the graph is named after it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pocketvision/networks");
///
/// # let file = format!("{folder}/mobilenet-edgetpu-cifar10-int8.tflite");
/// let graph = pocketvision_import_tflite::open(file)?;
/// assert_eq!(graph.name(), "mobilenet-edgetpu-cifar10-int8");
/// assert_eq!(graph.ty(graph.outputs()[0]).shape.c, 10);
/// let error = pocketvision_import_tflite::open("missing.tflite").unwrap_err();
/// assert_eq!(error.file, "missing.tflite");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the file cannot be read, is beyond [`MAX_FILE_BYTES`], or as [`import`].
pub fn open(path: impl AsRef<Path>) -> Result<Graph, ImportError> {
    let path = path.as_ref();
    let file = path.display().to_string();
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(problem) => return Err(ImportError { file, problem }),
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    import(&bytes, &name).map_err(|error| ImportError { file, ..error })
}

/// Reads a network from the bytes of a file. `name` becomes the graph's name and stands for
/// the file in errors.
///
/// ```
/// let error = pocketvision_import_tflite::import(b"no network", "download").unwrap_err();
/// assert_eq!(error.file, "download");
/// println!("{error}");
/// ```
///
/// # Errors
/// If the bytes are not a TFLite file, are damaged, or hold something that a graph cannot
/// express; the error says which operator or tensor.
pub fn import(bytes: &[u8], name: &str) -> Result<Graph, ImportError> {
    import_with_operators(bytes, name).map(|imported| imported.graph)
}

/// [`import`], and which node each of the file's operators became: for comparing results
/// with those of another engine, layer by layer.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pocketvision/networks");
///
/// # let file = format!("{folder}/mobilenet-edgetpu-cifar10-int8.tflite");
/// let bytes = std::fs::read(file)?;
/// let imported = pocketvision_import_tflite::import_with_operators(&bytes, "network")?;
/// let first = imported.operators[0].expect("it computes something");
/// assert!(imported.graph.node(first).op.name().contains("Conv2d"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`import`].
pub fn import_with_operators(bytes: &[u8], name: &str) -> Result<Imported, ImportError> {
    importer::import(bytes, name).map_err(|problem| ImportError { file: name.to_owned(), problem })
}

/// A graph and where its nodes came from.
#[derive(Clone, PartialEq, Debug)]
pub struct Imported {
    /// The network.
    pub graph: Graph,
    /// For each operator of the file, the node that yields the operator's output: in int8
    /// where the file has uint8. `None` for an operator that was folded into a constant.
    pub operators: Vec<Option<NodeId>>,
}

/// Largest file that [`open`] reads, 1 GiB.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// Most operators in a file, 8192. The largest vision networks have about a thousand.
pub const MAX_OPERATORS: usize = 1 << 13;

/// Most tensors in a file, 32,768.
pub const MAX_TENSORS: usize = 1 << 15;

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(Problem::FileSize { bytes });
    }
    let mut content = Vec::with_capacity(bytes as usize);
    // A pipe or a file that grows has no length to check beforehand.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(Problem::FileSize { bytes: content.len() as u64 });
    }
    Ok(content)
}
