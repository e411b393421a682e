//! Files that a command writes: complete or not there at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

/// Puts text, or any bytes, in the place of a file.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    write_with(path, |file| file.write_all(bytes.as_ref()))
}

/// Puts what `fill` writes in the place of a file: written beside it, then renamed.
pub(crate) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    let partial = partial_path(path);
    unfinished().push(partial.clone());
    let written = fill_file(&partial, fill).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // What is half written helps nobody; the first error is the one to tell.
        let _ = fs::remove_file(&partial);
    }
    unfinished().retain(|known| *known != partial);
    written.with_context(|| format!("{}: cannot be written", path.display()))
}

fn fill_file(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    fill(&mut file)?;
    file.into_inner()?.sync_all()
}

/// A name in the same folder that no other process uses.
fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}

/// Removes what is being written, for a process that ends in the middle of it.
pub(crate) fn remove_unfinished() {
    for partial in unfinished().iter() {
        let _ = fs::remove_file(partial);
    }
}

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn a_file_that_cannot_be_finished_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.svg");
        write(&file, "one").unwrap();
        let broken = write_with(&file, |file| {
            file.write_all(b"tw")?;
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
            Err(io::Error::other("full"))
        });
        assert!(broken.is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_process_that_ends_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let ended = write_with(&folder.path().join("a.svg"), |_| {
            remove_unfinished();
            Ok(())
        });
        assert!(ended.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = write(Path::new("no/such/folder/a.svg"), "").unwrap_err();
        assert!(error.to_string().starts_with("no/such/folder/a.svg: "), "{error}");
    }
}
