//! Brings a published file into a folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ureq::Agent;

use crate::archive::member;
use crate::fetch::{Expected, Fetch, Progress, append, check, check_size};
use crate::http::Network;
use crate::partial::{Partial, sha256};
use crate::{Mirror, PublishedFile, PullError};

/// Brings published files into a folder.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_download::{Mirror, Puller, published};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// // A mirror that lacks the file.
/// let puller = Puller::new(folder.join("models")).from_mirror(Mirror::Folder(folder.to_owned()));
/// let error = puller.pull(&published()[0], &mut |_| ()).unwrap_err();
/// assert!(!error.is_offline());
/// assert_eq!(puller.folder(), folder.join("models"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Puller {
    folder: PathBuf,
    mirror: Option<Mirror>,
    network: Network,
    /// Made for the first file that comes from a server; its connections serve the others.
    agent: OnceLock<Agent>,
    replace: bool,
}

/// A file that is in its folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pulled {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// True if it was there before.
    pub was_here: bool,
    /// Bytes that an earlier pull had left.
    pub resumed_from: u64,
    /// True if its SHA-256 is that of the list; false if the list has none.
    pub checked: bool,
}

impl Puller {
    /// Into this folder, which is made if there is none, from where files are published.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            mirror: None,
            network: Network::default(),
            agent: OnceLock::new(),
            replace: false,
        }
    }

    /// From a mirror instead.
    #[must_use]
    pub fn from_mirror(self, mirror: Mirror) -> Self {
        Self { mirror: Some(mirror), ..self }
    }

    /// With other patience.
    #[must_use]
    pub fn with_network(self, network: Network) -> Self {
        Self { network, agent: OnceLock::new(), ..self }
    }

    /// Over a file of the same name that is there already, if `replace` is true.
    #[must_use]
    pub fn replacing(self, replace: bool) -> Self {
        Self { replace, ..self }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Brings a file into the folder, or finds it there. `progress` hears of every piece.
    ///
    /// ```no_run
    /// use pocketvision_download::{Puller, find};
    ///
    /// let file = find("mobilenet_edgetpu_224_1.0_uint8").ok_or("no such network")?;
    /// let pulled = Puller::new("models").pull(file, &mut |progress| match progress.total {
    ///     Some(total) => println!("{} of {total} bytes", progress.bytes),
    ///     None => println!("{} bytes", progress.bytes),
    /// })?;
    /// assert!(pulled.checked, "its SHA-256 is that of the list");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be had or written, is another one than the list says, or another file
    /// of its name is there. Nothing new is under its name then; what came is kept beside it for
    /// the next pull, unless it was wrong.
    pub fn pull(
        &self,
        file: &PublishedFile,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Pulled, PullError> {
        let path = self.folder.join(&file.name);
        if !self.replace && fs::symlink_metadata(&path).is_ok() {
            return already_here(file, path);
        }
        fs::create_dir_all(&self.folder)
            .map_err(|source| PullError::File { path: self.folder.clone(), source })?;
        let whole = Expected { bytes: file.bytes, sha256: file.sha256.as_deref() };
        let partial = match &self.mirror {
            Some(Mirror::Folder(mirror)) => {
                self.copy(&mirror.join(&file.name), &file.name, whole, progress)?
            }
            Some(Mirror::Url(mirror)) => {
                self.fetch(&format!("{mirror}/{}", file.name), &file.name, whole, progress)?
            }
            None if file.is_archived() => {
                let archive = Expected { bytes: None, sha256: None };
                let archive = self.fetch(&file.url, file.travels_as(), archive, progress)?;
                self.unpack(archive, file, whole)?
            }
            None => self.fetch(&file.url, &file.name, whole, progress)?,
        };
        let (bytes, resumed_from) = (partial.bytes(), partial.resumed_from());
        partial.finish(&path)?;
        Ok(Pulled { path, bytes, was_here: false, resumed_from, checked: file.sha256.is_some() })
    }

    /// A file of a mirror's folder.
    fn copy(
        &self,
        from: &Path,
        name: &str,
        expected: Expected<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Partial, PullError> {
        let failed = |source| PullError::File { path: from.to_owned(), source };
        let mut source = File::open(from).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => PullError::NotInMirror { path: from.to_owned() },
            _ => failed(source),
        })?;
        let url = from.display().to_string();
        let total = source.metadata().map_err(failed)?.len();
        check_size(&url, total, expected)?;
        let mut partial = Partial::open(&self.folder, name)?;
        let copied = partial
            .clear()
            .and_then(|()| {
                append(&mut partial, &mut source, Some(total), progress, |error, _| failed(error))
            })
            .and_then(|()| check(&mut partial, &url, expected));
        settle(partial, copied)
    }

    /// A file from a server.
    fn fetch(
        &self,
        url: &str,
        name: &str,
        expected: Expected<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Partial, PullError> {
        let mut partial = Partial::open(&self.folder, name)?;
        let (network, agent) = (&self.network, self.agent.get_or_init(|| self.network.agent()));
        let fetched = Fetch { network, agent, url, expected }.run(&mut partial, progress);
        settle(partial, fetched)
    }

    /// The file that is meant, out of an archive, which goes.
    fn unpack(
        &self,
        mut archive: Partial,
        file: &PublishedFile,
        expected: Expected<'_>,
    ) -> Result<Partial, PullError> {
        let PublishedFile { name, url, .. } = file;
        let mut partial = Partial::open(&self.folder, name)?;
        let unpacked = partial.clear().and_then(|()| {
            let damaged = |reason| PullError::Archive { url: url.clone(), reason };
            let broken = |error: io::Error| damaged(format!("the archive is damaged: {error}"));
            let bytes = expected.bytes.unwrap_or(u64::MAX);
            member(archive.rewind()?, name, bytes, |member| {
                append(&mut partial, member, None, &mut |_| (), |error, _| broken(error))
            })
            .map_err(broken)?
            .unwrap_or_else(|| Err(damaged(format!("the archive has no {name}"))))?;
            check_size(url, partial.bytes(), expected)?;
            check(&mut partial, url, expected)
        });
        if unpacked.is_err() {
            // Nothing of it would be better the next time.
            let _ = partial.clear();
        }
        archive.discard();
        settle(partial, unpacked)
    }
}

/// A file that is there before anything is fetched.
fn already_here(file: &PublishedFile, path: PathBuf) -> Result<Pulled, PullError> {
    let failed = |source| PullError::File { path: path.clone(), source };
    let mut found = File::open(&path).map_err(failed)?;
    let bytes = found.metadata().map_err(failed)?.len();
    let differs = |reason| Err(PullError::Exists { path: path.clone(), reason });
    if let Some(expected) = file.bytes.filter(|expected| *expected != bytes) {
        return differs(format!("{bytes} bytes, not {expected}"));
    }
    if let Some(expected) = &file.sha256 {
        let found = sha256(&mut found).map_err(failed)?;
        if found != *expected {
            return differs(format!("SHA-256 {found}"));
        }
    }
    Ok(Pulled { path, bytes, was_here: true, resumed_from: 0, checked: file.sha256.is_some() })
}

/// Keeps what a later pull can go on with, and nothing else.
fn settle(partial: Partial, result: Result<(), PullError>) -> Result<Partial, PullError> {
    match result {
        Ok(()) => Ok(partial),
        Err(error) => {
            if partial.bytes() == 0 || matches!(error, PullError::Checksum { .. }) {
                partial.discard();
            }
            Err(error)
        }
    }
}
