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

impl TopClass {
    /// Its label, or its number.
    pub(crate) fn name(&self) -> String {
        class_name(self.label.as_deref(), self.index)
    }
}

impl fmt::Display for TopClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.3}", self.name(), self.score)
    }
}

/// A class's label, or its number where it has none.
pub(super) fn class_name(label: Option<&str>, class: usize) -> String {
    label.map_or_else(|| format!("class {class}"), str::to_owned)
}

/// A ranking as it is reported.
pub(crate) fn top_classes(ranked: Vec<Ranked>) -> Vec<TopClass> {
    let class = |Ranked { index, score, label }| TopClass { index, label, score };
    ranked.into_iter().map(class).collect()
}
