//! Rows of a detector to objects in a photo.

use std::fmt;

use pocketvision_core::detection::{BoundingBox, Detection};

use crate::{Labels, Placement};

/// An object that was found in a photo. Displays as `dog (0.92)`, without labels as
/// `class 17 (0.92)`.
///
/// ```
/// use pocketvision_vision::{BoundingBox, DetectedObject};
///
/// let bounds = BoundingBox { top: 10.0, left: 20.0, bottom: 60.0, right: 90.0 };
/// let dog = DetectedObject { bounds, class: 17, label: Some("dog".into()), score: 0.92 };
/// assert_eq!(dog.to_string(), "dog (0.92)");
/// let unnamed = DetectedObject { label: None, ..dog };
/// assert_eq!(unnamed.name(), "class 17");
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct DetectedObject {
    /// Where it is, in pixels of the photo.
    pub bounds: BoundingBox,
    /// Position among the network's classes, a background class not counted.
    pub class: usize,
    /// The class's name, if there are labels and they reach this far.
    pub label: Option<String>,
    /// How sure the network is.
    pub score: f32,
}

impl DetectedObject {
    /// The class's name, or its number where it has none.
    pub fn name(&self) -> String {
        match &self.label {
            Some(label) => label.clone(),
            None => format!("class {}", self.class),
        }
    }
}

impl fmt::Display for DetectedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:.2})", self.name(), self.score)
    }
}

/// The objects among a network's detections that score at least `min_score`, best first.
/// Boxes are cut off at the photo's edges; what has no area there, or is no number, is left
/// out.
///
/// ```
/// use pocketvision_vision::{BoundingBox, Dataset, Detection, Fit, detected_objects};
///
/// // As the network has it: in shares of what it saw.
/// let bounds = BoundingBox { top: 0.25, left: 0.5, bottom: 0.5, right: 1.0 };
/// let found = [0.9, 0.2].map(|score| Detection { bounds, class: 17, score });
/// let placement = Fit::Stretch.place((640, 480), (320, 320));
/// let labels = Dataset::Coco.labels(90);
/// let objects = detected_objects(found, &placement, 0.5, labels.as_ref());
/// assert_eq!(objects.len(), 1);
/// assert_eq!((objects[0].name().as_str(), objects[0].bounds.left), ("dog", 320.0));
/// ```
pub fn detected_objects(
    detections: impl IntoIterator<Item = Detection>,
    placement: &Placement,
    min_score: f32,
    labels: Option<&Labels>,
) -> Vec<DetectedObject> {
    let object = |Detection { bounds, class, score }| {
        let sides = [bounds.top, bounds.left, bounds.bottom, bounds.right];
        if !(score >= min_score && sides.iter().all(|side| side.is_finite())) {
            return None;
        }
        let bounds = placement.to_photo(&bounds);
        let label = labels.and_then(|labels| labels.name(class)).map(str::to_owned);
        let visible = bounds.right > bounds.left && bounds.bottom > bounds.top;
        visible.then_some(DetectedObject { bounds, class, label, score })
    };
    let mut objects: Vec<DetectedObject> = detections.into_iter().filter_map(object).collect();
    // Stable: equal scores stay in the network's order.
    objects.sort_by(|a, b| b.score.total_cmp(&a.score));
    objects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fit;

    fn detection(score: f32, right: f32) -> Detection {
        let bounds = BoundingBox { top: 0.25, left: 0.5, bottom: 0.5, right };
        Detection { bounds, class: 1, score }
    }

    fn objects(detections: &[Detection], min_score: f32) -> Vec<DetectedObject> {
        let placement = Fit::Stretch.place((200, 100), (10, 10));
        let labels: Labels = ["cat", "dog"].map(String::from).into_iter().collect();
        detected_objects(detections.iter().copied(), &placement, min_score, Some(&labels))
    }

    #[test]
    fn detections_become_pixels_and_names_best_first() {
        let found = objects(&[detection(0.4, 0.75), detection(0.9, 1.5), detection(0.2, 1.0)], 0.3);
        assert_eq!(found.len(), 2);
        let expected = BoundingBox { top: 25.0, left: 100.0, bottom: 50.0, right: 200.0 };
        assert_eq!((found[0].bounds, found[0].score), (expected, 0.9));
        assert_eq!(found[1].to_string(), "dog (0.40)");
        let unnamed = DetectedObject { label: None, ..found[0].clone() };
        assert_eq!(unnamed.to_string(), "class 1 (0.90)");
    }

    #[test]
    fn what_is_no_number_or_outside_is_left_out() {
        let outside = Detection {
            bounds: BoundingBox { top: 2.0, left: 0.0, bottom: 3.0, right: 1.0 },
            ..detection(0.9, 1.0)
        };
        let strange = [
            detection(f32::NAN, 1.0),
            detection(0.9, f32::NAN),
            detection(0.9, f32::INFINITY),
            detection(0.9, 0.5),
            outside,
        ];
        assert_eq!(objects(&strange, 0.0), []);
        assert_eq!(objects(&[], 0.0), []);
    }
}
