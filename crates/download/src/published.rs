//! The list of published files.

use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;

/// A file that somebody published: a network, or what belongs to one.
///
/// ```
/// use pocketvision_download::{Task, find};
///
/// let file = find("mobilenet_edgetpu_224_1.0_uint8").expect("a file of the list");
/// assert_eq!(file.task, Task::Classify);
/// assert_eq!(file.stem(), "mobilenet_edgetpu_224_1.0_uint8");
/// println!("{}: {} ({})", file.what, file.url, file.licence);
/// ```
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedFile {
    /// What the file is called in a folder of models.
    pub name: String,
    /// The network, its input's size, its precision.
    pub what: String,
    /// What it is for.
    pub task: Task,
    /// Its home. If this ends in `.tgz`, the file of this name in the archive is meant.
    pub url: String,
    /// Its size; `None` if nobody here has had the file.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Its SHA-256 in lower-case hexadecimal; `None` if nobody here has had the file.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Its licence, as SPDX calls it.
    pub licence: String,
    /// Whose it is.
    pub source: String,
    /// The published accuracy.
    #[serde(default)]
    pub accuracy: Option<String>,
    /// Who published that accuracy.
    #[serde(default)]
    pub accuracy_source: Option<String>,
    /// Names of files of this list that it is little without.
    #[serde(default)]
    pub needs: Vec<String>,
}

impl PublishedFile {
    /// The name without its extension, by which `--model` finds it.
    pub fn stem(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(stem, _)| stem)
    }

    /// True if its home has it inside of an archive.
    pub(crate) fn is_archived(&self) -> bool {
        self.url.ends_with(".tgz") || self.url.ends_with(".tar.gz")
    }

    /// What the file that travels is called.
    pub(crate) fn travels_as(&self) -> &str {
        match Path::new(&self.url).file_name().and_then(|name| name.to_str()) {
            Some(archive) if self.is_archived() => archive,
            _ => &self.name,
        }
    }
}

/// What a published file is for.
///
/// ```
/// use pocketvision_download::Task;
///
/// assert_eq!(Task::Classify.name(), "classify");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// A network that says what a picture shows.
    Classify,
    /// A network that says what is where.
    Detect,
    /// A network that says what each pixel belongs to.
    Segment,
    /// Names of classes.
    Labels,
}

impl Task {
    /// As people type it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Detect => "detect",
            Self::Segment => "segment",
            Self::Labels => "labels",
        }
    }
}

/// Every published file that is known, in the order of the list.
///
/// ```
/// use pocketvision_download::{Task, published};
///
/// let detectors = published().iter().filter(|file| file.task == Task::Detect);
/// for file in detectors {
///     println!("{}: {}", file.name, file.what);
/// }
/// ```
pub fn published() -> &'static [PublishedFile] {
    &LIST.file
}

/// The published file of a name, with or without its extension.
///
/// ```
/// use pocketvision_download::find;
///
/// let by_stem = find("mobilenet_edgetpu_224_1.0_uint8").expect("a file of the list");
/// assert_eq!(find(&by_stem.name), Some(by_stem));
/// assert!(find("no such network").is_none());
/// ```
pub fn find(name: &str) -> Option<&'static PublishedFile> {
    let files = published();
    files
        .iter()
        .find(|file| file.name == name)
        .or_else(|| files.iter().find(|file| file.stem() == name))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    file: Vec<PublishedFile>,
}

/// That the list parses is tested, so that this cannot fail.
static LIST: LazyLock<List> =
    LazyLock::new(|| toml::from_str(TEXT).unwrap_or(List { file: Vec::new() }));

const TEXT: &str = include_str!("../published.toml");

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_list_is_complete() {
        let list: List = toml::from_str(TEXT).expect("the list parses");
        assert_eq!(list.file, published());
        assert!(!published().is_empty());
        let mut names = HashSet::new();
        for file in published() {
            let PublishedFile { name, url, .. } = file;
            assert!(names.insert(file.stem().to_lowercase()), "{name} is listed twice");
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            assert!(name.chars().all(plain) && !name.starts_with('.'), "{name}: not a plain name");
            assert!(url.starts_with("https://"), "{name}: {url}");
            assert_eq!(file.bytes.is_some(), file.sha256.is_some(), "{name}: of the same file");
            // An archive's file is taken out by its size, and nothing else vouches for it.
            assert!(!file.is_archived() || file.sha256.is_some(), "{name}: unchecked archive");
            assert_eq!(file.accuracy.is_some(), file.accuracy_source.is_some(), "{name}: accuracy");
            assert!(!file.licence.is_empty() && !file.source.is_empty() && !file.what.is_empty());
            if let Some(sha256) = &file.sha256 {
                let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                assert!(sha256.len() == 64 && sha256.chars().all(digit), "{name}: {sha256}");
            }
            for needed in &file.needs {
                assert!(find(needed).is_some_and(|needed| needed.needs.is_empty()), "{needed}");
            }
        }
    }

    #[test]
    fn files_are_found_with_and_without_their_extension() {
        let stem = "mobilenet_edgetpu_224_1.0_uint8";
        let file = find(stem).unwrap();
        assert_eq!((file.name.as_str(), file.stem()), (&*format!("{stem}.tflite"), stem));
        assert_eq!(find(&file.name), Some(file));
        assert_eq!(find("mobilenet_edgetpu_224_1"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn an_archive_travels_under_its_own_name() {
        let archived = find("v3-small_224_1.0_uint8").unwrap();
        assert_eq!(archived.travels_as(), "v3-small_224_1.0_uint8.tgz");
        let renamed = find("mobilenetv2_100.ra_in1k").unwrap();
        assert_eq!(renamed.travels_as(), "mobilenetv2_100.ra_in1k.safetensors");
    }
}
