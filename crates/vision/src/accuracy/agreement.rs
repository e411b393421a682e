//! Whether two runs of one network see the same.

use crate::{ClassMap, DetectedObject};

/// How many of two lists of objects are the same: of one class, boxes that share at least 0.95
/// (intersection over union), scores at most 0.02 apart. Each object has one partner at most;
/// better ones choose first.
///
/// ```
/// use pocketvision_vision::{BoundingBox, DetectedObject, matching_objects};
///
/// let bounds = BoundingBox { top: 0.0, left: 0.0, bottom: 20.0, right: 10.0 };
/// let object = |class, score| DetectedObject { bounds, class, label: None, score };
/// assert_eq!(matching_objects(&[object(3, 0.90)], &[object(3, 0.91), object(4, 0.9)]), 1);
/// assert_eq!(matching_objects(&[object(3, 0.90)], &[object(3, 0.5)]), 0);
/// ```
pub fn matching_objects(some: &[DetectedObject], others: &[DetectedObject]) -> usize {
    let mut free: Vec<&DetectedObject> = others.iter().collect();
    let mut matching = 0;
    for object in some {
        let share = |other: &&DetectedObject| {
            let alike = other.class == object.class
                && (other.score - object.score).abs() <= MOST_SCORE_DIFFERENCE;
            let share = object.bounds.intersection_over_union(&other.bounds);
            (alike && share >= LEAST_SHARE).then_some(share)
        };
        let shares = free.iter().enumerate().filter_map(|(at, other)| Some((at, share(other)?)));
        if let Some((at, _)) = shares.max_by(|a, b| a.1.total_cmp(&b.1)) {
            free.remove(at);
            matching += 1;
        }
    }
    matching
}

/// How many pixels of two maps are of the same class; none if the maps differ in size.
///
/// ```
/// use pocketvision_vision::{ClassMap, equal_pixels};
///
/// let map = ClassMap::new(2, 1, vec![0, 1])?;
/// assert_eq!(equal_pixels(&map, &ClassMap::new(2, 1, vec![0, 2])?), 1);
/// assert_eq!(equal_pixels(&map, &ClassMap::new(1, 1, vec![0])?), 0);
/// # Ok::<(), pocketvision_vision::VisionError>(())
/// ```
pub fn equal_pixels(some: &ClassMap, other: &ClassMap) -> usize {
    if (some.width(), some.height()) != (other.width(), other.height()) {
        return 0;
    }
    some.classes().iter().zip(other.classes()).filter(|(a, b)| a == b).count()
}

/// What boxes of one object must share.
const LEAST_SHARE: f32 = 0.95;

/// How far scores of one object may be apart.
const MOST_SCORE_DIFFERENCE: f32 = 0.02;

#[cfg(test)]
mod tests {
    use pocketvision_core::detection::BoundingBox;

    use super::*;

    fn object(left: f32, class: usize, score: f32) -> DetectedObject {
        let bounds = BoundingBox { top: 0.0, left, bottom: 100.0, right: left + 100.0 };
        DetectedObject { bounds, class, label: None, score }
    }

    #[test]
    fn objects_match_once_and_only_their_like() {
        let list = [object(0.0, 1, 0.9), object(0.0, 1, 0.9), object(300.0, 2, 0.5)];
        assert_eq!(matching_objects(&list, &list), 3);
        assert_eq!(matching_objects(&list, &list[1..]), 2);
        assert_eq!(matching_objects(&list, &[object(1.0, 1, 0.885)]), 1);
        // 10 of 110 pixels are not shared; scores too far apart; another class.
        for other in [object(10.0, 1, 0.9), object(0.0, 1, 0.87), object(0.0, 3, 0.9)] {
            assert_eq!(matching_objects(&list, &[other]), 0);
        }
        assert_eq!(matching_objects(&[], &list), 0);
    }

    #[test]
    fn pixels_are_compared_one_by_one() {
        let map = |classes: &[u8]| ClassMap::new(2, 2, classes.to_vec()).unwrap();
        assert_eq!(equal_pixels(&map(&[0, 1, 2, 3]), &map(&[0, 1, 3, 2])), 2);
        let other = ClassMap::new(4, 1, vec![0; 4]).unwrap();
        assert_eq!(equal_pixels(&map(&[0; 4]), &other), 0);
    }
}
