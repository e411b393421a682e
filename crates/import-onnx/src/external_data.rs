//! Numbers that a model keeps in files beside it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use prost::bytes::Bytes;

use crate::error::{Problem, Result};
use crate::message::Tensor;

/// The folder of a model.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder that a model's file is in.
    pub(crate) fn of(model: &Path) -> Self {
        Self(model.parent().unwrap_or(Path::new("")).to_owned())
    }

    /// The bytes of a tensor that are in another file; `expected` of them.
    pub(crate) fn read(folder: Option<&Self>, tensor: &Tensor, expected: usize) -> Result<Bytes> {
        let entry = |key: &str| {
            tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
        };
        let location = entry("location").cloned().unwrap_or_default();
        let wrong = |reason: String| Problem::ExternalData { location: location.clone(), reason };
        let number = |key: &'static str| match entry(key).map(|text| text.parse::<u64>()) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => Err(wrong(format!("its {key} is not a number"))),
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        if length.is_some_and(|length| length != expected as u64) {
            return Err(wrong(format!("its length is not the {expected} bytes of the shape")));
        }
        let folder = folder.ok_or_else(|| {
            wrong("open the model from its file, so that the folder is known".into())
        })?;
        // A model may name files of its own folder alone: it is not to read a stranger's.
        let inside = Path::new(&location).components().all(|c| matches!(c, Component::Normal(_)));
        if location.is_empty() || !inside {
            return Err(wrong("the name must lie in the model's own folder".into()));
        }
        let path = folder.0.join(&location);
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&path)?;
            let available = file.metadata()?.len().saturating_sub(offset);
            if available < expected as u64 {
                let message = format!("{expected} bytes at {offset} go beyond the file's end");
                return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, message));
            }
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = vec![0; expected];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        read().map(Bytes::from).map_err(|error| {
            wrong(format!("{error} ({}; keep it beside the model)", path.display()))
        })
    }
}
