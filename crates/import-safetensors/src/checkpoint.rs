//! A safetensors file as named tensors of f32.

use std::collections::{BTreeMap, HashMap};

use half::{bf16, f16};
use pocketvision_core::first_not_finite;
use safetensors::{Dtype, SafeTensors};

use crate::ImportError;

/// The tensors of a file that a network may need.
pub(crate) struct Tensors<'a> {
    file: String,
    tensors: BTreeMap<String, View<'a>>,
    /// What the writer noted about the file.
    pub(crate) metadata: HashMap<String, String>,
}

struct View<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: &'a [u8],
}

impl<'a> Tensors<'a> {
    /// Reads the directory of a file; numbers are read when asked for.
    pub(crate) fn parse(file: &str, bytes: &'a [u8]) -> Result<Self, ImportError> {
        let damaged = |error: safetensors::SafeTensorError| ImportError::Format {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let parsed = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let tensors = parsed
            .iter()
            .filter(|(name, _)| !is_training_state(name))
            .map(|(name, view)| {
                let view =
                    View { dtype: view.dtype(), shape: view.shape().to_vec(), bytes: view.data() };
                (name.to_owned(), view)
            })
            .collect();
        Ok(Self { file: file.to_owned(), tensors, metadata })
    }

    /// Names, in alphabetical order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Shape of a tensor, if it is there.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|view| view.shape.as_slice())
    }

    /// The numbers of a tensor that is there.
    pub(crate) fn values(&self, name: &str) -> Result<Vec<f32>, ImportError> {
        let Some(View { dtype, bytes, .. }) = self.tensors.get(name) else {
            return Ok(vec![]);
        };
        let values: Vec<f32> = match dtype {
            Dtype::F32 => numbers(bytes, f32::from_le_bytes),
            Dtype::F64 => numbers(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Dtype::F16 => numbers(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Dtype::BF16 => numbers(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            other => {
                return Err(ImportError::Type {
                    file: self.file.clone(),
                    tensor: name.to_owned(),
                    dtype: format!("{other:?}"),
                });
            }
        };
        match first_not_finite(&values) {
            None => Ok(values),
            Some(_) => {
                Err(ImportError::NotFinite { file: self.file.clone(), tensor: name.to_owned() })
            }
        }
    }
}

fn numbers<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}

/// What optimizers and counters leave in checkpoints.
fn is_training_state(name: &str) -> bool {
    let last = name.rsplit(['.', '/']).next().unwrap_or(name);
    ["num_batches_tracked", "global_step", "ExponentialMovingAverage", "RMSProp", "Momentum"]
        .iter()
        .any(|state| last.starts_with(state))
}
