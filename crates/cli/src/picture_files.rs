//! Where pictures with results are written to.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::output_file;

/// Files to write, one for each picture that was read.
#[derive(Debug)]
pub(crate) struct PictureFiles {
    /// The folder to be made before the first is written.
    folder: Option<PathBuf>,
    files: Vec<PathBuf>,
}

impl PictureFiles {
    /// The files for `--output`: the one named, or in a folder one for each picture, called as
    /// it is. Nothing is made yet, and a picture that was read is never written over.
    pub(crate) fn plan(output: &Path, pictures: &[Option<&Path>]) -> Result<Self> {
        let named =
            output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
        let plan = match pictures {
            [_] if named && !output.is_dir() => {
                let folder = parent(output);
                if !folder.is_dir() {
                    bail!("{}: there is no folder {}", output.display(), folder.display());
                }
                Self { folder: None, files: vec![output.to_owned()] }
            }
            [_] if output.extension().is_some() && !output.is_dir() => bail!(
                "{}: pictures are written as PNG: name a file that ends in .png, or a folder",
                output.display()
            ),
            _ if named && !output.is_dir() => bail!(
                "{}: {} pictures do not go into one file: name a folder",
                output.display(),
                pictures.len()
            ),
            _ => Self { folder: Some(output.to_owned()), files: in_folder(output, pictures) },
        };
        let original = |file: &Path| {
            let same = |picture: &&Path| {
                fs::canonicalize(picture)
                    .ok()
                    .zip(fs::canonicalize(file).ok())
                    .is_some_and(|(a, b)| a == b)
            };
            pictures.iter().flatten().copied().find(same)
        };
        if let Some(picture) = plan.files.iter().find_map(|file| original(file)) {
            bail!("{}: the result would be written over the picture itself", picture.display());
        }
        Ok(plan)
    }

    /// The file for the picture at this place in the list, in a folder that exists.
    pub(crate) fn file(&self, index: usize) -> Result<&Path> {
        if let Some(folder) = &self.folder {
            output_file::make_folder(folder)?;
        }
        Ok(&self.files[index])
    }
}

/// A file for each picture, none twice, also where a system ignores case.
fn in_folder(folder: &Path, pictures: &[Option<&Path>]) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    let mut file = |picture: &Option<&Path>| {
        let stem = picture.and_then(Path::file_stem).unwrap_or("sample".as_ref()).to_string_lossy();
        let numbered = (2..).map(|number| format!("{stem}_{number}"));
        let mut candidates = std::iter::once(stem.to_string()).chain(numbered);
        let free = candidates.find(|candidate| taken.insert(candidate.to_lowercase()));
        folder.join(format!("{}.png", free.unwrap_or_default()))
    };
    pictures.iter().map(&mut file).collect()
}

fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(output: &Path, pictures: &[&str]) -> Result<PictureFiles> {
        let pictures: Vec<Option<&Path>> =
            pictures.iter().map(|picture| Some(Path::new(*picture))).collect();
        PictureFiles::plan(output, &pictures)
    }

    #[test]
    fn one_picture_goes_to_a_file_and_many_to_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.PNG");
        assert_eq!(plan(&file, &["a.jpg"]).unwrap().files, std::slice::from_ref(&file));
        let new = folder.path().join("new");
        let files = plan(&new, &["a.jpg", "x/A.bmp", "b.png"]).unwrap();
        assert_eq!(files.files, ["a.png", "A_2.png", "b.png"].map(|name| new.join(name)));
        assert!(!new.exists(), "nothing is made before it is needed");
        files.file(0).unwrap();
        assert!(new.is_dir());
        assert_eq!(plan(&new, &["a.jpg"]).unwrap().files, [new.join("a.png")]);
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_any_work() {
        let folder = tempfile::tempdir().unwrap();
        let photo = folder.path().join("photo.png");
        fs::write(&photo, "").unwrap();
        let photo_text = photo.to_str().unwrap();
        for (output, pictures, word) in [
            ("out.jpg", vec!["a.jpg"], "PNG"),
            ("missing/out.png", vec!["a.jpg"], "no folder"),
            ("out.png", vec!["a.jpg", "b.jpg"], "name a folder"),
            ("photo.png", vec![photo_text], "over the picture"),
            (".", vec![photo_text], "over the picture"),
        ] {
            let error = plan(&folder.path().join(output), &pictures).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
