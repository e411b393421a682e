//! Mean intersection over union of class maps.

use crate::{ClassMap, VisionError};

/// Counts how often each true class was taken for each class, over any number of pictures.
///
/// ```
/// use pocketvision_vision::{ClassMap, Confusion};
///
/// let truth = ClassMap::new(2, 2, vec![0, 0, 1, 1])?;
/// let predicted = ClassMap::new(2, 2, vec![0, 0, 1, 0])?;
/// let mut confusion = Confusion::new(2);
/// confusion.add(&predicted, &truth)?;
/// let accuracy = confusion.accuracy();
/// assert_eq!(accuracy.pixel_accuracy, 0.75);
/// assert_eq!(accuracy.per_class, [Some(2.0 / 3.0), Some(0.5)]);
/// # Ok::<(), pocketvision_vision::VisionError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confusion {
    classes: usize,
    /// Pixels by true class, then by predicted class.
    counts: Vec<u64>,
}

impl Confusion {
    /// No pixels yet, of a network of so many classes, at most 256.
    ///
    /// # Panics
    /// If there are more.
    pub fn new(classes: usize) -> Self {
        assert!(classes <= 256, "{classes} classes");
        Self { classes, counts: vec![0; 256 * 256] }
    }

    /// Counts the pixels of a picture. Those whose truth is [`ClassMap::UNLABELLED`] do not
    /// count.
    ///
    /// # Errors
    /// If the maps differ in size, or the truth has a class that the network has not.
    pub fn add(&mut self, predicted: &ClassMap, truth: &ClassMap) -> Result<(), VisionError> {
        let refused = |reason: String| VisionError::ClassMap { name: "truth".into(), reason };
        if (predicted.width(), predicted.height()) != (truth.width(), truth.height()) {
            return Err(refused(format!("{truth:?} is not of the size of {predicted:?}")));
        }
        let unknown =
            |&&class: &&u8| class != ClassMap::UNLABELLED && usize::from(class) >= self.classes;
        if let Some(class) = truth.classes().iter().find(unknown) {
            let classes = self.classes;
            return Err(refused(format!("class {class} is none of the network's {classes}")));
        }
        for (&truth, &predicted) in truth.classes().iter().zip(predicted.classes()) {
            if truth != ClassMap::UNLABELLED {
                self.counts[usize::from(truth) * 256 + usize::from(predicted)] += 1;
            }
        }
        Ok(())
    }

    /// What the counts amount to.
    pub fn accuracy(&self) -> SegmentationAccuracy {
        let count = |truth: usize, predicted: usize| self.counts[truth * 256 + predicted];
        let iou = |class: usize| {
            let correct = count(class, class);
            let is: u64 = (0..256).map(|other| count(class, other)).sum();
            let taken_for: u64 = (0..256).map(|other| count(other, class)).sum();
            (is > 0).then(|| correct as f64 / (is + taken_for - correct) as f64)
        };
        let per_class: Vec<Option<f64>> = (0..self.classes).map(iou).collect();
        let seen: Vec<f64> = per_class.iter().flatten().copied().collect();
        let pixels: u64 = self.counts.iter().sum();
        let correct: u64 = (0..256).map(|class| count(class, class)).sum();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        SegmentationAccuracy {
            mean_iou: share(seen.iter().sum(), seen.len() as f64),
            pixel_accuracy: share(correct as f64, pixels as f64),
            per_class,
            pixels,
        }
    }
}

/// How right class maps are. Shares from 0 to 1.
#[derive(Clone, PartialEq, Debug)]
pub struct SegmentationAccuracy {
    /// Mean of [`Self::per_class`] over the classes that are there in truth. Some tools also
    /// count a class, as 0, that is in the network's eyes alone; over a few pictures a single
    /// wrong pixel then decides.
    pub mean_iou: f64,
    /// Pixels whose class is right.
    pub pixel_accuracy: f64,
    /// Of each class: pixels that are of it and were taken for it, as a share of those that
    /// are or were; `None` if no pixel is of it.
    pub per_class: Vec<Option<f64>>,
    /// Pixels that counted.
    pub pixels: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(classes: &[u8]) -> ClassMap {
        ClassMap::new(classes.len(), 1, classes.to_vec()).unwrap()
    }

    #[test]
    fn shares_are_those_of_the_definition() {
        let mut confusion = Confusion::new(4);
        let truth = map(&[0, 0, 0, 1, 1, 2, 255, 255]);
        confusion.add(&map(&[0, 3, 1, 1, 0, 0, 2, 0]), &truth).unwrap();
        let accuracy = confusion.accuracy();
        // Class 0: 1 of 5; class 1: 1 of 3; class 2: 0 of 1; class 3: seen where it is not.
        assert_eq!(accuracy.per_class, [Some(0.2), Some(1.0 / 3.0), Some(0.0), None]);
        assert!((accuracy.mean_iou - (0.2 + 1.0 / 3.0) / 3.0).abs() < 1e-12);
        assert!((accuracy.pixel_accuracy - 2.0 / 6.0).abs() < 1e-12);
        assert_eq!(accuracy.pixels, 6);
    }

    #[test]
    fn pictures_add_up_and_nothing_is_nothing() {
        let mut confusion = Confusion::new(2);
        assert_eq!(confusion.accuracy().mean_iou, 0.0);
        confusion.add(&map(&[0, 1]), &map(&[0, 1])).unwrap();
        confusion.add(&map(&[0]), &map(&[1])).unwrap();
        assert_eq!(confusion.accuracy().per_class, [Some(0.5), Some(0.5)]);
    }

    #[test]
    fn truth_that_does_not_fit_is_refused() {
        let mut confusion = Confusion::new(2);
        let message = confusion.add(&map(&[0]), &map(&[44])).unwrap_err().to_string();
        assert!(message.contains("class 44"), "{message}");
        assert!(confusion.add(&map(&[0]), &map(&[0, 0])).is_err());
        assert_eq!(confusion.accuracy().pixels, 0);
    }
}
