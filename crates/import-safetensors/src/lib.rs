//! Weights by name: a safetensors file and a definition make a trained network.
//!
//! A checkpoint holds tensors with names and nothing about the network they belong to. The
//! names tell who wrote them: TensorFlow-slim, torchvision, timm or ourselves. A [`Naming`]
//! says what each of these calls the layers of one of our definitions, how it orders the
//! numbers of a weight, where it puts the border of a convolution, and what its batch
//! normalisation adds to the variance; forgetting any of the last two is an error that no
//! shape reveals. Batch normalisation is folded into the weights on the way.
//!
//! Which definition it is follows from names and shapes: the one whose every tensor is there,
//! in the right shape, with nothing left over. If none fits, the error lists what is missing,
//! left over and mis-shaped for the nearest.
//!
//! Epsilons: torchvision's MobileNetV2 1e-5, its MobileNetV3 1e-3; timm 1e-5; slim 1e-3. timm's
//! `tf_` networks (1e-3, TensorFlow's padding) have the same tensors as its own and cannot be
//! told from them: pass [`ImportOptions::tensorflow_port`].

mod checkpoint;
mod error;
mod matching;
mod naming;

use std::fs;
use std::path::Path;

use pocketvision_core::Graph;
use pocketvision_core::models::Definition;

pub use error::{ImportError, Mismatch};
pub use naming::Naming;

/// What a file leaves open.
///
/// ```
/// use pocketvision_core::models;
/// use pocketvision_import_safetensors::ImportOptions;
///
/// let of_torchvision =
///     ImportOptions { definition: models::find("mobilenet-v2-1.0"), ..ImportOptions::default() };
/// let of_timm_by_tensorflow = ImportOptions { tensorflow_port: true, ..of_torchvision };
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// The network; found out by names and shapes where it is not stated.
    pub definition: Option<&'static Definition>,
    /// A PyTorch checkpoint that was converted from TensorFlow (timm's `tf_` networks):
    /// TensorFlow's padding and epsilon.
    pub tensorflow_port: bool,
}

/// A network with the weights of a checkpoint.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_import_safetensors::{ImportOptions, Naming, open};
///
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pocketvision/networks");
/// # let file = format!("{folder}/mobilenet-edgetpu-cifar10.safetensors");
/// let checkpoint = open(file, &ImportOptions::default())?;
/// assert_eq!(checkpoint.network, "mobilenet-edgetpu-cifar10");
/// assert_eq!(checkpoint.naming, Naming::PocketVision);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Checkpoint {
    /// The network, in f32, batch normalisation folded.
    pub graph: Graph,
    /// Name of the definition that the weights fit.
    pub network: &'static str,
    /// Whose names the tensors have.
    pub naming: Naming,
}

/// Reads a file.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::models;
/// use pocketvision_import_safetensors::{ImportError, ImportOptions, open};
///
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pocketvision/networks");
/// # let file = format!("{folder}/mobilenet-edgetpu-cifar10.safetensors");
/// let graph = open(&file, &ImportOptions::default())?.graph;
/// assert_eq!(graph.ty(graph.outputs()[0]).shape.c, 10);
/// // The weights are of another network than this one.
/// let options =
///     ImportOptions { definition: models::find("mobilenet-v1-1.0"), ..ImportOptions::default() };
/// assert!(matches!(open(&file, &options), Err(ImportError::Mismatch { .. })));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the file cannot be read, is damaged, or does not fit the definition (or any).
pub fn open(path: impl AsRef<Path>, options: &ImportOptions) -> Result<Checkpoint, ImportError> {
    let path = path.as_ref();
    let file = path.display().to_string();
    let failed = |source| ImportError::Read { file: file.clone(), source };
    if fs::metadata(path).map_err(failed)?.len() > MAX_FILE_BYTES {
        return Err(ImportError::TooLarge { file });
    }
    import(&file, &fs::read(path).map_err(failed)?, options)
}

/// Reads the bytes of a file. `file` is what errors call it.
///
/// ```
/// use pocketvision_import_safetensors::{ImportOptions, import};
///
/// let error = import("download", b"no checkpoint", &ImportOptions::default()).unwrap_err();
/// assert!(error.to_string().starts_with("download"));
/// ```
///
/// # Errors
/// As [`open`].
pub fn import(
    file: &str,
    bytes: &[u8],
    options: &ImportOptions,
) -> Result<Checkpoint, ImportError> {
    let tensors = checkpoint::Tensors::parse(file, bytes)?;
    matching::build(file, &tensors, options)
}

/// Larger than any mobile network by far.
const MAX_FILE_BYTES: u64 = 1 << 31;
