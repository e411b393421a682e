//! The file that is pulled, and the folder that it is pulled into.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pocketvision_download::{Network, PublishedFile, PullError, Pulled, Puller, Task};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub(crate) const NAME: &str = "net.tflite";

/// Bytes that are not alike, of a size that is no multiple of anything.
pub(crate) fn contents() -> Vec<u8> {
    (0..200_003u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file as the list would have it.
pub(crate) fn listed(url: String) -> PublishedFile {
    let bytes = contents();
    PublishedFile {
        name: NAME.into(),
        what: "a network".into(),
        task: Task::Classify,
        url,
        bytes: Some(bytes.len() as u64),
        sha256: Some(sha256(&bytes)),
        licence: "Apache-2.0".into(),
        source: "us".into(),
        accuracy: None,
        accuracy_source: None,
        needs: vec![],
    }
}

/// The file as it is listed when nobody here has had it.
pub(crate) fn unchecked(url: String) -> PublishedFile {
    PublishedFile { bytes: None, sha256: None, ..listed(url) }
}

pub(crate) fn network() -> Network {
    Network {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
        tries: 1,
        pause: Duration::ZERO,
        proxies: false,
    }
}

/// A folder, and a puller into it.
pub(crate) struct Folder {
    pub(crate) folder: TempDir,
    pub(crate) puller: Puller,
}

impl Folder {
    pub(crate) fn new(network: Network) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let puller = Puller::new(folder.path()).with_network(network);
        Self { folder, puller }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn pull(&self, file: &PublishedFile) -> Result<Pulled, PullError> {
        self.puller.pull(file, &mut |_| ())
    }

    /// The names of all files in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The file is there, is right, and nothing else is.
    pub(crate) fn assert_complete(&self) {
        assert_eq!(self.names(), [NAME]);
        assert!(fs::read(self.path(NAME)).unwrap() == contents(), "other bytes");
    }

    /// Nothing is under the file's name, and so much beside it.
    pub(crate) fn assert_partial(&self, bytes: usize) {
        assert!(!self.path(NAME).exists());
        let partial = fs::read(self.path("net.tflite.partial")).unwrap();
        assert!(partial == contents()[..bytes], "{} bytes", partial.len());
    }
}
