//! Options that several commands share.

mod choice;
mod device;
mod model;

use std::path::{Path, PathBuf};

use anyhow::Result;
use pocketvision::vision::{self, Image, SamplePicture};

pub(crate) use choice::{PrecisionOption, TaskOption};
pub(crate) use device::DeviceOptions;
pub(crate) use model::{ModelChoices, ModelOptions, is_seeded, warn_about_seeded_weights};

/// A heading stands over all options that follow: what has one is flattened last.
pub(crate) const MODEL_HEADING: &str = "Options of the model";
/// See [`MODEL_HEADING`].
pub(crate) const DEVICE_HEADING: &str = "Options of devices";

/// The picture to look at: a file, or one of our own.
pub(crate) fn open_image(path: Option<&Path>) -> Result<(String, Image)> {
    match path {
        Some(path) => Ok((path.display().to_string(), vision::open(path)?)),
        None => Ok(("sample picture".into(), SamplePicture::Macaw.paint(640, 480))),
    }
}

/// The pictures to look at: files, or one of our own where none is named.
pub(crate) fn picture_list(files: &[PathBuf]) -> Vec<Option<&Path>> {
    match files {
        [] => vec![None],
        files => files.iter().map(|file| Some(file.as_path())).collect(),
    }
}

/// A number from 0 to 1.
pub(crate) fn share(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is expected".into()),
    }
}
