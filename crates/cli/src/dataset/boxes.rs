//! Folders of photos whose objects are known: boxes as YOLO or COCO write them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pocketvision::vision::{BoundingBox, Labels, TrueObject};
use serde::Deserialize;

use super::{no_pictures, pictures};

/// A photo and the objects in it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct AnnotatedImage {
    pub(crate) path: PathBuf,
    objects: Vec<Annotation>,
}

#[derive(Clone, PartialEq, Debug)]
enum Annotation {
    /// In pixels of the photo.
    Pixels(TrueObject),
    /// In shares of the photo's sides.
    Shares(BoundingBox, usize),
}

impl AnnotatedImage {
    /// The objects of a photo of this width and height, in pixels.
    pub(crate) fn objects(&self, (width, height): (usize, usize)) -> Vec<TrueObject> {
        let (width, height) = (width as f32, height as f32);
        let in_pixels = |annotation: &Annotation| match annotation {
            Annotation::Pixels(object) => *object,
            Annotation::Shares(shares, class) => {
                let bounds = BoundingBox {
                    top: shares.top * height,
                    left: shares.left * width,
                    bottom: shares.bottom * height,
                    right: shares.right * width,
                };
                TrueObject::new(bounds, *class)
            }
        };
        self.objects.iter().map(in_pixels).collect()
    }
}

/// The photos of a folder, in order, for a network of so many classes. `annotations` is COCO's
/// file of them; without one, each photo has a text file of YOLO's lines.
pub(crate) fn read(
    folder: &Path,
    classes: usize,
    labels: Option<&Labels>,
    annotations: Option<&Path>,
) -> Result<Vec<AnnotatedImage>> {
    let photos = pictures(folder)?;
    if photos.is_empty() {
        return Err(no_pictures(folder));
    }
    match annotations {
        Some(file) => coco(folder, photos, classes, labels, file),
        None => yolo(folder, photos, classes, labels),
    }
}

/// YOLO's files: a line an object, `class x y width height`, of which the centre and the size
/// are shares of the photo. Classes are counted without numbers that have no class.
fn yolo(
    folder: &Path,
    photos: Vec<PathBuf>,
    classes: usize,
    labels: Option<&Labels>,
) -> Result<Vec<AnnotatedImage>> {
    let beside = |photo: &Path| folder.join(label_file(photo));
    let name = folder.canonicalize().ok().and_then(|path| path.file_name().map(PathBuf::from));
    let mut places = vec![folder.to_owned(), folder.join("labels")];
    places.extend(name.map(|name| folder.join("..").join("..").join("labels").join(name)));
    places.push(folder.join("..").join("labels"));
    let has_labels = |place: &&PathBuf| photos.iter().any(|p| place.join(label_file(p)).is_file());
    let Some(place) = places.iter().find(has_labels) else {
        bail!(
            "{}: no boxes for its pictures: {} would be such a file, also in a folder named \
             labels; or pass --annotations FILE",
            folder.display(),
            beside(&photos[0]).display()
        );
    };
    let used: Vec<usize> = (0..classes).filter(|&class| is_used(class, labels)).collect();
    photos
        .into_iter()
        .map(|path| {
            let file = place.join(label_file(&path));
            // A photo without objects may have no file.
            let objects = if file.is_file() { yolo_file(&file, &used)? } else { Vec::new() };
            Ok(AnnotatedImage { path, objects })
        })
        .collect()
}

fn label_file(photo: &Path) -> PathBuf {
    Path::new(photo.file_stem().unwrap_or_default()).with_extension("txt")
}

fn is_used(class: usize, labels: Option<&Labels>) -> bool {
    labels.and_then(|labels| labels.name(class)).is_none_or(|name| name != "n/a")
}

fn yolo_file(file: &Path, used: &[usize]) -> Result<Vec<Annotation>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let place = || format!("{}, line {}", file.display(), index + 1);
            let numbers: Option<Vec<f32>> =
                line.split_whitespace().map(|word| word.parse().ok()).collect();
            let Some(&[class, x, y, width, height]) = numbers.as_deref() else {
                bail!("{}: 'class x y width height' is expected, in numbers", place());
            };
            let finite = [x, y, width, height].iter().all(|number| number.is_finite());
            if !finite || width < 0.0 || height < 0.0 {
                bail!("{}: shares of the photo's sides are expected", place());
            }
            let index = (class >= 0.0 && class.fract() == 0.0).then_some(class as usize);
            let Some(&class) = index.and_then(|index| used.get(index)) else {
                bail!("{}: the network has {} classes, not {class}", place(), used.len());
            };
            let bounds = BoundingBox {
                top: y - height / 2.0,
                left: x - width / 2.0,
                bottom: y + height / 2.0,
                right: x + width / 2.0,
            };
            Ok(Annotation::Shares(bounds, class))
        })
        .collect()
}

/// COCO's file: all photos of a set, of which those in the folder count.
fn coco(
    folder: &Path,
    photos: Vec<PathBuf>,
    classes: usize,
    labels: Option<&Labels>,
    file: &Path,
) -> Result<Vec<AnnotatedImage>> {
    let unreadable = || format!("{}: cannot be read as COCO's annotations", file.display());
    let reader = BufReader::new(File::open(file).with_context(unreadable)?);
    let set: CocoSet = serde_json::from_reader(reader).with_context(unreadable)?;

    let class_of: HashMap<u64, usize> = (set.categories.iter())
        .filter_map(|category| Some((category.id, class_of_category(category, classes, labels)?)))
        .collect();
    if class_of.is_empty() {
        bail!("{}: none of its categories is a class of the network", file.display());
    }
    let mut objects: HashMap<u64, Vec<Annotation>> = HashMap::new();
    for annotation in set.annotations {
        let Some(&class) = class_of.get(&annotation.category_id) else { continue };
        let [left, top, width, height] = annotation.bbox;
        let bounds = BoundingBox { top, left, bottom: top + height, right: left + width };
        let plain = TrueObject::new(bounds, class);
        let object = TrueObject {
            area: annotation.area.unwrap_or(plain.area),
            crowd: annotation.iscrowd != 0,
            ..plain
        };
        objects.entry(annotation.image_id).or_default().push(Annotation::Pixels(object));
    }
    let ids: HashMap<String, u64> =
        set.images.into_iter().map(|image| (image.file_name, image.id)).collect();
    let annotated = |path: PathBuf| {
        let id = ids.get(path.file_name()?.to_str()?)?;
        Some(AnnotatedImage { path, objects: objects.remove(id).unwrap_or_default() })
    };
    let images: Vec<AnnotatedImage> = photos.into_iter().filter_map(annotated).collect();
    if images.is_empty() {
        bail!("{}: has none of the pictures in {}", file.display(), folder.display());
    }
    Ok(images)
}

/// The network's class of a category: by name; without names, by number from 1.
fn class_of_category(
    category: &CocoCategory,
    classes: usize,
    labels: Option<&Labels>,
) -> Option<usize> {
    match labels {
        Some(labels) => (0..classes).find(|&class| {
            labels.name(class).is_some_and(|name| name.eq_ignore_ascii_case(&category.name))
        }),
        None => usize::try_from(category.id.checked_sub(1)?).ok().filter(|&class| class < classes),
    }
}

#[derive(Deserialize)]
struct CocoSet {
    images: Vec<CocoImage>,
    annotations: Vec<CocoAnnotation>,
    categories: Vec<CocoCategory>,
}

#[derive(Deserialize)]
struct CocoImage {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct CocoAnnotation {
    image_id: u64,
    category_id: u64,
    /// Left, top, width and height in pixels.
    bbox: [f32; 4],
    area: Option<f64>,
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct CocoCategory {
    id: u64,
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        ["person", "n/a", "Traffic light"].map(String::from).into_iter().collect()
    }

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn lines_of_yolo_become_pixels_and_classes() {
        let line = "1 0.5 0.25 0.5 0.5\n\n";
        for place in ["labels/a.txt", "a.txt"] {
            let folder = folder_with(&[("a.jpg", ""), ("b.jpg", ""), (place, line)]);
            let images = read(folder.path(), 3, Some(&labels()), None).unwrap();
            let [object] = images[0].objects((200, 100))[..] else { panic!("one object") };
            let expected = BoundingBox { top: 0.0, left: 50.0, bottom: 50.0, right: 150.0 };
            assert_eq!((object.bounds, object.class), (expected, 2), "n/a is not counted");
            assert!(images[1].objects((200, 100)).is_empty());
        }
        let folder = folder_with(&[("images/val/a.jpg", ""), ("labels/val/a.txt", line)]);
        let images = read(&folder.path().join("images/val"), 3, None, None).unwrap();
        assert_eq!(images[0].objects((1, 1)).len(), 1);
    }

    #[test]
    fn lines_that_cannot_be_read_are_named() {
        for (line, word) in [
            ("1 0.5 0.5 0.5", "x y width height"),
            ("dog 0.5 0.5 0.5 0.5", "x y width height"),
            ("2 0.5 0.5 0.5 0.5", "2 classes"),
            ("0.5 0.5 0.5 0.5 0.5", "2 classes"),
            ("0 nan 0.5 0.5 0.5", "shares"),
            ("0 0.5 0.5 -0.5 0.5", "shares"),
        ] {
            let folder = folder_with(&[("a.jpg", ""), ("a.txt", line)]);
            let error = read(folder.path(), 3, Some(&labels()), None).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("a.txt, line 1"), "{error}");
        }
        let folder = folder_with(&[("a.jpg", "")]);
        let error = read(folder.path(), 3, None, None).unwrap_err().to_string();
        assert!(error.contains("a.txt") && error.contains("--annotations"), "{error}");
    }

    #[test]
    fn annotations_of_coco_are_matched_by_names() {
        let set = r#"{
            "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "gone.jpg"}],
            "categories": [{"id": 10, "name": "traffic light"}, {"id": 44, "name": "bottle"}],
            "annotations": [
                {"image_id": 7, "category_id": 10, "bbox": [10, 20, 30, 40], "area": 99,
                 "iscrowd": 1, "segmentation": []},
                {"image_id": 7, "category_id": 44, "bbox": [0, 0, 1, 1]},
                {"image_id": 8, "category_id": 10, "bbox": [0, 0, 1, 1]}
            ]}"#;
        let folder = folder_with(&[("a.jpg", ""), ("b.jpg", ""), ("set.json", set)]);
        let file = folder.path().join("set.json");
        let images = read(folder.path(), 3, Some(&labels()), Some(&file)).unwrap();
        assert_eq!(images.len(), 1, "b.jpg is not in the set");
        let bounds = BoundingBox { top: 20.0, left: 10.0, bottom: 60.0, right: 40.0 };
        let expected = TrueObject { bounds, class: 2, area: 99.0, crowd: true };
        assert_eq!(images[0].objects((500, 500)), [expected]);

        fs::write(&file, "{\"images\": []").unwrap();
        let error = read(folder.path(), 3, None, Some(&file)).unwrap_err().to_string();
        assert!(error.contains("set.json"), "{error}");
    }
}
