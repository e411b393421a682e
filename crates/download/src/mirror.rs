//! Another place to have files from.

use std::path::PathBuf;

/// A folder of files, here or elsewhere, in which each has the name that the list gives it.
///
/// ```
/// use pocketvision_download::Mirror;
///
/// assert!(matches!(Mirror::parse("/media/models"), Mirror::Folder(_)));
/// assert!(matches!(Mirror::parse("https://example.com/models/"), Mirror::Url(_)));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mirror {
    /// A folder that this machine can read.
    Folder(PathBuf),
    /// The address of a folder, without a slash at its end.
    Url(String),
}

impl Mirror {
    /// What somebody typed: an address if it begins like one, else a folder.
    pub fn parse(text: &str) -> Self {
        let begins = |scheme: &str| {
            text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        if begins("http://") || begins("https://") {
            Self::Url(text.trim_end_matches('/').to_owned())
        } else {
            Self::Folder(PathBuf::from(text.strip_prefix("file://").unwrap_or(text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_folders_are_told_apart() {
        let url = |text: &str| Mirror::Url(text.into());
        let folder = |text: &str| Mirror::Folder(text.into());
        assert_eq!(Mirror::parse("https://a.org/models/"), url("https://a.org/models"));
        assert_eq!(Mirror::parse("HTTP://a.org"), url("HTTP://a.org"));
        assert_eq!(Mirror::parse("models/tflite"), folder("models/tflite"));
        assert_eq!(Mirror::parse("file:///srv/models"), folder("/srv/models"));
        assert_eq!(Mirror::parse("https"), folder("https"));
        assert_eq!(Mirror::parse("é"), folder("é"));
    }
}
