//! Why a checkpoint makes no network.

use std::fmt;
use std::io;

use pocketvision_core::GraphError;
use thiserror::Error;

/// A checkpoint could not be read, or fits no definition.
///
/// ```
/// use pocketvision_import_safetensors::{ImportError, ImportOptions, open};
///
/// match open("missing.safetensors", &ImportOptions::default()) {
///     Err(ImportError::Read { file, .. }) => assert_eq!(file, "missing.safetensors"),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// No mobile network is so large.
    #[error("{file}: larger than 2 GiB; no mobile network is")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// The file is no safetensors file.
    #[error("{file}: not a safetensors file, or a damaged one: {reason}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor of a type that weights do not come in.
    #[error("{file}: tensor '{tensor}' is of type {dtype}; weights must be f32, f16, bf16 or f64")]
    Type {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its type.
        dtype: String,
    },
    /// A weight that is no number.
    #[error("{file}: tensor '{tensor}' holds a number that is not finite")]
    NotFinite {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
    },
    /// The tensors' names are of no convention we know.
    #[error(
        "{file}: its tensors are named as in none of TensorFlow-slim, torchvision, timm and \
         PocketVision (the first is '{first}')"
    )]
    Naming {
        /// The file.
        file: String,
        /// The first tensor, in alphabetical order.
        first: String,
    },
    /// The tensors do not fit.
    #[error("{file}: does not fit {network} with {naming} names: {mismatch}")]
    Mismatch {
        /// The file.
        file: String,
        /// The definition, or the one that is nearest.
        network: &'static str,
        /// Whose names the tensors have.
        naming: &'static str,
        /// What differs.
        mismatch: Box<Mismatch>,
    },
    /// The network cannot be built.
    #[error("{file}: {source}")]
    Build {
        /// The file.
        file: String,
        /// What does not fit.
        source: GraphError,
    },
}

/// How the tensors of a file differ from those a definition needs.
///
/// ```
/// use pocketvision_import_safetensors::Mismatch;
///
/// let mismatch = Mismatch { missing: vec!["stem/weight".into()], ..Mismatch::default() };
/// assert_eq!(mismatch.count(), 1);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mismatch {
    /// Tensors that are needed and not there.
    pub missing: Vec<String>,
    /// Tensors that are there and not needed.
    pub extra: Vec<String>,
    /// Tensors of another shape than needed, with both shapes.
    pub misshaped: Vec<String>,
}

impl Mismatch {
    /// Number of tensors that differ.
    pub fn count(&self) -> usize {
        self.missing.len() + self.extra.len() + self.misshaped.len()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("missing", &self.missing),
            ("left over", &self.extra),
            ("of another shape", &self.misshaped),
        ];
        let mut separator = "";
        for (what, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            write!(f, "{separator}{} {what}: {shown}", names.len())?;
            if names.len() > SHOWN {
                f.write_str(", ...")?;
            }
            separator = "; ";
        }
        Ok(())
    }
}

/// Most names that are listed of each kind.
const SHOWN: usize = 10;
