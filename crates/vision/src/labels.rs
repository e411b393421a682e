//! Names of classes, read from a text file.

use std::env;
use std::path::Path;

use crate::VisionError;
use crate::image::read_bounded;

/// Names of a network's classes, in the order of its scores.
///
/// A file has one class a line, with its number before it or not; of several comma-separated
/// names the first is shown.
/// Without a file, classes are called by number.
///
/// ```
/// use pocketvision_vision::Labels;
///
/// let names = ["background", "tench, Tinca tinca", "goldfish, Carassius auratus"];
/// let labels: Labels = names.map(str::to_owned).into_iter().collect();
/// assert_eq!(labels.name(1), Some("tench"));
/// assert_eq!(labels.all_names(1), Some("tench, Tinca tinca"));
/// assert_eq!((labels.len(), labels.name(3)), (3, None));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Labels {
    lines: Vec<String>,
}

impl Labels {
    /// Largest file that is read, 16 MiB.
    pub const MAX_FILE_BYTES: u64 = 16 << 20;

    /// Name of the file that [`Labels::find`] looks for: 1001 lines, `background` first.
    pub const IMAGENET_FILE: &str = "imagenet_labels.txt";

    /// Reads a file of one label a line. Lines may end as on Windows; empty lines at the
    /// end do not count.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_vision::Labels;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let file = folder.join("mine.labels.txt");
    /// std::fs::write(&file, "0 cat\n1 dog\n")?;
    /// assert_eq!(Labels::open(&file)?.name(1), Some("dog"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read, is not UTF-8, or has no labels.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, VisionError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let failure =
            |reason: &str| VisionError::Labels { name: name.clone(), reason: reason.into() };
        let bytes = read_bounded(path, Self::MAX_FILE_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| failure("it is not UTF-8 text"))?;
        Self::parse(&text).ok_or_else(|| failure("it has no lines"))
    }

    /// The labels of a text with one a line, as [`Labels::open`] reads them; `None` if there are
    /// none.
    ///
    /// ```
    /// use pocketvision_vision::Labels;
    ///
    /// assert_eq!(Labels::parse("0 cat\n1 dog\n").unwrap().name(1), Some("dog"));
    /// assert_eq!(Labels::parse("\n"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}').trim_end();
        if text.is_empty() {
            return None;
        }
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let unnumbered = without_numbers(&lines, 0).or_else(|| without_numbers(&lines, 1));
        let lines = unnumbered.unwrap_or(lines);
        Some(lines.into_iter().map(str::to_owned).collect())
    }

    /// Labels for a network of so many classes, from the first of these files that exists
    /// and fits: beside the model `MODEL.labels.txt` (the model's name without its
    /// extension) and `imagenet_labels.txt`; then `imagenet_labels.txt` in each folder of
    /// `$POCKETVISION_MODELS` and in the folder `labels` beside it; last in the folder `labels`
    /// beside the model's own. `None` if there is none.
    ///
    /// ```no_run
    /// use std::path::Path;
    ///
    /// use pocketvision_vision::Labels;
    ///
    /// let model = Path::new("models/mobilenet.tflite");
    /// match Labels::find(Some(model), 1001)? {
    ///     Some(labels) => println!("class 1 is called {:?}", labels.name(1)),
    ///     None => println!("classes are called by number"),
    /// }
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    ///
    /// # Errors
    /// If such a file exists and cannot be read.
    pub fn find(model: Option<&Path>, classes: usize) -> Result<Option<Self>, VisionError> {
        let mut files = Vec::new();
        if let Some(model) = model {
            files.push(model.with_extension("labels.txt"));
            files.push(model.with_file_name(Self::IMAGENET_FILE));
        }
        let models = env::var_os("POCKETVISION_MODELS").unwrap_or_default();
        for models in env::split_paths(&models).filter(|folder| !folder.as_os_str().is_empty()) {
            files.push(models.join(Self::IMAGENET_FILE));
            files.push(models.join("..").join("labels").join(Self::IMAGENET_FILE));
        }
        if let Some(folder) = model.and_then(Path::parent) {
            files.push(folder.join("..").join("labels").join(Self::IMAGENET_FILE));
        }
        for file in files.iter().filter(|file| file.is_file()) {
            if let Some(labels) = Self::open(file)?.for_classes(classes) {
                return Ok(Some(labels));
            }
        }
        Ok(None)
    }

    /// Labels that were put beside a model, in `MODEL.labels.txt` (the model's name without its
    /// extension), for a network of so many classes. `None` if there are none.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_vision::Labels;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let model = folder.join("mine.tflite");
    /// assert_eq!(Labels::beside(&model, 2)?, None);
    /// std::fs::write(folder.join("mine.labels.txt"), "cat\ndog\n")?;
    /// assert_eq!(Labels::beside(&model, 2)?.map(|labels| labels.len()), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is such a file and it cannot be read, or has another number of classes.
    pub fn beside(model: &Path, classes: usize) -> Result<Option<Self>, VisionError> {
        let file = model.with_extension("labels.txt");
        if !file.is_file() {
            return Ok(None);
        }
        Self::open_for(&file, classes).map(Some)
    }

    /// Reads a file of labels for a network of so many classes.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_vision::Labels;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let file = folder.join("mine.labels.txt");
    /// std::fs::write(&file, "cat\ndog\n")?;
    /// assert_eq!(Labels::open_for(&file, 2)?.len(), 2);
    /// assert!(Labels::open_for(&file, 10).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Labels::open`], and if the file has another number of classes.
    pub fn open_for(file: impl AsRef<Path>, classes: usize) -> Result<Self, VisionError> {
        let file = file.as_ref();
        let labels = Self::open(file)?;
        let lines = labels.len();
        labels.for_classes(classes).ok_or_else(|| VisionError::Labels {
            name: file.display().to_string(),
            reason: format!("it has {lines} lines for a network of {classes} classes"),
        })
    }

    /// The labels for a network of so many classes: themselves if they are as many; without
    /// the first if that is `background` and the network has no such class; otherwise `None`.
    ///
    /// ```
    /// use pocketvision_vision::Labels;
    ///
    /// let names = ["background", "cat", "dog"].map(str::to_owned);
    /// let labels: Labels = names.into_iter().collect();
    /// let without = labels.clone().for_classes(2).expect("the background is left out");
    /// assert_eq!(without.name(0), Some("cat"));
    /// assert_eq!(labels.for_classes(10), None);
    /// ```
    pub fn for_classes(mut self, classes: usize) -> Option<Self> {
        if self.lines.len() == classes + 1 && self.lines[0] == "background" {
            self.lines.remove(0);
        }
        (self.lines.len() == classes).then_some(self)
    }

    /// Number of classes.
    pub const fn len(&self) -> usize {
        self.lines.len()
    }

    /// True if there are no classes.
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A class's first name, as in `tench` for `tench, Tinca tinca`.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.all_names(index).map(|line| line.split(',').next().unwrap_or(line).trim())
    }

    /// All of a class's names, as the file has them.
    pub fn all_names(&self, index: usize) -> Option<&str> {
        self.lines.get(index).map(String::as_str)
    }
}

impl FromIterator<String> for Labels {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self { lines: names.into_iter().collect() }
    }
}

/// The lines without their numbers, if every one has its own, as in `0  background`.
fn without_numbers<'a>(lines: &[&'a str], first: usize) -> Option<Vec<&'a str>> {
    let name = |(number, line): (usize, &&'a str)| {
        let rest = line.strip_prefix(&number.to_string())?;
        let name = rest.trim_start_matches([' ', '\t', ':']);
        // `10` is no line without a name after the number 1.
        (!name.is_empty() && !rest.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
    };
    (first..).zip(lines).map(name).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn labels(lines: &[&str]) -> Labels {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn the_background_class_is_dropped_for_networks_without_it() {
        let with_background = labels(&["background", "tench, Tinca tinca", "goldfish"]);
        let all = with_background.clone().for_classes(3).unwrap();
        assert_eq!((all.name(0), all.name(1)), (Some("background"), Some("tench")));
        let without = with_background.clone().for_classes(2).unwrap();
        assert_eq!(without.name(0), Some("tench"));
        assert_eq!(without.all_names(0), Some("tench, Tinca tinca"));
        assert_eq!(with_background.for_classes(4), None);
        assert_eq!(labels(&["cat", "dog"]).for_classes(1), None);
    }

    #[test]
    fn labels_beside_the_model_are_found_and_its_own_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("net.v2.tflite");
        fs::write(folder.path().join(Labels::IMAGENET_FILE), "background\r\na\r\nb\r\n").unwrap();
        let found = Labels::find(Some(&model), 2).unwrap().unwrap();
        assert_eq!((found.name(0), found.name(1)), (Some("a"), Some("b")));
        fs::write(folder.path().join("net.v2.labels.txt"), "x\ny\n").unwrap();
        let found = Labels::find(Some(&model), 2).unwrap().unwrap();
        assert_eq!(found.name(0), Some("x"));
    }

    #[test]
    fn numbers_before_every_name_are_no_part_of_it() {
        let read = |text: &str| Labels::parse(text).unwrap().lines;
        assert_eq!(
            read("0  background\n1  tench, Tinca tinca\n"),
            ["background", "tench, Tinca tinca"]
        );
        assert_eq!(read("1:cat\n2:dog"), ["cat", "dog"]);
        // Not of every line.
        assert_eq!(read("0 zero\none"), ["0 zero", "one"]);
        assert_eq!(read("0\n1\n2"), ["0", "1", "2"]);
        assert_eq!(read("2\t3D glasses\n3\tx"), ["2\t3D glasses", "3\tx"]);
        assert_eq!(Labels::parse("\u{feff} \n"), None);
    }

    #[test]
    fn files_that_are_no_labels_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("empty.txt", &b"\n \n"[..]), ("binary.txt", &[0xFF, 0xFE, 0x00])] {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let message = Labels::open(&path).unwrap_err().to_string();
            assert!(
                message.contains(name) && message.contains("not a list of labels"),
                "{message}"
            );
        }
        let model = folder.path().join("net.tflite");
        assert_eq!(Labels::beside(&model, 2).unwrap(), None);
        fs::write(folder.path().join("net.labels.txt"), "x\ny\n").unwrap();
        assert_eq!(Labels::beside(&model, 2).unwrap().unwrap().name(1), Some("y"));
        let message = Labels::beside(&model, 3).unwrap_err().to_string();
        assert!(message.contains("net.labels.txt") && message.contains("2 lines"), "{message}");
        let missing = Labels::open(folder.path().join("missing.txt")).unwrap_err();
        assert!(missing.to_string().contains("missing.txt: cannot be read"));
    }
}
