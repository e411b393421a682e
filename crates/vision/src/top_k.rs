//! Scores to a ranking.

use std::cmp::Ordering;
use std::fmt;

use pocketvision_core::Tensor;

use crate::Labels;

/// One class of a ranking. Displays as `macaw (0.98)`, without labels as `class 89 (0.98)`.
///
/// ```
/// use pocketvision_vision::Ranked;
///
/// let ranked = Ranked { index: 89, score: 0.981, label: None };
/// assert_eq!(ranked.to_string(), "class 89 (0.98)");
/// ```
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
///
/// ```
/// use pocketvision_core::{Shape, Tensor};
/// use pocketvision_vision::{Labels, top_k};
///
/// let scores = Tensor::from_f32(Shape::vector(3), vec![0.1, 0.7, 0.2])?;
/// let labels: Labels = ["cat", "dog", "fox"].map(str::to_owned).into_iter().collect();
/// let best = top_k(&scores, 2, Some(&labels));
/// assert_eq!(best[0].to_string(), "dog (0.70)");
/// assert_eq!(best[1].index, 2);
/// # Ok::<(), pocketvision_core::TensorError>(())
/// ```
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

#[cfg(test)]
mod tests {
    use pocketvision_core::{Element, Shape, TensorData};

    use super::*;

    fn ranking(scores: &[f32], k: usize) -> Vec<usize> {
        let tensor = Tensor::from_f32(Shape::vector(scores.len()), scores.to_vec()).unwrap();
        top_k(&tensor, k, None).iter().map(|ranked| ranked.index).collect()
    }

    #[test]
    fn best_first_and_equal_scores_by_index() {
        assert_eq!(ranking(&[0.1, 0.7, 0.2, 0.7, 0.0], 3), [1, 3, 2]);
        assert_eq!(ranking(&[0.0, -0.0, 0.0], 3), [0, 1, 2]);
    }

    #[test]
    fn more_than_there_are_gives_all() {
        assert_eq!(ranking(&[1.0, 2.0], 5), [1, 0]);
        assert_eq!(ranking(&[1.0], 0), [0_usize; 0]);
    }

    #[test]
    fn nan_ranks_last_and_infinities_by_sign() {
        let scores = [f32::NAN, f32::NEG_INFINITY, 1.0, f32::NAN, f32::INFINITY];
        assert_eq!(ranking(&scores, 5), [4, 2, 1, 0, 3]);
    }

    #[test]
    fn integer_scores_are_dequantized_and_of_a_batch_the_first_is_ranked() {
        let data = TensorData::U8(vec![3, 250, 9, 255, 255, 255]);
        let element = Element::uint8(1.0 / 256.0, 0);
        let scores = Tensor::new(Shape::new(2, 1, 1, 3), element, data).unwrap();
        let labels: Labels = ["cat", "macaw"].map(String::from).into_iter().collect();
        let ranked = top_k(&scores, 2, Some(&labels));
        assert_eq!(ranked[0].score, 250.0 / 256.0);
        assert_eq!(ranked[0].to_string(), "macaw (0.98)");
        assert_eq!(ranked[1].to_string(), "class 2 (0.04)");
    }
}
