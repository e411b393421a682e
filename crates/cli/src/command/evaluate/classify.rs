//! How often a classifier's best classes are right.

use std::path::Path;

use anyhow::Result;
use pocketvision::{Backend, Model};

use super::Evaluate;
use super::each_picture::judge_each;
use crate::dataset::classes::{self, LabelledImage};
use crate::report::EvaluatedAccuracy;

impl Evaluate {
    /// Number of pictures, and the share of them whose class is among the best.
    pub(super) fn classify(
        &self,
        backend: &dyn Backend,
        model: &Model,
    ) -> Result<(usize, EvaluatedAccuracy)> {
        let count = model.classes().unwrap_or(0);
        let wnids = self.wnids.clone().or_else(|| classes::find_wnid_list(&self.folder, count));
        let images: Vec<LabelledImage> =
            classes::read(&self.folder, count, model.labels(), wnids.as_deref())?;
        let pictures: Vec<&Path> = images.iter().map(|image| image.path.as_path()).collect();
        // For each picture, the place of its class among the network's best five.
        let ranks = judge_each(backend, model, &pictures, |index, _, outputs| {
            let best = model.top_k(outputs, 5);
            Ok(best.iter().position(|ranked| ranked.index == images[index].class))
        })?;
        let within = |k: usize| {
            let hits = ranks.iter().filter(|rank| rank.is_some_and(|rank| rank < k)).count();
            100.0 * hits as f64 / images.len() as f64
        };
        let accuracy = EvaluatedAccuracy::Classes { top1: within(1), top5: within(5) };
        Ok((images.len(), accuracy))
    }
}
