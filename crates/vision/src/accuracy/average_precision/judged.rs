//! Detections of one class judged against the objects of that class.

use pocketvision_core::detection::BoundingBox;

use super::{TrueObject, area};
use crate::DetectedObject;

/// What was found out about one class of objects of one range of sizes.
#[derive(Clone, Default, Debug)]
pub(super) struct Judged {
    /// In the order of photos, best first in each.
    detections: Vec<JudgedDetection>,
    /// Objects to be found.
    pub(super) objects: usize,
}

#[derive(Clone, Copy, Debug)]
struct JudgedDetection {
    score: f32,
    /// Place among the detections of its class in its photo.
    rank: usize,
    /// For each threshold, one bit: whether it has found an object.
    right: u16,
    /// For each threshold, one bit: whether it does not count.
    ignored: u16,
}

impl Judged {
    /// Judges the detections of one class in one photo, best first.
    pub(super) fn add(
        &mut self,
        found: &[&DetectedObject],
        truth: &[&TrueObject],
        size: (f64, f64),
    ) {
        let outside = |area: f64| area < size.0 || area > size.1;
        // Objects that count come first, so that they are found first.
        let mut truth: Vec<(&TrueObject, bool)> =
            truth.iter().map(|object| (*object, object.crowd || outside(object.area))).collect();
        truth.sort_by_key(|(_, ignored)| *ignored);
        self.objects += truth.iter().filter(|(_, ignored)| !ignored).count();

        let mut judged: Vec<JudgedDetection> = (found.iter().enumerate())
            .map(|(rank, object)| JudgedDetection {
                score: object.score,
                rank,
                right: 0,
                ignored: 0,
            })
            .collect();
        let shares: Vec<Vec<f64>> = found
            .iter()
            .map(|found| truth.iter().map(|(object, _)| share(&found.bounds, object)).collect())
            .collect();
        for index in 0..THRESHOLDS {
            let bit = 1 << index;
            let mut taken = vec![false; truth.len()];
            for ((judged, shares), found) in judged.iter_mut().zip(&shares).zip(found) {
                match best_match(shares, &truth, &taken, threshold(index)) {
                    Some(best) => {
                        taken[best] = true;
                        judged.right |= bit;
                        if truth[best].1 {
                            judged.ignored |= bit;
                        }
                    }
                    None if outside(area(&found.bounds)) => judged.ignored |= bit,
                    None => {}
                }
            }
        }
        self.detections.extend(judged);
    }

    pub(super) const fn has_objects(&self) -> bool {
        self.objects > 0
    }

    /// The detections that count at a threshold, best first: whether each is right. At most
    /// `most` of each photo.
    fn verdicts(&self, threshold: usize, most: usize) -> impl Iterator<Item = bool> {
        let bit = 1 << threshold;
        let mut detections: Vec<&JudgedDetection> =
            self.detections.iter().filter(|detection| detection.rank < most).collect();
        detections.sort_by(|a, b| b.score.total_cmp(&a.score));
        let counted = detections.into_iter().filter(move |detection| detection.ignored & bit == 0);
        counted.map(move |detection| detection.right & bit != 0)
    }

    /// Share of the objects that are found at a threshold.
    pub(super) fn recall(&self, threshold: usize, most: usize) -> f64 {
        let right = self.verdicts(threshold, most).filter(|right| *right).count();
        right as f64 / self.objects as f64
    }

    /// Mean over 101 values of recall of the best precision that has at least that recall.
    pub(super) fn precision(&self, threshold: usize) -> f64 {
        let (mut right, mut wrong) = (0, 0);
        let mut curve: Vec<(f64, f64)> = Vec::new();
        for is_right in self.verdicts(threshold, MOST_DETECTIONS) {
            *(if is_right { &mut right } else { &mut wrong }) += 1;
            let recall = f64::from(right) / self.objects as f64;
            curve.push((recall, f64::from(right) / f64::from(right + wrong)));
        }
        let mut best = 0.0_f64;
        for (_, precision) in curve.iter_mut().rev() {
            best = best.max(*precision);
            *precision = best;
        }
        let at = |step: usize| {
            let first = curve.partition_point(|(recall, _)| *recall < recall_step(step));
            curve.get(first).map_or(0.0, |(_, precision)| *precision)
        };
        (0..RECALLS).map(at).sum::<f64>() / RECALLS as f64
    }
}

/// The free object that shares most with a detection, and at least `least`. One that does not
/// count is taken only if there is no other.
fn best_match(
    shares: &[f64],
    truth: &[(&TrueObject, bool)],
    taken: &[bool],
    least: f64,
) -> Option<usize> {
    let mut best: Option<usize> = None;
    let mut most = least;
    for (index, (object, ignored)) in truth.iter().enumerate() {
        if taken[index] && !object.crowd {
            continue;
        }
        if *ignored && best.is_some_and(|best| !truth[best].1) {
            break;
        }
        if shares[index] >= most {
            (best, most) = (Some(index), shares[index]);
        }
    }
    best
}

/// What a detection shares with an object: intersection over union; with a crowd, the part of
/// the detection that lies in it.
fn share(found: &BoundingBox, object: &TrueObject) -> f64 {
    let [a, b] = [found, &object.bounds]
        .map(|bounds| [bounds.top, bounds.left, bounds.bottom, bounds.right].map(f64::from));
    let height = a[2].min(b[2]) - a[0].max(b[0]);
    let width = a[3].min(b[3]) - a[1].max(b[1]);
    if height <= 0.0 || width <= 0.0 {
        return 0.0;
    }
    let common = height * width;
    let union =
        if object.crowd { area(found) } else { area(found) + area(&object.bounds) - common };
    common / union
}

/// Detections of a class that count in a photo.
pub(super) const MOST_DETECTIONS: usize = 100;

/// Thresholds of what a detection must share with an object.
pub(super) const THRESHOLDS: usize = 10;

/// Values of recall at which precision is read off.
const RECALLS: usize = 101;

/// 0.50, 0.55 to 0.95, in the very numbers that NumPy's `linspace` makes.
const fn threshold(index: usize) -> f64 {
    0.5 + index as f64 * ((0.95 - 0.5) / (THRESHOLDS - 1) as f64)
}

/// 0.00, 0.01 to 1.00, likewise.
const fn recall_step(step: usize) -> f64 {
    if step + 1 == RECALLS { 1.0 } else { step as f64 * (1.0 / (RECALLS - 1) as f64) }
}
