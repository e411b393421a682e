//! Folders of pictures with a class each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pocketvision::Catalog;
use pocketvision::vision::Labels;

use super::{class_folders, no_pictures, pictures};

/// A picture and the index of its class among a network's scores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LabelledImage {
    pub path: PathBuf,
    pub class: usize,
}

/// All pictures of a folder, in order, for a network of so many classes.
///
/// If a subfolder holds pictures, each subfolder is a class; else each file is named by the
/// WordNet id of its class. `wnids` is a file of WordNet ids, a line a class.
pub(crate) fn read(
    folder: &Path,
    classes: usize,
    labels: Option<&Labels>,
    wnids: Option<&Path>,
) -> Result<Vec<LabelledImage>> {
    let mut images = class_folders(folder)?;
    if images.is_empty() {
        images = pictures(folder)?
            .into_iter()
            .map(|path| {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let class = stem.split('_').next().unwrap_or_default().to_owned();
                (path, class)
            })
            .collect();
        if let Some((path, _)) = images.iter().find(|(_, class)| !is_wnid(class)) {
            bail!(
                "{}: cannot tell its class; name files as in n01440764_tench.JPEG, or put them \
                 in one folder a class",
                path.display()
            );
        }
    }
    if images.is_empty() {
        return Err(no_pictures(folder));
    }
    let names: BTreeSet<&str> = images.iter().map(|(_, class)| class.as_str()).collect();
    let indices = class_indices(&names, classes, labels, folder, wnids)?;
    let class_of = |name: &str| indices[name];
    Ok(images
        .iter()
        .map(|(path, class)| LabelledImage { path: path.clone(), class: class_of(class) })
        .collect())
}

/// The index of each class's name among the network's scores.
fn class_indices<'a>(
    names: &BTreeSet<&'a str>,
    classes: usize,
    labels: Option<&Labels>,
    folder: &Path,
    wnids: Option<&Path>,
) -> Result<BTreeMap<&'a str, usize>> {
    let wnid_indices = match names.iter().any(|name| is_wnid(name)) {
        true => wnid_indices(names, classes, folder, wnids)?,
        false => BTreeMap::new(),
    };
    let index = |name: &str| -> Option<usize> {
        if is_wnid(name) {
            return wnid_indices.get(name).copied();
        }
        let by_number = name.parse().ok().filter(|index| *index < classes);
        by_number.or_else(|| index_of_label(labels?, name))
    };
    names
        .iter()
        .map(|name| match index(name) {
            Some(index) => Ok((*name, index)),
            None if is_wnid(name) => bail!("'{name}' is not in the list of WordNet ids"),
            None => bail!(
                "folder '{name}': neither a WordNet id, nor an index below {classes}, nor a \
                 label of the network{}",
                if labels.is_none() { ", which has no labels" } else { "" }
            ),
        })
        .collect()
}

/// WordNet ids to indices, by a list of them, or by their order if the folder has one for
/// every class.
fn wnid_indices(
    names: &BTreeSet<&str>,
    classes: usize,
    folder: &Path,
    wnids: Option<&Path>,
) -> Result<BTreeMap<String, usize>> {
    let (list, source) = match wnids {
        Some(file) => {
            let text = fs::read_to_string(file)
                .with_context(|| format!("{}: cannot be read", file.display()))?;
            let list: Vec<String> =
                text.lines().map(|line| line.trim().to_owned()).filter(|l| !l.is_empty()).collect();
            if let Some(other) = list.iter().find(|line| !is_wnid(line)) {
                bail!("{}: '{other}' is no WordNet id", file.display());
            }
            (list, file.display().to_string())
        }
        None => {
            let found: Vec<String> =
                names.iter().filter(|n| is_wnid(n)).map(ToString::to_string).collect();
            if found.len() != classes && found.len() + 1 != classes {
                bail!(
                    "{} has {} of the network's {classes} classes, so a list is needed to tell \
                     which: pass --wnids FILE, one WordNet id a line",
                    folder.display(),
                    found.len()
                );
            }
            (found, folder.display().to_string())
        }
    };
    let background = match classes.checked_sub(list.len()) {
        Some(background @ (0 | 1)) => background,
        _ => bail!("{source}: {} WordNet ids do not fit {classes} classes", list.len()),
    };
    let indexed = list.into_iter().enumerate();
    Ok(indexed.map(|(line, wnid)| (wnid, line + background)).collect())
}

/// The first list of WordNet ids near a folder of pictures or near the models that fits a
/// network of so many classes, with or without a background class.
pub(crate) fn find_wnid_list(folder: &Path, classes: usize) -> Option<PathBuf> {
    let up = folder.join("..");
    let near = [folder.to_owned(), up.clone(), up.join("labels"), up.join("..").join("labels")];
    let catalog = Catalog::from_environment();
    let beside_models =
        catalog.folders().iter().flat_map(|models| [models.clone(), models.join("../labels")]);
    let folders = near.into_iter().chain(beside_models);
    let fits = |file: &PathBuf| {
        let lines = fs::read_to_string(file).map(|text| text.lines().count());
        lines.is_ok_and(|lines| lines == classes || lines + 1 == classes)
    };
    folders.map(|folder| folder.join(WNID_LIST)).find(fits)
}

/// The only class that has this name, ignoring case and underscores.
fn index_of_label(labels: &Labels, name: &str) -> Option<usize> {
    let plain = |name: &str| name.trim().to_lowercase().replace('_', " ");
    let wanted = plain(name);
    let has_name = |index: &usize| {
        let names = labels.all_names(*index).unwrap_or_default();
        plain(names) == wanted || names.split(',').any(|name| plain(name) == wanted)
    };
    let mut matching = (0..labels.len()).filter(has_name);
    let first = matching.next()?;
    matching.next().is_none().then_some(first)
}

/// As in `n01440764`.
fn is_wnid(name: &str) -> bool {
    name.strip_prefix('n').is_some_and(|digits| {
        digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

const WNID_LIST: &str = "imagenet_1000_wnids.txt";

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        folder
    }

    fn classes(files: &[&str], count: usize, wnids: Option<&str>) -> Result<Vec<usize>> {
        let folder = folder_with(files);
        let list = folder.path().join("list.txt");
        if let Some(wnids) = wnids {
            fs::write(&list, wnids)?;
        }
        let labels: Labels = ["background", "tench, Tinca tinca", "cock", "hen"]
            .map(String::from)
            .into_iter()
            .collect();
        let images = read(folder.path(), count, Some(&labels), wnids.map(|_| list.as_path()))?;
        Ok(images.into_iter().map(|image| image.class).collect())
    }

    #[test]
    fn files_are_classed_by_their_line_in_the_list() {
        let files = ["n00000003_c.JPEG", "n00000001_a.jpg", "n00000003_x.png", "notes.txt"];
        let list = Some("n00000001\nn00000002\nn00000003\n");
        assert_eq!(classes(&files, 3, list).unwrap(), [0, 2, 2]);
        assert_eq!(classes(&files, 4, list).unwrap(), [1, 3, 3], "after a background class");
        assert!(classes(&files, 5, list).is_err());
        assert!(classes(&files, 2, list).is_err());
    }

    #[test]
    fn without_a_list_the_order_decides_only_if_no_class_is_missing() {
        let files = ["n00000003/x.jpg", "n00000001/y.jpg"];
        assert_eq!(classes(&files, 2, None).unwrap(), [0, 1]);
        assert_eq!(classes(&files, 3, None).unwrap(), [1, 2]);
        let error = classes(&files, 1001, None).unwrap_err().to_string();
        assert!(error.contains("--wnids"), "{error}");
    }

    #[test]
    fn folders_are_classed_by_index_or_label() {
        let files = ["3/x.jpg", "Tinca_tinca/y.jpg", "cock/z.BMP"];
        assert_eq!(classes(&files, 4, None).unwrap(), [3, 1, 2]);
        let error = classes(&["4/x.jpg"], 4, None).unwrap_err().to_string();
        assert!(error.contains("'4'"), "{error}");
    }

    #[test]
    fn what_has_no_class_is_named() {
        let error = classes(&["parrot.jpg"], 4, None).unwrap_err().to_string();
        assert!(error.contains("parrot.jpg"), "{error}");
        let error = classes(&["readme.md"], 4, None).unwrap_err().to_string();
        assert!(error.contains("no JPEG"), "{error}");
    }
}
