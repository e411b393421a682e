//! Dropping boxes that overlap better ones.

use super::BoundingBox;

/// Which boxes remain.
///
/// ```
/// use pocketvision_core::detection::{Suppression, SuppressionKind};
///
/// let suppression = Suppression {
///     kind: SuppressionKind::Fast { classes_per_detection: 1 },
///     score_threshold: 0.1,
///     iou_threshold: 0.6,
///     max_detections: 100,
/// };
/// assert_eq!(suppression.rows(90), 100);
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Suppression {
    /// Class by class, or all classes at once.
    pub kind: SuppressionKind,
    /// Boxes that score less are dropped.
    pub score_threshold: f32,
    /// A box goes if it shares more than this with a better one: intersection over union.
    pub iou_threshold: f32,
    /// Boxes that remain at most.
    pub max_detections: usize,
}

/// Class by class, or all classes at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SuppressionKind {
    /// Each class for itself, over all boxes.
    Regular {
        /// Boxes of one class that remain at most.
        detections_per_class: usize,
    },
    /// Once, by each box's best class.
    Fast {
        /// Classes that are reported of each box that remains, best first.
        classes_per_detection: usize,
    },
}

impl Suppression {
    /// True if thresholds and counts make sense.
    pub(crate) fn is_valid(&self) -> bool {
        let counted = match self.kind {
            SuppressionKind::Regular { detections_per_class } => detections_per_class,
            SuppressionKind::Fast { classes_per_detection } => classes_per_detection,
        };
        self.score_threshold.is_finite()
            && self.iou_threshold > 0.0
            && self.iou_threshold <= 1.0
            && self.max_detections > 0
            && counted > 0
    }

    /// Rows of detections that come out, for so many classes.
    pub fn rows(&self, classes: usize) -> usize {
        match self.kind {
            SuppressionKind::Regular { .. } => self.max_detections,
            SuppressionKind::Fast { classes_per_detection } => {
                self.max_detections.saturating_mul(classes_per_detection.min(classes))
            }
        }
    }

    /// The boxes that remain of one list of scores, best first, at most `limit`. `candidates`
    /// and `selected` are overwritten.
    ///
    /// Costs a sort of the boxes above the score threshold, and for each that remains a
    /// comparison with all that come after it.
    pub(super) fn select(
        &self,
        boxes: &[BoundingBox],
        score: impl Fn(usize) -> f32,
        limit: usize,
        candidates: &mut Vec<Candidate>,
        selected: &mut Vec<usize>,
    ) {
        candidates.clear();
        selected.clear();
        candidates.extend(
            (0..boxes.len())
                .map(|index| Candidate { index, score: score(index) })
                .filter(|candidate| candidate.score >= self.score_threshold),
        );
        candidates.sort_unstable_by(Candidate::best_first);
        let mut remaining = candidates.len();
        let mut first = 0;
        while first < remaining && selected.len() < limit {
            let best = candidates[first].index;
            selected.push(best);
            first += 1;
            // Those that stay move to the front, in order.
            let mut kept = first;
            for next in first..remaining {
                let overlap = boxes[best].intersection_over_union(&boxes[candidates[next].index]);
                // A comparison with NaN is false: such a box stays.
                let goes = overlap > self.iou_threshold;
                if !goes {
                    candidates[kept] = candidates[next];
                    kept += 1;
                }
            }
            remaining = kept;
        }
    }
}

/// A box that may remain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    index: usize,
    score: f32,
}

impl Candidate {
    /// By score; of equal ones, the first box. No score is NaN.
    fn best_first(a: &Self, b: &Self) -> std::cmp::Ordering {
        let by_score = b.score.partial_cmp(&a.score).unwrap_or(std::cmp::Ordering::Equal);
        by_score.then(a.index.cmp(&b.index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_of_two_that_overlap_remains() {
        let at = |left: f32| BoundingBox { top: 0.0, left, bottom: 1.0, right: left + 1.0 };
        let boxes = [at(0.0), at(0.1), at(5.0), at(0.2), at(5.05)];
        let scores = [0.5, 0.9, 0.3, 0.9, f32::NAN];
        let suppression = Suppression {
            kind: SuppressionKind::Regular { detections_per_class: 9 },
            score_threshold: 0.1,
            iou_threshold: 0.5,
            max_detections: 9,
        };
        let (mut candidates, mut selected) = (vec![], vec![]);
        suppression.select(&boxes, |i| scores[i], 9, &mut candidates, &mut selected);
        assert_eq!(selected, [1, 2]);
        suppression.select(&boxes, |i| scores[i], 1, &mut candidates, &mut selected);
        assert_eq!(selected, [1]);
    }
}
