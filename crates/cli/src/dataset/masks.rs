//! Folders of photos of which each pixel's class is known.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use pocketvision::vision::{ClassMap, Dataset, Labels, is_background};

use super::{no_pictures, pictures};

/// A photo and the file of its classes.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct MaskedImage {
    pub(crate) path: PathBuf,
    pub(crate) mask: PathBuf,
}

/// The photos of a folder that have a mask, in order, and how many have none.
pub(crate) fn read(folder: &Path, masks: Option<&Path>) -> Result<(Vec<MaskedImage>, usize)> {
    let photos = pictures(folder)?;
    if photos.is_empty() {
        return Err(no_pictures(folder));
    }
    let mask_file =
        |photo: &Path| Path::new(photo.file_stem().unwrap_or_default()).with_extension("png");
    let places: Vec<PathBuf> = match masks {
        Some(masks) => vec![masks.to_owned()],
        None => {
            let below = MASK_FOLDERS.iter().map(|name| folder.join(name));
            below.chain(MASK_FOLDERS.iter().map(|name| folder.join("..").join(name))).collect()
        }
    };
    let has_masks = |place: &&PathBuf| photos.iter().any(|p| place.join(mask_file(p)).is_file());
    let Some(place) = places.iter().find(has_masks) else {
        let place = masks.unwrap_or(&places[0]);
        bail!(
            "{}: no masks for its pictures: {} would be such a file; pass --masks DIR",
            folder.display(),
            place.join(mask_file(&photos[0])).display()
        );
    };
    let count = photos.len();
    let masked: Vec<MaskedImage> = photos
        .into_iter()
        .map(|path| MaskedImage { mask: place.join(mask_file(&path)), path })
        .filter(|image| image.mask.is_file())
        .collect();
    let without = count - masked.len();
    Ok((masked, without))
}

/// The network's class of each number in masks of COCO's categories. What COCO leaves
/// unlabelled does not count; what the network has no class for is background.
pub(crate) fn coco_classes(dataset: Option<Dataset>, labels: Option<&Labels>) -> Result<[u8; 256]> {
    let (Some(dataset), Some(labels)) = (dataset, labels) else {
        bail!("the network's classes have no names by which to find them among COCO's");
    };
    let names = Dataset::Coco.labels(90).into_iter().flat_map(|coco| {
        (0..90).filter_map(move |index| coco.name(index).map(str::to_owned)).collect::<Vec<_>>()
    });
    let names: Vec<String> = names.collect();
    let background =
        (0..=255).find(|&class: &u8| labels.name(class.into()).is_some_and(is_background));
    let mut class_of = [background.unwrap_or(ClassMap::UNLABELLED); 256];
    class_of[0] = ClassMap::UNLABELLED;
    let mut found = 0;
    for class in 0..labels.len().min(255) as u8 {
        let coco = labels.name(class.into()).and_then(|name| dataset.coco_name(name));
        let number = coco.and_then(|coco| names.iter().position(|name| name == coco));
        if let Some(number) = number {
            class_of[number + 1] = class;
            found += 1;
        }
    }
    if found == 0 {
        bail!("none of the network's classes is one of COCO's");
    }
    Ok(class_of)
}

/// Folders that data sets keep masks in.
const MASK_FOLDERS: [&str; 5] = ["masks", "semantic", "SegmentationClass", "annotations", "labels"];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn photos_without_a_mask_are_left_out_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("semantic")).unwrap();
        for file in ["a.jpg", "b.jpg", "semantic/b.png", "semantic/c.png"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let (images, without) = read(folder.path(), None).unwrap();
        assert_eq!((images.len(), without), (1, 1));
        assert!(images[0].path.ends_with("b.jpg") && images[0].mask.ends_with("semantic/b.png"));
        let error = read(folder.path(), Some(Path::new("nowhere"))).unwrap_err().to_string();
        assert!(error.contains("nowhere/a.png"), "{error}");
    }

    #[test]
    fn categories_of_coco_become_classes_of_voc() {
        let labels = Dataset::PascalVoc.labels(21).unwrap();
        let class_of = coco_classes(Some(Dataset::PascalVoc), Some(&labels)).unwrap();
        // Unlabelled, person, bottle, couch, wall.
        assert_eq!([0, 1, 44, 63, 171].map(|number: usize| class_of[number]), [255, 15, 5, 18, 0]);
        assert!(coco_classes(None, None).is_err());
    }
}
