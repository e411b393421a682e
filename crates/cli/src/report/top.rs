//! Ranked classes.

use std::fmt;

use pocketvision::vision::Ranked;
use serde::Serialize;

/// One class of a ranking.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TopClass {
    /// Position among the network's scores.
    pub index: usize,
    /// The class's name; null if no labels were found.
    pub label: Option<String>,
    /// The score, quantization undone.
    pub score: f32,
}

impl fmt::Display for TopClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => write!(f, "{label} {:.3}", self.score),
            None => write!(f, "class {} {:.3}", self.index, self.score),
        }
    }
}

/// A ranking as it is reported.
pub(crate) fn top_classes(ranked: Vec<Ranked>) -> Vec<TopClass> {
    let class = |Ranked { index, score, label }| TopClass { index, label, score };
    ranked.into_iter().map(class).collect()
}
