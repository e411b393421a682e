//! Folders of pictures of which the truth is known: one file a kind of truth.

pub(crate) mod boxes;
pub(crate) mod classes;
pub(crate) mod masks;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow};

/// All pictures of a folder, or of its subfolders if they hold any, whatever their names.
pub(crate) fn all_pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> =
        class_folders(folder)?.into_iter().map(|(path, _)| path).collect();
    if paths.is_empty() {
        paths = pictures(folder)?;
    }
    if paths.is_empty() {
        return Err(no_pictures(folder));
    }
    Ok(paths)
}

/// Pictures of each subfolder, with the subfolder's name.
fn class_folders(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut images = Vec::new();
    for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        images.extend(pictures(&class)?.into_iter().map(|path| (path, name.clone())));
    }
    Ok(images)
}

fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        PICTURE_EXTENSIONS.contains(&extension.as_str()) && path.is_file()
    };
    Ok(entries(folder)?.into_iter().filter(is_picture).collect())
}

/// What a folder holds, by name, hidden things left out.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = || format!("{}: cannot be read as a folder", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn no_pictures(folder: &Path) -> Error {
    anyhow!("{}: no JPEG, PNG or BMP pictures in it", folder.display())
}

const PICTURE_EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "bmp"];
