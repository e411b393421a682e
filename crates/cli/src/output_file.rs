//! Files that a command writes: complete or not there at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};

/// Puts text, or any bytes, in the place of a file.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    write_with(path, |file| file.write_all(bytes.as_ref()))
}

/// Puts what `fill` writes in the place of a file: written beside it, then renamed. A link to a file
/// stays a link, and leads to the new one. What the command writes to by itself, pipes and devices
/// are written into.
pub(crate) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    let written = stream(path).and_then(|stream| match stream {
        Some(stream) => write_into(stream, fill),
        None => replace(path, fill),
    });
    written.with_context(|| format!("{}: cannot be written", path.display()))
}

/// Refuses to write over something, unless that is meant.
pub(crate) fn refuse_existing(path: &Path, force: bool) -> Result<()> {
    // A link to nothing is something, too.
    if !force && fs::symlink_metadata(path).is_ok() {
        bail!("{}: exists already; --force replaces it", path.display());
    }
    Ok(())
}

/// Makes a folder, and those that it lies in, unless it is there.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("{}: cannot be made a folder", folder.display()))
}

/// What is written into instead of being replaced, if a path names such a thing.
fn stream(path: &Path) -> io::Result<Option<File>> {
    let Ok(found) = fs::metadata(path) else { return Ok(None) };
    #[cfg(unix)]
    if let Some(stream) = own_stream(&found)? {
        return Ok(Some(stream));
    }
    if found.is_file() || found.is_dir() {
        return Ok(None);
    }
    OpenOptions::new().write(true).open(path).map(Some)
}

/// Standard output or standard error, if either leads to this file, by whatever name. Opened anew,
/// it would be written from its start, over what is there.
#[cfg(unix)]
fn own_stream(found: &fs::Metadata) -> io::Result<Option<File>> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let (output, error) = (io::stdout(), io::stderr());
    for stream in [output.as_fd(), error.as_fd()] {
        let stream = File::from(stream.try_clone_to_owned()?);
        let own = stream.metadata()?;
        if (own.dev(), own.ino()) == (found.dev(), found.ino()) {
            return Ok(Some(stream));
        }
    }
    Ok(None)
}

fn write_into(
    stream: File,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut stream = BufWriter::new(stream);
    fill(&mut stream)?;
    stream.flush()
}

fn replace(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let partial = partial_path(&target);
    unfinished().push(partial.clone());
    let written = fill_file(&partial, fill).and_then(|()| fs::rename(&partial, &target));
    if written.is_err() {
        // What is half written helps nobody; the first error is the one to tell.
        let _ = fs::remove_file(&partial);
    }
    unfinished().retain(|known| *known != partial);
    written
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
    remove_unfinished_in(Path::new(""));
}

/// Those of a folder, and of the folders in it.
fn remove_unfinished_in(folder: &Path) {
    for partial in unfinished().iter().filter(|partial| partial.starts_with(folder)) {
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
            // Not what other tests are writing.
            remove_unfinished_in(folder.path());
            Ok(())
        });
        assert!(ended.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, device] = ["file", "link", "device"].map(|name| folder.path().join(name));
        fs::write(&file, "one").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert!(link.is_symlink());
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();
        write(&device, "three").unwrap();
        assert_eq!(fs::read_to_string(&device).unwrap(), "");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = write(Path::new("no/such/folder/a.svg"), "").unwrap_err();
        assert!(error.to_string().starts_with("no/such/folder/a.svg: "), "{error}");
    }
}
