//! Benchmarks kept in files, so that later ones can be judged by them.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, bail};
use pocketvision::Shape;
use serde::{Deserialize, Serialize};

use crate::output_file;

/// What was timed, and on what: two benchmarks are comparable if these are equal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub model: String,
    /// The elements of its weights, `int8` or `f32`.
    pub precision: String,
    /// Of its first input: batch, height, width, channels.
    pub input_shape: [usize; 4],
    pub macs: u64,
    pub backend: String,
    /// The processor's, adapter's or chip's name.
    pub device: String,
    /// What decides the device's speed, as (what, value).
    pub device_details: Vec<(String, String)>,
    /// Operating system and architecture, as in `linux x86_64`; `any` where nothing is timed.
    pub system: String,
}

/// A benchmark that was kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// Of this file's layout.
    pub format: u32,
    pub name: String,
    /// When it was kept, as in `2026-01-31T12:00:00Z`.
    pub saved_at: String,
    /// Of the program that timed it.
    pub version: String,
    #[serde(flatten)]
    pub setting: Setting,
    /// Whether times were `measured` or `simulated`.
    pub clock: String,
    /// Every timed run, in order.
    pub times_ms: Vec<f64>,
}

impl Setting {
    /// The first way in which another benchmark is of something else, in words; `None` if
    /// both are of the same.
    pub(crate) fn difference(&self, now: &Self) -> Option<String> {
        let shape = |setting: &Self| Shape::from(setting.input_shape).to_string();
        let pairs = [
            ("model", self.model.clone(), now.model.clone()),
            ("precision", self.precision.clone(), now.precision.clone()),
            ("input", shape(self), shape(now)),
            ("multiply-accumulates", self.macs.to_string(), now.macs.to_string()),
            ("backend", self.backend.clone(), now.backend.clone()),
            ("device", self.device.clone(), now.device.clone()),
            ("system", self.system.clone(), now.system.clone()),
        ];
        let detail = |setting: &Self, what: &str| {
            let found = setting.device_details.iter().find(|(known, _)| known == what);
            found.map_or_else(|| "none".to_owned(), |(_, value)| value.clone())
        };
        let whats = self.device_details.iter().chain(&now.device_details).map(|(what, _)| what);
        let details = whats.map(|what| (what.as_str(), detail(self, what), detail(now, what)));
        let (what, then, now) =
            pairs.into_iter().chain(details).find(|(_, then, now)| then != now)?;
        Some(format!("its {what} is {then}, and now it is {now}"))
    }
}

/// A folder of baselines.
#[derive(Clone, Debug)]
pub(crate) struct Baselines {
    folder: PathBuf,
}

impl Baselines {
    /// The environment variable that names the folder where no option does.
    pub(crate) const FOLDER_VARIABLE: &str = "POCKETVISION_BASELINES";

    /// The given folder, that of the environment, or the user's own.
    ///
    /// # Errors
    /// If the user has no folder for data.
    pub(crate) fn open(given: Option<&Path>) -> Result<Self> {
        let of_environment = || std::env::var_os(Self::FOLDER_VARIABLE).filter(|v| !v.is_empty());
        let own = || dirs::data_local_dir().map(|data| data.join("pocketvision").join("baselines"));
        let folder = given
            .map(Path::to_owned)
            .or_else(|| of_environment().map(PathBuf::from))
            .or_else(own)
            .context("there is no folder to keep baselines in: name one with --baselines")?;
        Ok(Self { folder })
    }

    /// Keeps a baseline under its name, in the place of an older one; the file.
    pub(crate) fn save(&self, baseline: &Baseline) -> Result<PathBuf> {
        let file = self.file(&baseline.name);
        output_file::make_folder(&self.folder)?;
        output_file::write(&file, &(serde_json::to_string_pretty(baseline)? + "\n"))?;
        Ok(file)
    }

    /// The baseline of a name.
    ///
    /// # Errors
    /// If there is none (the error names the nearest), or its file is damaged.
    pub(crate) fn load(&self, name: &str) -> Result<Baseline> {
        let file = self.file(name);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(self.missing(name)),
            Err(error) => {
                return Err(error).with_context(|| format!("{}: cannot be read", file.display()));
            }
        };
        let shown = file.display();
        let damaged = || format!("{shown}: is no baseline; make it anew with --save {name}");
        let found: FormatOnly = serde_json::from_str(&text).with_context(damaged)?;
        if found.format != FORMAT {
            bail!(
                "{shown}: was written by another version of this program (format {}, not \
                 {FORMAT}); make it anew with --save {name}",
                found.format
            );
        }
        let baseline: Baseline = serde_json::from_str(&text).with_context(damaged)?;
        let usable = |time: &f64| time.is_finite() && *time > 0.0;
        if baseline.times_ms.is_empty() || !baseline.times_ms.iter().all(usable) {
            bail!("{shown}: has times that no run takes; make it anew with --save {name}");
        }
        Ok(baseline)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn missing(&self, name: &str) -> String {
        let names = self.names();
        let folder = self.folder.display();
        if names.is_empty() {
            return format!(
                "there is no baseline '{name}' in {folder}, nor any other; make one with --save"
            );
        }
        let hint = pocketvision::hint(name, names.iter().map(String::as_str));
        format!("there is no baseline '{name}' in {folder}; {hint}")
    }

    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        names.sort();
        names
    }
}

/// A name that is a file's name on every system, and leads to no other folder.
pub(crate) fn baseline_name(text: &str) -> Result<String, String> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    match !text.is_empty()
        && text.len() <= 100
        && !text.starts_with(['.', '-'])
        && text.chars().all(allowed)
    {
        true => Ok(text.to_owned()),
        false => Err("a name of letters, digits, '-', '_' and '.' is expected".into()),
    }
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

/// The layout that is written and read.
pub(crate) const FORMAT: u32 = 1;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn baseline(name: &str, times_ms: Vec<f64>) -> Baseline {
        Baseline {
            format: FORMAT,
            name: name.into(),
            saved_at: "2026-01-31T12:00:00Z".into(),
            version: "0.1.0".into(),
            setting: Setting {
                model: "net".into(),
                precision: "int8".into(),
                input_shape: [1, 224, 224, 3],
                macs: 7,
                backend: "cpu".into(),
                device: "processor".into(),
                device_details: vec![("threads".into(), "2".into())],
                system: "linux x86_64".into(),
            },
            clock: "measured".into(),
            times_ms,
        }
    }

    #[test]
    fn a_baseline_is_read_as_it_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let baselines = Baselines::open(Some(&folder.path().join("new"))).unwrap();
        // Numbers that are short neither in binary nor in decimal.
        let saved = baseline("main", vec![0.1 + 0.2, 1.0 / 3.0, 1e-300]);
        baselines.save(&saved).unwrap();
        assert_eq!(baselines.load("main").unwrap(), saved);
    }

    #[test]
    fn what_is_missing_damaged_or_newer_is_said_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let baselines = Baselines::open(Some(folder.path())).unwrap();
        let error = |name: &str| format!("{:#}", baselines.load(name).unwrap_err());
        assert!(error("main").contains("nor any other"), "{}", error("main"));
        baselines.save(&baseline("release-1", vec![1.0])).unwrap();
        assert!(error("relase-1").contains("did you mean 'release-1'?"), "{}", error("relase-1"));
        let write = |text: &str| fs::write(folder.path().join("bad.json"), text).unwrap();
        for damaged in ["", "{", "[]", "{\"format\": 1}", "{\"format\": \"one\"}"] {
            write(damaged);
            assert!(error("bad").contains("is no baseline"), "{damaged}: {}", error("bad"));
        }
        write("{\"format\": 2}");
        assert!(error("bad").contains("another version"), "{}", error("bad"));
        for times in [vec![], vec![0.0], vec![-1.0]] {
            baselines.save(&baseline("bad", times)).unwrap();
            assert!(error("bad").contains("no run takes"), "{}", error("bad"));
        }
    }

    #[test]
    fn the_first_difference_of_settings_is_named() {
        let then = baseline("a", vec![1.0]).setting;
        assert_eq!(then.difference(&then), None);
        let mut now = then.clone();
        now.device_details[0].1 = "4".into();
        assert_eq!(then.difference(&now).unwrap(), "its threads is 2, and now it is 4");
        now.device_details.push(("bf16".into(), "yes".into()));
        now.device_details[0].1 = "2".into();
        assert_eq!(then.difference(&now).unwrap(), "its bf16 is none, and now it is yes");
        now.model = "other".into();
        assert_eq!(then.difference(&now).unwrap(), "its model is net, and now it is other");
    }

    #[test]
    fn names_lead_to_no_other_folder() {
        assert_eq!(baseline_name("v1.2_a-b"), Ok("v1.2_a-b".into()));
        for wrong in ["", "..", "../a", "a/b", "a\\b", "-a", ".a", "a b", "é"] {
            assert!(baseline_name(wrong).is_err(), "{wrong}");
        }
    }
}
