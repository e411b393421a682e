//! Where models are looked for.

use std::env;
use std::path::{Path, PathBuf};

use super::{Format, Model, ModelError, Origin, open};
use crate::models;
use crate::nearest;

/// The folders that models are looked for in, and the networks that are built in.
///
/// A name stands for, in this order: the file at that path; a file of that name, with or
/// without the extension of a [`Format`], in each folder; a network that is built in.
///
/// ```
/// use pocketvision::{Catalog, Origin};
///
/// let built_in_alone = Catalog::new([]);
/// let origin = built_in_alone.find("mobilenet-v3-large")?;
/// assert!(matches!(origin, Origin::BuiltIn(definition) if definition.input_size.height == 224));
/// # Ok::<(), pocketvision::ModelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Catalog {
    folders: Vec<PathBuf>,
}

impl Catalog {
    /// Name of the environment variable that lists folders of models, separated as in `PATH`.
    pub const FOLDERS_VARIABLE: &str = "POCKETVISION_MODELS";

    /// The folders of `$POCKETVISION_MODELS`, then `pocketvision/models` in the user's cache
    /// folder. Folders need not exist.
    ///
    /// ```
    /// let catalog = pocketvision::Catalog::from_environment();
    /// for folder in catalog.folders() {
    ///     println!("models are looked for in {}", folder.display());
    /// }
    /// ```
    pub fn from_environment() -> Self {
        let listed = env::var_os(Self::FOLDERS_VARIABLE).unwrap_or_default();
        let listed = env::split_paths(&listed).filter(|folder| !folder.as_os_str().is_empty());
        let cache = dirs::cache_dir().map(|cache| cache.join("pocketvision").join("models"));
        Self::new(listed.chain(cache))
    }

    /// These folders, in this order.
    ///
    /// ```
    /// use pocketvision::Catalog;
    ///
    /// let catalog = Catalog::new(["models".into(), "/usr/share/models".into()]);
    /// assert_eq!(catalog.folders().len(), 2);
    /// ```
    pub fn new(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { folders: folders.into_iter().collect() }
    }

    /// The folders, in the order they are searched.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Every model that a name leads to: files in the order of the folders, each folder by
    /// name, then what is built in. Folders that are missing or may not be read are skipped.
    ///
    /// ```
    /// use pocketvision::Catalog;
    ///
    /// let names: Vec<String> =
    ///     Catalog::new([]).entries().into_iter().map(|entry| entry.name).collect();
    /// assert!(names.contains(&"mobilenet-edgetpu-1.0".to_owned()));
    /// ```
    pub fn entries(&self) -> Vec<CatalogEntry> {
        let mut entries: Vec<CatalogEntry> = Vec::new();
        for folder in &self.folders {
            let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| Format::of(path).is_some() && path.is_file())
                .collect();
            files.sort();
            for path in files {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                if entries.iter().all(|known| known.name != name) {
                    entries.push(CatalogEntry { name, origin: Origin::File(path) });
                }
            }
        }
        let built_in = models::ALL.iter().map(|definition| CatalogEntry {
            name: definition.name.to_owned(),
            origin: Origin::BuiltIn(definition),
        });
        entries.extend(built_in);
        entries
    }

    /// What a name or path leads to, without opening it.
    ///
    /// ```
    /// let catalog = pocketvision::Catalog::new([]);
    /// assert_eq!(catalog.find("mobilenet-v3-large")?.to_string(), "built in");
    /// let message = catalog.find("models/missing.tflite").unwrap_err().to_string();
    /// assert!(message.starts_with("models/missing.tflite: no such file"));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// If it leads to nothing, or to a folder, a pipe or a device.
    pub fn find(&self, name_or_path: &str) -> Result<Origin, ModelError> {
        let path = Path::new(name_or_path);
        if path.is_file() {
            return Ok(Origin::File(path.to_owned()));
        }
        let candidates = |folder: &PathBuf| {
            let with_extension = Format::ALL
                .map(|format| folder.join(format!("{name_or_path}.{}", format.extension())));
            [folder.join(name_or_path)].into_iter().chain(with_extension)
        };
        let in_folders = self
            .folders
            .iter()
            .flat_map(candidates)
            .find(|candidate| !name_or_path.is_empty() && candidate.is_file());
        if let Some(file) = in_folders {
            return Ok(Origin::File(file));
        }
        if let Some(definition) = models::find(name_or_path) {
            return Ok(Origin::BuiltIn(definition));
        }
        if path.exists() {
            return Err(ModelError::not_a_file(path));
        }
        let entries = self.entries();
        let wanted = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let hint = nearest::hint(&wanted, entries.iter().map(|entry| entry.name.as_str()));
        let is_path =
            path.components().count() > 1 || path.extension().is_some_and(open::is_model_file);
        Err(if is_path {
            ModelError::Missing { path: name_or_path.to_owned(), hint }
        } else {
            ModelError::Unknown { name: name_or_path.to_owned(), hint }
        })
    }

    /// The model that a name or path leads to; a built-in one with default options.
    ///
    /// ```
    /// let model = pocketvision::Catalog::new([]).load("mobilenet-edgetpu-cifar10")?;
    /// assert_eq!(model.origin().to_string(), "built in");
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::find`], and if the file cannot be read.
    pub fn load(&self, name_or_path: &str) -> Result<Model, ModelError> {
        match self.find(name_or_path)? {
            Origin::File(path) => Model::open(path),
            Origin::BuiltIn(definition) => Model::built_in(definition, &definition.options()),
        }
    }
}

/// A model that a name leads to.
#[derive(Clone, Debug)]
pub struct CatalogEntry {
    /// What people type.
    pub name: String,
    /// What it leads to.
    pub origin: Origin,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::write(folder.path().join(file), b"anything").unwrap();
        }
        folder
    }

    fn file_of(origin: Origin) -> PathBuf {
        match origin {
            Origin::File(path) => path,
            Origin::BuiltIn(definition) => panic!("{} is built in", definition.name),
        }
    }

    #[test]
    fn names_lead_to_paths_then_folders_then_built_in_networks() {
        let built_in = models::ALL[0].name;
        let first = folder_with(&["a.tflite", "b.tflite"]);
        let second = folder_with(&["b.tflite", &format!("{built_in}.tflite")]);
        let folders = [first.path(), second.path()].map(Path::to_owned);
        let catalog = Catalog::new(folders);
        let find = |name: &str| catalog.find(name).unwrap();

        let path = second.path().join("b.tflite");
        assert_eq!(file_of(find(path.to_str().unwrap())), path);
        assert_eq!(file_of(find("b")), first.path().join("b.tflite"));
        assert_eq!(file_of(find("a.tflite")), first.path().join("a.tflite"));
        assert_eq!(file_of(find(built_in)), second.path().join(format!("{built_in}.tflite")));
        assert!(matches!(Catalog::new([]).find(built_in), Ok(Origin::BuiltIn(_))));
    }

    #[test]
    fn every_entry_can_be_found_by_its_name() {
        let folder = folder_with(&["a.tflite", "notes.txt", "d.safetensors", "e.onnx", "f.pb"]);
        let catalog = Catalog::new([folder.path().to_owned(), "no/such/folder".into()]);
        let entries = catalog.entries();
        assert_eq!(entries.len(), 3 + models::ALL.len());
        for entry in entries {
            assert_eq!(catalog.find(&entry.name).unwrap().to_string(), entry.origin.to_string());
        }
    }

    #[test]
    fn unknown_names_get_the_nearest_of_files_and_built_in_networks() {
        let folder = folder_with(&["inception_v1.tflite"]);
        let catalog = Catalog::new([folder.path().to_owned()]);
        let message = |name: &str| catalog.find(name).unwrap_err().to_string();
        assert_eq!(
            message("inceptoin_v1"),
            "unknown model 'inceptoin_v1'; did you mean 'inception_v1'?"
        );
        assert!(message("mobilenet-edgetpu").contains("'mobilenet-edgetpu-1.0'"));
        assert!(
            message("nowhere/inception_v1.tflite").starts_with("nowhere/inception_v1.tflite: ")
        );
        assert!(message("").starts_with("unknown model ''"));
    }

    #[test]
    fn a_folder_is_no_file_of_a_network() {
        let folder = folder_with(&[]);
        let path = folder.path().to_str().unwrap();
        let expected = format!("{path}: it is a folder, where the file of a network is expected");
        assert_eq!(Catalog::new([]).find(path).unwrap_err().to_string(), expected);
        assert_eq!(Model::open(path).unwrap_err().to_string(), expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_no_file_of_a_network() {
        let message = Catalog::new([]).find("/dev/null").unwrap_err().to_string();
        assert!(message.starts_with("/dev/null: it is no regular file"), "{message}");
    }

    #[test]
    fn formats_that_cannot_be_read_yet_are_named() {
        let folder = folder_with(&["network.pb"]);
        let catalog = Catalog::new([folder.path().to_owned()]);
        let message = catalog.load("network.pb").unwrap_err().to_string();
        assert!(message.contains(".pb files are not supported"), "{message}");
    }
}
