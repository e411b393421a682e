//! Colours of classes.

use crate::Dataset;
use crate::dataset::OTHER;

/// A colour for each class.
///
/// ```
/// use pocketvision_vision::{Dataset, Palette};
///
/// // Pascal VOC's aeroplanes are dark red, Cityscapes' roads purple.
/// assert_eq!(Palette::of(Some(Dataset::PascalVoc), 21).color(1), [128, 0, 0]);
/// assert_eq!(Palette::of(Some(Dataset::Cityscapes), 19).color(0), [128, 64, 128]);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Palette {
    colors: Vec<Color>,
}

/// Red, green and blue.
pub type Color = [u8; 3];

impl Palette {
    /// The colours that people know from a dataset's own pictures, for a network of so many
    /// classes; those of Pascal VOC where the dataset is unknown or has none.
    pub fn of(dataset: Option<Dataset>, classes: usize) -> Self {
        let colors = match dataset {
            Some(Dataset::Cityscapes) => CITYSCAPES.to_vec(),
            Some(dataset @ Dataset::Ade20k) => {
                let other = dataset.has_other(classes).then_some([0, 0, 0]);
                other.into_iter().chain(ADE20K).collect()
            }
            Some(Dataset::Selfie) => vec![[0, 0, 0], [240, 90, 70]],
            Some(Dataset::Coco | Dataset::PascalVoc | Dataset::Cifar10) | None => Vec::new(),
        };
        Self { colors }
    }

    /// The colour of a class.
    pub fn color(&self, class: u8) -> Color {
        self.colors.get(usize::from(class)).copied().unwrap_or_else(|| voc(class))
    }

    /// The colours of all 256 classes.
    pub(crate) fn colors(&self) -> Vec<Color> {
        (0..=255).map(|class| self.color(class)).collect()
    }
}

/// True for the name of a class of what is left when everything is found, as `background`: an
/// overlay does not colour it, a cut-out leaves it away.
///
/// ```
/// use pocketvision_vision::is_background;
///
/// assert!(is_background("Background"));
/// assert!(!is_background("person"));
/// ```
pub fn is_background(name: &str) -> bool {
    name.eq_ignore_ascii_case("background") || name.eq_ignore_ascii_case(OTHER)
}

/// The colour map of Pascal VOC: the class's bits, dealt out to red, green and blue in turn,
/// become their highest bits.
const fn voc(class: u8) -> Color {
    let mut color = [0; 3];
    let mut bit = 0;
    while bit < 8 {
        if class >> bit & 1 == 1 {
            color[bit % 3] |= 0x80 >> (bit / 3);
        }
        bit += 1;
    }
    color
}

/// A bright colour for boxes of a class. Neighbouring classes are far apart.
pub(crate) fn bright(class: usize) -> Color {
    // Steps of the golden section never come near an earlier hue for long.
    let hue = (class as f32 * 0.618_034 + 0.04).fract() * 6.0;
    let part = |shift: f32| {
        let distance = ((hue + shift) % 6.0 - 3.0).abs() - 1.0;
        (70.0 + 185.0 * distance.clamp(0.0, 1.0)) as u8
    };
    [part(0.0), part(4.0), part(2.0)]
}

/// Cityscapes' own colours, by training number. Source: `labels.py` of cityscapesScripts.
#[rustfmt::skip]
const CITYSCAPES: [Color; 19] = [
    [128, 64, 128], [244, 35, 232], [70, 70, 70], [102, 102, 156], [190, 153, 153],
    [153, 153, 153], [250, 170, 30], [220, 220, 0], [107, 142, 35], [152, 251, 152],
    [70, 130, 180], [220, 20, 60], [255, 0, 0], [0, 0, 142], [0, 0, 70], [0, 60, 100],
    [0, 80, 100], [0, 0, 230], [119, 11, 32],
];

/// ADE20K's colours, as the scene parsing benchmark draws them. Source: `color150.mat` of
/// CSAILVision/sceneparsing.
#[rustfmt::skip]
const ADE20K: [Color; 150] = [
    [120, 120, 120], [180, 120, 120], [6, 230, 230], [80, 50, 50], [4, 200, 3], [120, 120, 80],
    [140, 140, 140], [204, 5, 255], [230, 230, 230], [4, 250, 7], [224, 5, 255], [235, 255, 7],
    [150, 5, 61], [120, 120, 70], [8, 255, 51], [255, 6, 82], [143, 255, 140], [204, 255, 4],
    [255, 51, 7], [204, 70, 3], [0, 102, 200], [61, 230, 250], [255, 6, 51], [11, 102, 255],
    [255, 7, 71], [255, 9, 224], [9, 7, 230], [220, 220, 220], [255, 9, 92], [112, 9, 255],
    [8, 255, 214], [7, 255, 224], [255, 184, 6], [10, 255, 71], [255, 41, 10], [7, 255, 255],
    [224, 255, 8], [102, 8, 255], [255, 61, 6], [255, 194, 7], [255, 122, 8], [0, 255, 20],
    [255, 8, 41], [255, 5, 153], [6, 51, 255], [235, 12, 255], [160, 150, 20], [0, 163, 255],
    [140, 140, 140], [250, 10, 15], [20, 255, 0], [31, 255, 0], [255, 31, 0], [255, 224, 0],
    [153, 255, 0], [0, 0, 255], [255, 71, 0], [0, 235, 255], [0, 173, 255], [31, 0, 255],
    [11, 200, 200], [255, 82, 0], [0, 255, 245], [0, 61, 255], [0, 255, 112], [0, 255, 133],
    [255, 0, 0], [255, 163, 0], [255, 102, 0], [194, 255, 0], [0, 143, 255], [51, 255, 0],
    [0, 82, 255], [0, 255, 41], [0, 255, 173], [10, 0, 255], [173, 255, 0], [0, 255, 153],
    [255, 92, 0], [255, 0, 255], [255, 0, 245], [255, 0, 102], [255, 173, 0], [255, 0, 20],
    [255, 184, 184], [0, 31, 255], [0, 255, 61], [0, 71, 255], [255, 0, 204], [0, 255, 194],
    [0, 255, 82], [0, 10, 255], [0, 112, 255], [51, 0, 255], [0, 194, 255], [0, 122, 255],
    [0, 255, 163], [255, 153, 0], [0, 255, 10], [255, 112, 0], [143, 255, 0], [82, 0, 255],
    [163, 255, 0], [255, 235, 0], [8, 184, 170], [133, 0, 255], [0, 255, 92], [184, 0, 255],
    [255, 0, 31], [0, 184, 255], [0, 214, 255], [255, 0, 112], [92, 255, 0], [0, 224, 255],
    [112, 224, 255], [70, 184, 160], [163, 0, 255], [153, 0, 255], [71, 255, 0], [255, 0, 163],
    [255, 204, 0], [255, 0, 143], [0, 255, 235], [133, 255, 0], [255, 0, 235], [245, 0, 255],
    [255, 0, 122], [255, 245, 0], [10, 190, 212], [214, 255, 0], [0, 204, 255], [20, 0, 255],
    [255, 255, 0], [0, 153, 255], [0, 41, 255], [0, 255, 204], [41, 0, 255], [41, 255, 0],
    [173, 0, 255], [0, 245, 255], [71, 0, 255], [122, 0, 255], [0, 255, 184], [0, 92, 255],
    [184, 255, 0], [0, 133, 255], [255, 214, 0], [25, 194, 194], [102, 255, 0], [92, 0, 255],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: the colours that the dataset's devkit prints for its classes.
    #[test]
    fn colours_are_those_of_the_datasets() {
        let voc = Palette::of(None, 21);
        assert_eq!(voc.color(0), [0, 0, 0]);
        assert_eq!(voc.color(1), [128, 0, 0], "aeroplane");
        assert_eq!(voc.color(15), [192, 128, 128], "person");
        assert_eq!(voc.color(20), [0, 64, 128], "tvmonitor");
        assert_eq!(voc.color(255), [224, 224, 192], "void");
        let streets = Palette::of(Some(Dataset::Cityscapes), 19);
        assert_eq!(streets.color(13), [0, 0, 142], "car");
        let scenes = Palette::of(Some(Dataset::Ade20k), 150);
        assert_eq!(scenes.color(2), [6, 230, 230], "sky");
        assert_eq!(Palette::of(Some(Dataset::Ade20k), 32).color(3), [6, 230, 230], "sky");
    }

    #[test]
    fn bright_colours_of_neighbours_are_far_apart() {
        let distance = |a: Color, b: Color| -> u32 {
            a.iter().zip(b).map(|(&a, b)| u32::from(a.abs_diff(b))).sum()
        };
        for class in 0..89 {
            assert!(distance(bright(class), bright(class + 1)) > 120, "{class}");
        }
    }
}
