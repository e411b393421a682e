//! Average precision of detections, as COCO defines it.

mod judged;

use judged::{Judged, MOST_DETECTIONS, THRESHOLDS};
use pocketvision_core::detection::BoundingBox;

use crate::DetectedObject;

/// An object that is known to be in a photo.
///
/// ```
/// use pocketvision_vision::{BoundingBox, TrueObject};
///
/// let bounds = BoundingBox { top: 0.0, left: 0.0, bottom: 20.0, right: 10.0 };
/// let crowd = TrueObject { crowd: true, ..TrueObject::new(bounds, 0) };
/// assert_eq!(crowd.area, 200.0);
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TrueObject {
    /// Where it is, in pixels of the photo.
    pub bounds: BoundingBox,
    /// What it is: position among the network's classes, a background class not counted.
    pub class: usize,
    /// How many pixels it has: fewer than its box where it is outlined more closely.
    pub area: f64,
    /// True for a crowd that nobody counted: whatever is found in it is neither right nor wrong.
    pub crowd: bool,
}

impl TrueObject {
    /// An object of which the box alone is known.
    pub fn new(bounds: BoundingBox, class: usize) -> Self {
        Self { bounds, class, area: area(&bounds), crowd: false }
    }
}

/// Judges detections in any number of photos by COCO's rules: the values of `pycocotools`.
///
/// A detection is right if it shares enough with an object of its class that no better
/// detection has taken. How much is enough goes from 0.50 to 0.95 in ten steps; for each, and
/// for each class, precision is read off at 101 values of recall, and all of it is averaged.
/// At most 100 detections of a class count in a photo. Classes without an object do not count.
///
/// ```
/// use pocketvision_vision::{AveragePrecision, BoundingBox, DetectedObject, TrueObject};
///
/// let bounds = BoundingBox { top: 0.0, left: 0.0, bottom: 20.0, right: 10.0 };
/// let found = DetectedObject { bounds, class: 0, label: None, score: 0.9 };
/// let mut precision = AveragePrecision::new(1);
/// precision.add(&[found], &[TrueObject::new(bounds, 0)]);
/// // All that there is was found, and nothing else.
/// assert_eq!(precision.accuracy().average_precision, 1.0);
/// ```
#[derive(Clone, Debug)]
pub struct AveragePrecision {
    /// By class, then by range of sizes.
    classes: Vec<[Judged; SIZES.len()]>,
    photos: usize,
}

impl AveragePrecision {
    /// No photos yet, of a network of so many classes.
    pub fn new(classes: usize) -> Self {
        Self { classes: vec![Default::default(); classes], photos: 0 }
    }

    /// Judges what was found in one photo. Objects and detections of a class that the network
    /// has not do not count.
    pub fn add(&mut self, found: &[DetectedObject], truth: &[TrueObject]) {
        self.photos += 1;
        for (class, judged) in self.classes.iter_mut().enumerate() {
            let mut found: Vec<&DetectedObject> =
                found.iter().filter(|object| object.class == class).collect();
            let truth: Vec<&TrueObject> =
                truth.iter().filter(|object| object.class == class).collect();
            if found.is_empty() && truth.is_empty() {
                continue;
            }
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
            found.truncate(MOST_DETECTIONS);
            for (judged, size) in judged.iter_mut().zip(SIZES) {
                judged.add(&found, &truth, size);
            }
        }
    }

    /// What the judgements amount to.
    pub fn accuracy(&self) -> DetectionAccuracy {
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            let values: Vec<f64> = values.collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let thresholds = 0..THRESHOLDS;
        let class_mean = |class: &[Judged; SIZES.len()], size: usize| {
            class[size].has_objects().then(|| {
                let each = thresholds.clone().map(|index| class[size].precision(index));
                each.sum::<f64>() / THRESHOLDS as f64
            })
        };
        let of_size = |size: usize| {
            mean(&mut self.classes.iter().filter_map(|class| class_mean(class, size)))
        };
        let at = |threshold: usize| {
            let judged = self.classes.iter().map(|class| &class[ALL_SIZES]);
            let judged = judged.filter(|judged| judged.has_objects());
            mean(&mut judged.map(|judged| judged.precision(threshold)))
        };
        let recall = |most: usize| {
            let judged = self.classes.iter().map(|class| &class[ALL_SIZES]);
            let judged = judged.filter(|judged| judged.has_objects());
            mean(&mut judged.map(|judged| {
                let each = thresholds.clone().map(|threshold| judged.recall(threshold, most));
                each.sum::<f64>() / THRESHOLDS as f64
            }))
        };
        DetectionAccuracy {
            average_precision: of_size(ALL_SIZES).unwrap_or(0.0),
            at_50: at(0).unwrap_or(0.0),
            at_75: at(5).unwrap_or(0.0),
            small: of_size(1),
            medium: of_size(2),
            large: of_size(3),
            recall_1: recall(1).unwrap_or(0.0),
            recall_10: recall(10).unwrap_or(0.0),
            recall_100: recall(MOST_DETECTIONS).unwrap_or(0.0),
            per_class: self.classes.iter().map(|class| class_mean(class, ALL_SIZES)).collect(),
            objects: self.classes.iter().map(|class| class[ALL_SIZES].objects).sum(),
            photos: self.photos,
        }
    }
}

/// How right detections are, from 0 to 1, after COCO's definitions. A figure is `None` where no
/// object of that size was there to be found.
#[derive(Clone, PartialEq, Debug)]
pub struct DetectionAccuracy {
    /// Mean over classes and over thresholds from 0.50 to 0.95: what papers call AP or mAP.
    pub average_precision: f64,
    /// With a threshold of 0.50 alone.
    pub at_50: f64,
    /// With a threshold of 0.75 alone.
    pub at_75: f64,
    /// Of objects below 32x32 pixels.
    pub small: Option<f64>,
    /// Of objects from 32x32 to 96x96 pixels.
    pub medium: Option<f64>,
    /// Of objects above 96x96 pixels.
    pub large: Option<f64>,
    /// Share of objects found, mean over thresholds, with one detection of a class a photo.
    pub recall_1: f64,
    /// With ten.
    pub recall_10: f64,
    /// With a hundred.
    pub recall_100: f64,
    /// Average precision of each class; `None` if it has no object.
    pub per_class: Vec<Option<f64>>,
    /// Objects that were there to be found.
    pub objects: usize,
    /// Photos judged.
    pub photos: usize,
}

fn area(bounds: &BoundingBox) -> f64 {
    (f64::from(bounds.bottom) - f64::from(bounds.top))
        * (f64::from(bounds.right) - f64::from(bounds.left))
}

/// Areas in pixels, from and to: all, small, medium and large.
const SIZES: [(f64, f64); 4] =
    [(0.0, 1e10), (0.0, 32.0 * 32.0), (32.0 * 32.0, 96.0 * 96.0), (96.0 * 96.0, 1e10)];

/// Position in [`SIZES`].
const ALL_SIZES: usize = 0;

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are as easily made in Python: a linear congruential generator's upper half.
    struct Dice(u32);

    impl Dice {
        fn below(&mut self, limit: u32) -> u32 {
            self.0 = self.0.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            (self.0 >> 16) % limit
        }

        fn object(&mut self, left: u32, top: u32, width: u32, height: u32) -> BoundingBox {
            let [left, top, width, height] = [left, top, width, height].map(|side| side as f32);
            BoundingBox { top, left, bottom: top + height, right: left + width }
        }
    }

    /// Photos with objects of three classes in four, most of them found, some as another class,
    /// some twice, and things found where nothing is.
    fn judged_photos(crowds: bool) -> AveragePrecision {
        let mut dice = Dice(7);
        let mut judge = AveragePrecision::new(4);
        for _ in 0..40 {
            let (mut found, mut truth) = (Vec::new(), Vec::new());
            let mut find = |dice: &mut Dice, bounds, class: u32| {
                let score = dice.below(1000) as f32 / 1000.0;
                found.push(DetectedObject { bounds, class: class as usize, label: None, score });
            };
            for _ in 0..dice.below(6) {
                let class = dice.below(3);
                let [left, top] = [dice.below(500), dice.below(400)];
                let [width, height] = [8 + dice.below(150), 8 + dice.below(150)];
                let crowd = dice.below(10) == 0 && crowds;
                let bounds = dice.object(left, top, width, height);
                truth.push(TrueObject { crowd, ..TrueObject::new(bounds, class as usize) });
                for _ in 0..dice.below(3) {
                    let [right, down] = [dice.below(width / 3 + 1), dice.below(height / 3 + 1)];
                    let [wider, higher] = [dice.below(width / 4 + 1), dice.below(height / 4 + 1)];
                    let class = if dice.below(8) == 0 { (class + 1) % 3 } else { class };
                    let near = dice.object(
                        left + right / 2,
                        top + down / 2,
                        width + wider,
                        height + higher,
                    );
                    find(&mut dice, near, class);
                }
            }
            for _ in 0..dice.below(4) {
                let class = dice.below(4);
                let [left, top] = [dice.below(500), dice.below(400)];
                let [width, height] = [1 + dice.below(200), 1 + dice.below(200)];
                let bounds = dice.object(left, top, width, height);
                find(&mut dice, bounds, class);
            }
            judge.add(&found, &truth);
        }
        judge
    }

    fn assert_near(actual: f64, expected: f64, what: &str) {
        assert!((actual - expected).abs() < 1e-9, "{what}: {actual} is not {expected}");
    }

    /// Expected: pycocotools 2.0.11, `COCOeval(..., "bbox")` on the same photos, made by
    /// `tools/check-accuracy/check.py --expected`.
    #[test]
    fn figures_are_those_of_pycocotools() {
        let expected = [
            [
                0.0908661351313845,
                0.33079642011368393,
                0.016065800953496884,
                0.24978390696212477,
                0.1015938589199713,
                0.08958000928297959,
                0.1330989798731734,
                0.22967251784456086,
                0.22967251784456086,
            ],
            [
                0.09053302379651768,
                0.317206830897539,
                0.016144261484972028,
                0.23663366336633662,
                0.10302929268873541,
                0.09015454184935838,
                0.13251234567901235,
                0.22333950617283949,
                0.22333950617283949,
            ],
        ];
        for (crowds, expected) in [(false, expected[0]), (true, expected[1])] {
            let accuracy = judged_photos(crowds).accuracy();
            let actual = [
                ("AP", accuracy.average_precision),
                ("AP50", accuracy.at_50),
                ("AP75", accuracy.at_75),
                ("AP small", accuracy.small.unwrap()),
                ("AP medium", accuracy.medium.unwrap()),
                ("AP large", accuracy.large.unwrap()),
                ("AR1", accuracy.recall_1),
                ("AR10", accuracy.recall_10),
                ("AR100", accuracy.recall_100),
            ];
            for ((what, actual), expected) in actual.into_iter().zip(expected) {
                assert_near(actual, expected, what);
            }
            assert_eq!(accuracy.per_class[3], None, "no object of that class was there");
        }
    }

    #[test]
    fn found_objects_are_right_and_nothing_is_nothing() {
        let bounds = BoundingBox { top: 0.0, left: 0.0, bottom: 50.0, right: 50.0 };
        let found = DetectedObject { bounds, class: 1, label: None, score: 0.3 };
        let truth = TrueObject::new(bounds, 1);
        let mut perfect = AveragePrecision::new(2);
        perfect.add(std::slice::from_ref(&found), &[truth]);
        let accuracy = perfect.accuracy();
        assert_eq!((accuracy.average_precision, accuracy.recall_1), (1.0, 1.0));
        assert_eq!((accuracy.small, accuracy.medium), (None, Some(1.0)));
        assert_eq!((accuracy.objects, accuracy.photos), (1, 1));

        let mut missed = AveragePrecision::new(2);
        missed.add(&[], &[truth]);
        assert_eq!(missed.accuracy().average_precision, 0.0);
        assert_eq!(AveragePrecision::new(2).accuracy().average_precision, 0.0);
        let mut other_classes = AveragePrecision::new(1);
        other_classes.add(&[found], &[truth]);
        assert_eq!(other_classes.accuracy().objects, 0);
    }
}
