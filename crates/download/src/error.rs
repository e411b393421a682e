//! Why a file was not fetched.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A file could not be fetched. Nothing is under its name that was not there before.
///
/// ```
/// use pocketvision_download::PullError;
///
/// let offline = PullError::Unreachable {
///     host: "example.com".into(),
///     reason: "no such host".into(),
/// };
/// assert!(offline.is_offline());
/// ```
#[derive(Debug, Error)]
pub enum PullError {
    /// There is no way to the server: no network, no such host, no proxy.
    #[error(
        "{host} cannot be reached ({reason}); without a network, --from DIR takes the file from a \
         folder that has it"
    )]
    Unreachable {
        /// The server.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// The server is not who it should be.
    #[error(
        "{host} could not prove who it is ({reason}); behind a proxy that reads along, let \
         SSL_CERT_FILE name its certificate"
    )]
    Certificate {
        /// The server.
        host: String,
        /// What was wrong with its certificate.
        reason: String,
    },
    /// The server refused.
    #[error("{url}: the server answers {status}{}", advice(*.status))]
    Status {
        /// What was asked for.
        url: String,
        /// HTTP's code.
        status: u16,
    },
    /// The server sent nothing for too long.
    #[error(
        "{url}: nothing came for {seconds} s, after {bytes} bytes; run the command again to go on \
         from there"
    )]
    Stalled {
        /// What was asked for.
        url: String,
        /// How long we waited.
        seconds: u64,
        /// What had come.
        bytes: u64,
    },
    /// The connection ended too early.
    #[error(
        "{url}: the connection broke after {bytes} bytes{} ({reason}); run the command again to go \
         on from there",
        of(.total)
    )]
    Broken {
        /// What was asked for.
        url: String,
        /// What had come.
        bytes: u64,
        /// What should have come, if that is known.
        total: Option<u64>,
        /// How it broke.
        reason: String,
    },
    /// The server has a file of another size, or sends more than it said.
    #[error("{url}: the server has {found} bytes where the file has {bytes}: it is another file")]
    Size {
        /// What was asked for.
        url: String,
        /// What the server has.
        found: u64,
        /// The file's size.
        bytes: u64,
    },
    /// The server does not say how much it sends, and nobody else does.
    #[error("{url}: the server does not say how long the file is, so a break would go unnoticed")]
    NoLength {
        /// What was asked for.
        url: String,
    },
    /// All came, and it is something else.
    #[error(
        "{url}: what came is another file: its SHA-256 is {found} and should be {sha256}; it was \
         thrown away"
    )]
    Checksum {
        /// What was asked for.
        url: String,
        /// The checksum of what came.
        found: String,
        /// The file's checksum.
        sha256: String,
    },
    /// The archive is damaged or lacks the file.
    #[error("{url}: {reason}")]
    Archive {
        /// The archive.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address is none, or what the server says makes no sense.
    #[error("{url}: {reason}")]
    Protocol {
        /// What was asked for.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The mirror lacks the file.
    #[error("{}: the mirror has no such file", path.display())]
    NotInMirror {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file of this name is there, and is another one.
    #[error("{}: exists already and is another file ({reason}); --force replaces it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// How it differs.
        reason: String,
    },
    /// Another process fetches the same file.
    #[error("{}: another process is fetching it; wait for that one", path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// The file cannot be written, or the mirror's not be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl PullError {
    /// True if there is no way to the server at all.
    pub const fn is_offline(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// True if it may go better in a moment.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::Stalled { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 416 | 429 | 500..=599),
            _ => false,
        }
    }
}

const fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 => ": it does not let us; --from names another place to have the file from",
        404 | 410 => ": the file has gone; --from names another place to have it from",
        429 => ": too many were asked for; try again in a while",
        500..=599 => ": it is out of order; try again in a while",
        _ => "; --from names another place to have the file from",
    }
}

fn of(total: &Option<u64>) -> String {
    total.map_or_else(String::new, |total| format!(" of {total}"))
}
