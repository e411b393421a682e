//! The datasets that published networks are trained on: what their classes are called.

mod names;

use std::path::Path;

use names::{
    ADE20K_NAMES, CIFAR10_NAMES, CITYSCAPES_NAMES, COCO_NAMES, UNUSED, VOC_IN_COCO, VOC_NAMES,
};

use crate::Labels;

/// A dataset whose networks are recognised.
///
/// ```
/// use pocketvision_vision::Dataset;
///
/// let labels = Dataset::Cifar10.labels(10).expect("ten classes");
/// assert_eq!(labels.name(8), Some("ship"));
/// assert!(Dataset::Cifar10.labels(11).is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dataset {
    /// COCO's categories 1 to 90, as TensorFlow's detectors number them: 80 objects, and ten
    /// numbers without one.
    Coco,
    /// Pascal VOC 2012: background and 20 objects.
    PascalVoc,
    /// Cityscapes: 19 classes of a street, by their training number.
    Cityscapes,
    /// ADE20K's scene parsing benchmark: 150 classes of things and places, most frequent
    /// first. Networks may have the first few alone, and one for all others before them.
    Ade20k,
    /// A person and what is behind.
    Selfie,
    /// CIFAR-10: pictures of 32x32 pixels of ten kinds of animals and vehicles.
    Cifar10,
}

impl Dataset {
    /// The dataset that a network of so many classes was trained on: the one that its file's
    /// name says, else the only well-known one of so many classes. `None` if there is none.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use pocketvision_vision::Dataset;
    ///
    /// let file = Path::new("deeplabv3_mnv2_ade20k.tflite");
    /// assert_eq!(Dataset::of_network(Some(file), 32), Some(Dataset::Ade20k));
    /// assert_eq!(Dataset::of_network(None, 21), Some(Dataset::PascalVoc));
    /// assert_eq!(Dataset::of_network(None, 12), None);
    /// ```
    pub fn of_network(file: Option<&Path>, classes: usize) -> Option<Self> {
        let stem = file.and_then(Path::file_stem).unwrap_or_default().to_string_lossy();
        let name = stem.to_lowercase();
        let named = NAMES.iter().find(|(word, _)| name.contains(word)).map(|(_, dataset)| *dataset);
        let by_count = match classes {
            90 => Some(Self::Coco),
            21 => Some(Self::PascalVoc),
            19 => Some(Self::Cityscapes),
            150 | 151 => Some(Self::Ade20k),
            _ => None,
        };
        let fits = |dataset: &Self| dataset.labels(classes).is_some();
        named.filter(fits).or(by_count)
    }

    /// Names of its classes, for a network of so many; `None` if networks of this dataset do
    /// not have so many.
    pub fn labels(self, classes: usize) -> Option<Labels> {
        let all: &[&str] = match self {
            Self::Coco => &COCO_NAMES,
            Self::PascalVoc => &VOC_NAMES,
            Self::Cityscapes => &CITYSCAPES_NAMES,
            Self::Ade20k => &ADE20K_NAMES,
            Self::Selfie => &["background", "person"],
            Self::Cifar10 => &CIFAR10_NAMES,
        };
        let names: Vec<&str> = match self {
            Self::Ade20k if self.has_other(classes) => {
                [OTHER].iter().chain(all).copied().take(classes).collect()
            }
            _ => all.to_vec(),
        };
        (names.len() == classes).then(|| names.into_iter().map(str::to_owned).collect())
    }

    /// What a class of this dataset is called in COCO, if COCO has it.
    ///
    /// ```
    /// use pocketvision_vision::Dataset;
    ///
    /// assert_eq!(Dataset::PascalVoc.coco_name("aeroplane"), Some("airplane"));
    /// assert_eq!(Dataset::PascalVoc.coco_name("background"), None);
    /// ```
    pub fn coco_name(self, name: &str) -> Option<&str> {
        let synonym = match self {
            Self::PascalVoc => VOC_IN_COCO.iter().find(|(voc, _)| *voc == name),
            _ => None,
        };
        let name = synonym.map_or(name, |(_, coco)| *coco);
        (name != UNUSED && COCO_NAMES.contains(&name)).then_some(name)
    }

    /// True if a network of so many classes begins with one for all others.
    pub(crate) const fn has_other(self, classes: usize) -> bool {
        matches!(self, Self::Ade20k) && classes != ADE20K_NAMES.len() && classes <= 151
    }
}

/// Words in the names of files.
const NAMES: [(&str, Dataset); 7] = [
    ("coco", Dataset::Coco),
    ("pascal", Dataset::PascalVoc),
    ("voc", Dataset::PascalVoc),
    ("cityscapes", Dataset::Cityscapes),
    ("ade20k", Dataset::Ade20k),
    ("selfie", Dataset::Selfie),
    ("cifar10", Dataset::Cifar10),
];

/// The name of the class of all that has no class.
pub(crate) const OTHER: &str = "other";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coco_has_80_objects_among_its_90_numbers() {
        assert_eq!(COCO_NAMES.iter().filter(|name| **name != UNUSED).count(), 80);
    }

    #[test]
    fn every_object_of_voc_is_one_of_coco() {
        for name in &VOC_NAMES[1..] {
            assert!(Dataset::PascalVoc.coco_name(name).is_some(), "{name}");
        }
        assert_eq!(Dataset::PascalVoc.coco_name("sofa"), Some("couch"));
        assert_eq!(Dataset::PascalVoc.coco_name("background"), None);
        assert_eq!(Dataset::Coco.coco_name("n/a"), None);
    }

    #[test]
    fn a_networks_dataset_is_known_by_its_name_or_its_classes() {
        let of = |name: &str, classes| Dataset::of_network(Some(Path::new(name)), classes);
        assert_eq!(of("models/ssd_coco.tflite", 90), Some(Dataset::Coco));
        assert_eq!(of("deeplab_cityscapes_quant.tflite", 19), Some(Dataset::Cityscapes));
        assert_eq!(of("deeplabv3_mnv2_ade20k_uint8.tflite", 32), Some(Dataset::Ade20k));
        assert_eq!(of("camvid.tflite", 32), None);
        assert_eq!(of("my_deeplab.tflite", 21), Some(Dataset::PascalVoc));
        assert_eq!(of("cityscapes.tflite", 7), None);
        assert_eq!(Dataset::of_network(None, 90), Some(Dataset::Coco));
    }

    #[test]
    fn small_networks_of_ade20k_have_its_first_classes_after_all_others() {
        let labels = Dataset::Ade20k.labels(32).unwrap();
        let names = [0, 1, 3, 13, 31].map(|class| labels.name(class).unwrap());
        assert_eq!(names, ["other", "wall", "sky", "person", "armchair"]);
        assert_eq!(Dataset::Ade20k.labels(150).unwrap().name(0), Some("wall"));
        assert_eq!(Dataset::Ade20k.labels(152), None);
    }
}
