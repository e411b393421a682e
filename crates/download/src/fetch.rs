//! Fetches one file from a server, in as many pieces as it takes.

use std::io::{self, Read};
use std::thread;

use ureq::Agent;

use crate::PullError;
use crate::http::{Answer, Network, Rest, ask, read_failure};
use crate::partial::{Origin, Partial};

/// How much of a file is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes that are there, those of an earlier pull included.
    pub bytes: u64,
    /// Bytes of the whole, if anybody says.
    pub total: Option<u64>,
}

/// What a file that travels must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) bytes: Option<u64>,
    pub(crate) sha256: Option<&'a str>,
}

/// A file of a server.
pub(crate) struct Fetch<'a> {
    pub(crate) network: &'a Network,
    pub(crate) agent: &'a Agent,
    pub(crate) url: &'a str,
    pub(crate) expected: Expected<'a>,
}

impl Fetch<'_> {
    /// Receives a file and checks it; if it was put together of pieces and is wrong, once more
    /// from its beginning.
    pub(crate) fn run(
        &self,
        partial: &mut Partial,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), PullError> {
        let in_pieces = self.pieces(partial, progress)?;
        match check(partial, self.url, self.expected) {
            Err(PullError::Checksum { .. }) if in_pieces => {
                partial.clear()?;
                self.pieces(partial, progress)?;
                check(partial, self.url, self.expected)
            }
            checked => checked,
        }
    }

    /// Asks until all is there, or there is no point in it. True if it came in pieces.
    fn pieces(
        &self,
        partial: &mut Partial,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<bool, PullError> {
        let mut pause = self.network.pause;
        let mut tries = self.network.tries;
        loop {
            tries = tries.saturating_sub(1);
            match self.once(partial, progress) {
                Err(error) if error.may_pass() && tries > 0 => {
                    thread::sleep(pause);
                    pause *= 2;
                }
                from => return Ok(from? > 0),
            }
        }
    }

    /// Asks once for what is missing. Yields how many bytes were kept.
    fn once(
        &self,
        partial: &mut Partial,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<u64, PullError> {
        let Self { network, agent, url, expected } = self;
        let (url, expected) = (*url, *expected);
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
        let Answer { from, total, ends, validator, body } = match ask(agent, network, url, rest) {
            // What is there is of no use to this server.
            Err(PullError::Status { status: 416, .. } | PullError::Protocol { .. })
                if rest.is_some() =>
            {
                ask(agent, network, url, None)?
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
            read_failure(url, error, bytes, total, network)
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
}

/// Adds all that a reader has, unless that is more than there should be.
pub(crate) fn append(
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

pub(crate) fn check_size(url: &str, found: u64, expected: Expected<'_>) -> Result<(), PullError> {
    match expected.bytes {
        Some(bytes) if bytes != found => Err(PullError::Size { url: url.into(), found, bytes }),
        _ => Ok(()),
    }
}

pub(crate) fn check(
    partial: &mut Partial,
    url: &str,
    expected: Expected<'_>,
) -> Result<(), PullError> {
    let Some(sha256) = expected.sha256 else { return Ok(()) };
    let found = partial.sha256()?;
    if found == sha256 {
        return Ok(());
    }
    Err(PullError::Checksum { url: url.into(), found, sha256: sha256.into() })
}

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 << 10;
