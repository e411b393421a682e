//! How right a detector's boxes are.

use std::path::Path;

use anyhow::Result;
use pocketvision::vision::AveragePrecision;
use pocketvision::{Backend, Model};

use super::Evaluate;
use super::each_picture::judge_each;
use crate::dataset::boxes;
use crate::report::EvaluatedAccuracy;

impl Evaluate {
    /// Number of pictures, and COCO's figures.
    pub(super) fn detect(
        &self,
        backend: &dyn Backend,
        model: &Model,
    ) -> Result<(usize, EvaluatedAccuracy)> {
        let classes = model.classes().unwrap_or(0);
        let labels = model.labels();
        let images = boxes::read(&self.folder, classes, labels, self.annotations.as_deref())?;
        let pictures: Vec<&Path> = images.iter().map(|image| image.path.as_path()).collect();
        let found = judge_each(backend, model, &pictures, |index, picture, outputs| {
            let truth = images[index].objects(picture.size());
            Ok((model.detections(outputs, picture, 0.0), truth))
        })?;
        let mut judge = AveragePrecision::new(classes);
        found.iter().for_each(|(found, truth)| judge.add(found, truth));
        Ok((images.len(), EvaluatedAccuracy::boxes(&judge.accuracy(), labels)))
    }
}
