//! A file that is not complete yet.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::PullError;

/// `NAME.partial` in a folder, written by this process alone. Beside it, `NAME.partial.from` says
/// where its bytes come from, so that a later process can go on.
#[derive(Debug)]
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    bytes: u64,
    resumed_from: u64,
}

/// Where the bytes of a partial file come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Origin {
    pub(crate) url: String,
    /// By what the server can tell that it still has that file.
    pub(crate) validator: Option<String>,
}

impl Partial {
    /// Opens what there is of a file, or makes it. The folder must exist.
    pub(crate) fn open(folder: &Path, name: &str) -> Result<Self, PullError> {
        let path = folder.join(format!("{name}.partial"));
        let failed = |source| PullError::File { path: path.clone(), source };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PullError::Busy { path }),
            // A file system without locks is no reason to go without the network.
            Err(TryLockError::Error(_)) => {}
        }
        // Another process may have finished it, and given it its name, while we opened it.
        if !path.exists() {
            return Err(PullError::Busy { path });
        }
        let bytes = file.metadata().map_err(failed)?.len();
        Ok(Self { file, path, bytes, resumed_from: bytes })
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many of its bytes an earlier process had left.
    pub(crate) const fn resumed_from(&self) -> u64 {
        self.resumed_from
    }

    /// Where its bytes come from, if that was written down.
    pub(crate) fn origin(&self) -> Option<Origin> {
        let text = fs::read_to_string(self.origin_path()).ok()?;
        let mut lines = text.lines();
        let url = lines.next()?.to_owned();
        Some(Origin { url, validator: lines.next().map(str::to_owned) })
    }

    /// Forgets all that there is, and writes down where the next bytes come from.
    pub(crate) fn begin(&mut self, origin: &Origin) -> Result<(), PullError> {
        let Origin { url, validator } = origin;
        let lines: Vec<&str> = std::iter::once(url.as_str()).chain(validator.as_deref()).collect();
        self.truncate()
            .and_then(|()| fs::write(self.origin_path(), lines.join("\n")))
            .map_err(|source| self.failed(source))
    }

    /// Forgets all that there is, and where it came from.
    pub(crate) fn clear(&mut self) -> Result<(), PullError> {
        self.forget_origin();
        self.truncate().map_err(|source| self.failed(source))
    }

    fn truncate(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        (self.bytes, self.resumed_from) = (0, 0);
        Ok(())
    }

    /// Adds bytes at the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), PullError> {
        let written = self.file.seek(SeekFrom::Start(self.bytes));
        written.and_then(|_| self.file.write_all(bytes)).map_err(|source| self.failed(source))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// The SHA-256 of all that there is, in lower-case hexadecimal.
    pub(crate) fn sha256(&mut self) -> Result<String, PullError> {
        self.rewind()?;
        sha256(&mut self.file).map_err(|source| self.failed(source))
    }

    /// The file, to be read from its beginning.
    pub(crate) fn rewind(&mut self) -> Result<&mut File, PullError> {
        self.file.rewind().map_err(|source| self.failed(source))?;
        Ok(&mut self.file)
    }

    /// Gives the file its name, once its bytes are on the disk.
    pub(crate) fn finish(self, path: &Path) -> Result<(), PullError> {
        let renamed = self.file.sync_all().and_then(|()| fs::rename(&self.path, path));
        renamed.map_err(|source| PullError::File { path: path.to_owned(), source })?;
        self.forget_origin();
        Ok(())
    }

    /// Removes it.
    pub(crate) fn discard(self) {
        // Who asks for this has a better error to tell.
        let _ = fs::remove_file(&self.path);
        self.forget_origin();
    }

    fn forget_origin(&self) {
        let _ = fs::remove_file(self.origin_path());
    }

    fn origin_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".from");
        path.into()
    }

    fn failed(&self, source: io::Error) -> PullError {
        PullError::File { path: self.path.clone(), source }
    }
}

/// The SHA-256 of what a reader has left, in lower-case hexadecimal.
pub(crate) fn sha256(reader: &mut impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(reader, &mut hash)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_process_goes_on_where_another_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin { url: "https://a.org/x".into(), validator: Some("\"1\"".into()) };
        let mut partial = Partial::open(folder.path(), "x").unwrap();
        assert_eq!((partial.bytes(), partial.origin()), (0, None));
        partial.begin(&origin).unwrap();
        partial.append(b"abc").unwrap();
        assert!(matches!(Partial::open(folder.path(), "x"), Err(PullError::Busy { .. })));
        drop(partial);

        let mut partial = Partial::open(folder.path(), "x").unwrap();
        assert_eq!((partial.bytes(), partial.origin()), (3, Some(origin)));
        partial.append(b"").unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            partial.sha256().unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        partial.append(b"d").unwrap();
        partial.finish(&folder.path().join("x")).unwrap();
        assert_eq!(fs::read(folder.path().join("x")).unwrap(), b"abcd");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Partial::open(Path::new("no/such/folder"), "x").unwrap_err().to_string();
        assert!(error.contains("x.partial"), "{error}");
    }
}
