//! Brings a published file into a folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;

use ureq::Agent;

use crate::archive::member;
use crate::http::{Answer, Network, Rest, ask, read_failure};
use crate::partial::{Origin, Partial, sha256};
use crate::{Mirror, PublishedFile, PullError};

/// Brings published files into a folder.
#[derive(Clone, Debug)]
pub struct Puller {
    folder: PathBuf,
    mirror: Option<Mirror>,
    network: Network,
    replace: bool,
}

/// How much of a file is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes that are there, those of an earlier pull included.
    pub bytes: u64,
    /// Bytes of the whole, if anybody says.
    pub total: Option<u64>,
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

/// What a file that travels must be.
#[derive(Clone, Copy, Debug)]
struct Expected<'a> {
    bytes: Option<u64>,
    sha256: Option<&'a str>,
}

impl Puller {
    /// Into this folder, which is made if there is none, from where files are published.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let (folder, network) = (folder.into(), Network::default());
        Self { folder, mirror: None, network, replace: false }
    }

    /// From a mirror instead.
    #[must_use]
    pub fn from_mirror(self, mirror: Mirror) -> Self {
        Self { mirror: Some(mirror), ..self }
    }

    /// With other patience.
    #[must_use]
    pub fn with_network(self, network: Network) -> Self {
        Self { network, ..self }
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
        let agent = self.network.agent();
        let mut partial = Partial::open(&self.folder, name)?;
        let fetched = self.receive(&agent, url, expected, &mut partial, progress);
        settle(partial, fetched)
    }

    /// Receives a file and checks it; if it was put together of pieces and is wrong, once more
    /// from its beginning.
    fn receive(
        &self,
        agent: &Agent,
        url: &str,
        expected: Expected<'_>,
        partial: &mut Partial,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), PullError> {
        let in_pieces = self.receive_unchecked(agent, url, expected, partial, progress)?;
        match check(partial, url, expected) {
            Err(PullError::Checksum { .. }) if in_pieces => {
                partial.clear()?;
                self.receive_unchecked(agent, url, expected, partial, progress)?;
                check(partial, url, expected)
            }
            checked => checked,
        }
    }

    /// Asks until all is there, or there is no point in it. True if it came in pieces.
    fn receive_unchecked(
        &self,
        agent: &Agent,
        url: &str,
        expected: Expected<'_>,
        partial: &mut Partial,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<bool, PullError> {
        let mut pause = self.network.pause;
        let mut tries = self.network.tries;
        loop {
            tries = tries.saturating_sub(1);
            match self.ask_once(agent, url, expected, partial, progress) {
                Err(error) if error.may_pass() && tries > 0 => {
                    thread::sleep(pause);
                    pause *= 2;
                }
                from => return Ok(from? > 0),
            }
        }
    }

    /// Asks once for what is missing. Yields how many bytes were kept.
    fn ask_once(
        &self,
        agent: &Agent,
        url: &str,
        expected: Expected<'_>,
        partial: &mut Partial,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<u64, PullError> {
        let there = partial.bytes();
        if there > 0 && expected.bytes == Some(there) {
            return Ok(there);
        }
        let origin = partial.origin().filter(|origin| origin.url == url);
        let validator = origin.as_ref().and_then(|origin| origin.validator.as_deref());
        // Without a checksum, only the server can say that the rest belongs to what is there.
        let can_go_on = there > 0
            && (validator.is_some() || expected.sha256.is_some())
            && expected.bytes.is_none_or(|bytes| there < bytes);
        let rest = can_go_on.then_some(Rest { from: there, validator });
        let Answer { from, total, ends, validator, body } =
            match ask(agent, &self.network, url, rest) {
                // What is there is of no use to this server.
                Err(PullError::Status { status: 416, .. } | PullError::Protocol { .. })
                    if rest.is_some() =>
                {
                    ask(agent, &self.network, url, None)?
                }
                answer => answer?,
            };
        if let Some(total) = total {
            check_size(url, total, expected)?;
        } else if !ends && expected.bytes.is_none() {
            return Err(PullError::NoLength { url: url.into() });
        }
        if from == 0 {
            partial.begin(&Origin { url: url.into(), validator })?;
        }
        let total = total.or(expected.bytes);
        append(partial, &mut body.into_reader(), total, progress, |error, bytes| {
            read_failure(url, error, bytes, total, &self.network)
        })?;
        match (partial.bytes(), total) {
            (bytes, Some(total)) if bytes < total => Err(PullError::Broken {
                url: url.into(),
                bytes,
                total: Some(total),
                reason: "the server closed it".into(),
            }),
            (found, Some(bytes)) if found > bytes => {
                partial.clear()?;
                Err(PullError::Size { url: url.into(), found, bytes })
            }
            _ => Ok(from),
        }
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

/// Adds all that a reader has, unless that is more than there should be.
fn append(
    partial: &mut Partial,
    reader: &mut dyn Read,
    total: Option<u64>,
    progress: &mut dyn FnMut(Progress),
    failed: impl Fn(io::Error, u64) -> PullError,
) -> Result<(), PullError> {
    let mut buffer = vec![0; PIECE_BYTES];
    progress(Progress { bytes: partial.bytes(), total });
    while total.is_none_or(|total| partial.bytes() <= total) {
        let read = match reader.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| failed(error, partial.bytes()))?,
        };
        if read == 0 {
            break;
        }
        partial.append(&buffer[..read])?;
        progress(Progress { bytes: partial.bytes(), total });
    }
    Ok(())
}

fn check_size(url: &str, found: u64, expected: Expected<'_>) -> Result<(), PullError> {
    match expected.bytes {
        Some(bytes) if bytes != found => Err(PullError::Size { url: url.into(), found, bytes }),
        _ => Ok(()),
    }
}

fn check(partial: &mut Partial, url: &str, expected: Expected<'_>) -> Result<(), PullError> {
    let Some(sha256) = expected.sha256 else { return Ok(()) };
    let found = partial.sha256()?;
    if found == sha256 {
        return Ok(());
    }
    Err(PullError::Checksum { url: url.into(), found, sha256: sha256.into() })
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

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 << 10;
