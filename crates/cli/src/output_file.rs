//! Files that a command writes: complete or not there at all.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Puts text in the place of a file: written beside it, then renamed.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = fs::write(&partial, text).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // What is half written helps nobody; the first error is the one to tell.
        let _ = fs::remove_file(&partial);
    }
    written.with_context(|| format!("{}: cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_remains() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.svg");
        write(&file, "one").unwrap();
        write(&file, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = write(Path::new("no/such/folder/a.svg"), "").unwrap_err();
        assert!(error.to_string().starts_with("no/such/folder/a.svg: "), "{error}");
    }
}
