//! One file of an archive.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

/// Hands the file of a name in a `.tgz` archive, whatever its folder, to `take`; `None` if there
/// is none. At most `bytes` of it, and one more, can be read: a longer one is not the file that
/// is looked for.
pub(crate) fn member<T>(
    archive: impl Read,
    name: &str,
    bytes: u64,
    take: impl FnOnce(&mut dyn Read) -> T,
) -> io::Result<Option<T>> {
    let mut archive = Archive::new(GzDecoder::new(archive));
    for entry in archive.entries()? {
        let entry = entry?;
        let is_file = entry.header().entry_type() == EntryType::Regular;
        let is_named = entry.path().is_ok_and(|path| is_called(&path, name));
        if is_file && is_named {
            return Ok(Some(take(&mut entry.take(bytes.saturating_add(1)))));
        }
    }
    Ok(None)
}

fn is_called(path: &Path, name: &str) -> bool {
    path.file_name() == Some(OsStr::new(name))
}
