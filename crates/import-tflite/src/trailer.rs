//! What follows the FlatBuffer in a file: nothing, or an archive of labels.
//!
//! A FlatBuffer does not say how long it is, and tools append a ZIP archive to it. A file
//! that was cut there still has its whole network, yet it is not the file that was
//! published, and the next reader of the labels would trip over it.

use crate::flatbuffer::{Damage, File};

/// Refuses a file that ends within a word of the FlatBuffer or within the archive after it.
///
/// What was read of the file is all of the FlatBuffer but for unused parts. It consists of
/// whole words; constants that follow it need not.
pub(crate) fn check(bytes: &[u8], file: &File<'_>) -> Result<(), Damage> {
    check_after(bytes, file.furthest(), file.has_data_after())
}

fn check_after(bytes: &[u8], furthest: usize, data_after: bool) -> Result<(), Damage> {
    let rest = &bytes[furthest..];
    let Some(start) = rest.windows(4).position(|window| window == ARCHIVE_START) else {
        let whole = data_after || bytes.len().is_multiple_of(WORD_BYTES);
        let damage = Damage { at: bytes.len(), what: "the last word" };
        return if whole { Ok(()) } else { Err(damage) };
    };
    let archive = &rest[start..];
    let is_end = |at: usize| {
        let record = &archive[at..];
        record.starts_with(ARCHIVE_END)
            && record.len() >= END_BYTES
            && record.len() - END_BYTES == usize::from(u16::from_le_bytes([record[20], record[21]]))
    };
    let first = archive.len().saturating_sub(END_BYTES + usize::from(u16::MAX));
    let damage = Damage { at: furthest + start, what: "the archive of labels" };
    if (first..archive.len()).any(is_end) { Ok(()) } else { Err(damage) }
}

/// Nothing in a FlatBuffer is aligned to less.
const WORD_BYTES: usize = 4;

/// Head of the first file of an archive.
const ARCHIVE_START: &[u8] = b"PK\x03\x04";

/// Head of the record that ends an archive; the length of a comment is its last field.
const ARCHIVE_END: &[u8] = b"PK\x05\x06";

/// Size of that record without the comment.
const END_BYTES: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_must_be_whole() {
        let mut file = b"network.PK\x03\x04labels.txtPK\x05\x06".to_vec();
        file.extend([0; 16]);
        file.extend(3u16.to_le_bytes());
        file.extend(b"end");
        assert_eq!(check_after(&file, 8, false), Ok(()));
        for length in 12..file.len() {
            assert_eq!(
                check_after(&file[..length], 8, false).unwrap_err().what,
                "the archive of labels"
            );
        }
        for length in 9..12 {
            assert_eq!(check_after(&file[..length], 8, false).unwrap_err().what, "the last word");
        }
        assert_eq!(check_after(&file[..8], 8, false), Ok(()), "a network without labels");
    }
}
