//! Scores to a ranking.

use std::cmp::Ordering;
use std::fmt;

use pocketvision_core::Tensor;

use crate::Labels;

/// One class of a ranking. Displays as `macaw (0.98)`, without labels as `class 89 (0.98)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Ranked {
    /// Position among the scores.
    pub index: usize,
    /// The score as a real number, quantization undone.
    pub score: f32,
    /// The class's name, if there are labels and they reach this far.
    pub label: Option<String>,
}

impl fmt::Display for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => write!(f, "{label} ({:.2})", self.score),
            None => write!(f, "class {} ({:.2})", self.index, self.score),
        }
    }
}

/// The `k` classes of the highest scores, best first; fewer if there are fewer classes.
///
/// Equal scores rank by index, lower first, as TFLite's tools rank them. An infinity ranks
/// by its sign; NaN, which no order has a place for, ranks below everything. Of a batch,
/// the first picture's scores are ranked.
///
/// Cost: sorts all scores, `n log n`.
pub fn top_k(scores: &Tensor, k: usize, labels: Option<&Labels>) -> Vec<Ranked> {
    let mut scores: Vec<(usize, f32)> = {
        let classes = scores.shape().elements() / scores.shape().n;
        scores.to_f32().into_iter().take(classes).enumerate().collect()
    };
    // A stable sort keeps equal scores in the order of their indices.
    scores.sort_by(|(_, a), (_, b)| higher_first(*a, *b));
    scores.truncate(k);
    let ranked = |(index, score)| Ranked {
        index,
        score,
        label: labels.and_then(|labels| labels.name(index)).map(str::to_owned),
    };
    scores.into_iter().map(ranked).collect()
}

fn higher_first(a: f32, b: f32) -> Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
