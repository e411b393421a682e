//! Writes PocketVision graphs as files that other programs read.
//!
//! A [`Format`] is chosen by the file's extension. Writing is two steps: [`to_bytes`] says the
//! graph in the format's own words, in memory, and fails if there are none; [`write()`] puts the
//! bytes in place of the old file all at once, so that neither a full disk nor a graph that
//! cannot be said leaves half a file or costs the old one.
//!
//! **TFLite** says nearly every graph; importing the file again gives a graph that computes the
//! same. Three things differ between TFLite's operators and ours:
//!
//! * What it lacks is taken apart: a hard sigmoid is a sum, a clamp and a product; an activation
//!   other than a clamp leaves the operator that it was fused into; borders that are neither
//!   SAME nor VALID become a PAD. In integers this is exact (`docs/formats.md` says how). In
//!   float, results are rounded where the steps meet.
//! * It has two families of 8-bit operators, and some of our int8 nodes only exist in the
//!   unsigned one: averages that round half up, and convolutions whose weights have one scale.
//!   Networks that were uint8 have them. Such nodes are written in uint8, and QUANTIZE
//!   operators stand where the two meet. A network that was uint8 thus becomes uint8 again.
//! * Every tensor has four dimensions, as ours have.
//!
//! **ONNX** says every graph too, images as N, C, H, W. Integers become float operators between
//! `QuantizeLinear` and `DequantizeLinear`, whose rounding ONNX leaves to the runtime: reading the
//! file again gives the same integers, other runtimes differ by single steps.
//!
//! **Networks that take a photo's bytes** say so in both: the input is uint8, and a cast, a
//! difference and a quotient make the network's numbers of it, which are read as one
//! [`Normalize`](pocketvision_core::op::Normalize) again.
//!
//! **safetensors** holds the float weights of a network that we define, under the names that
//! `pocketvision_import_safetensors::Naming::PocketVision` reads, and nothing of its structure.
//!
//! ```no_run
//! use pocketvision_core::models::{self, BuildOptions};
//!
//! let graph = models::find("mobilenet-v3-small").unwrap().build(&BuildOptions::default())?;
//! pocketvision_export::write(&graph, "mobilenet-v3-small.tflite")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod file;
mod onnx;
mod safetensors;
mod tflite;

use std::fmt;
use std::path::Path;

use pocketvision_core::Graph;

pub use error::{ExportError, Problem};

/// A kind of file that can be written.
///
/// ```
/// use pocketvision_export::{ExportError, Format};
///
/// assert_eq!(Format::from_path("models/mine.ONNX")?, Format::Onnx);
/// assert_eq!(Format::ALL.map(Format::extension), ["tflite", "onnx", "safetensors"]);
/// assert!(matches!(Format::from_path("mine.pt"), Err(ExportError::Extension { .. })));
/// # Ok::<(), ExportError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Format {
    /// `.tflite`: the network, float or 8-bit.
    Tflite,
    /// `.onnx`: the network, float or integers between `QuantizeLinear` and `DequantizeLinear`.
    Onnx,
    /// `.safetensors`: the float weights of a network that we define.
    Safetensors,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Tflite, Self::Onnx, Self::Safetensors];

    /// The format of a file, by its extension, in capitals or not.
    ///
    /// # Errors
    /// If the extension is of none.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, ExportError> {
        let path = path.as_ref();
        let extension = path.extension().unwrap_or_default();
        let known = Self::ALL.into_iter().find(|f| extension.eq_ignore_ascii_case(f.extension()));
        known.ok_or_else(|| ExportError::Extension { path: path.to_owned() })
    }

    /// The extension of its files, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Tflite => "tflite",
            Self::Onnx => "onnx",
            Self::Safetensors => "safetensors",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tflite => "TFLite",
            Self::Onnx => "ONNX",
            Self::Safetensors => "safetensors",
        })
    }
}

/// The bytes of a file that holds the graph. Takes memory for the file twice.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::models;
/// use pocketvision_export::{Format, to_bytes};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let bytes = to_bytes(&network.build(&network.options())?, Format::Tflite)?;
/// assert_eq!(&bytes[4..8], b"TFL3");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the format cannot say the graph; the error names the node and what to do.
pub fn to_bytes(graph: &Graph, format: Format) -> Result<Vec<u8>, ExportError> {
    match format {
        Format::Tflite => tflite::to_bytes(graph),
        Format::Onnx => onnx::to_bytes(graph),
        Format::Safetensors => safetensors::to_bytes(graph),
    }
}

/// Writes a graph to a file, in the format of its extension, and says how many bytes it has.
///
/// An existing file is replaced only once the new one is complete.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::models;
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let graph = network.build(&network.options())?;
/// let bytes = pocketvision_export::write(&graph, folder.join("mine.onnx"))?;
/// assert_eq!(std::fs::metadata(folder.join("mine.onnx"))?.len(), bytes);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Format::from_path`] and [`to_bytes`], and if the file cannot be written.
pub fn write(graph: &Graph, path: impl AsRef<Path>) -> Result<u64, ExportError> {
    let path = path.as_ref();
    let bytes = to_bytes(graph, Format::from_path(path)?)?;
    file::replace(path, &bytes)
        .map_err(|source| ExportError::Write { path: path.to_owned(), source })?;
    Ok(bytes.len() as u64)
}
