//! How right a segmentation's classes are.

use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result};
use pocketvision::vision::{ClassMap, Confusion};
use pocketvision::{Backend, Model};

use super::each_picture::judge_each;
use super::{Evaluate, MaskClasses};
use crate::dataset::masks;
use crate::report::EvaluatedAccuracy;

impl Evaluate {
    /// Number of pictures, and how much of them is right.
    pub(super) fn segment(
        &self,
        backend: &dyn Backend,
        model: &Model,
    ) -> Result<(usize, EvaluatedAccuracy)> {
        let class_of = match self.mask_classes {
            MaskClasses::Network => None,
            MaskClasses::Coco => Some(masks::coco_classes(model.dataset(), model.labels())?),
        };
        let (images, without_mask) = masks::read(&self.folder, self.masks.as_deref())?;
        let pictures: Vec<&Path> = images.iter().map(|image| image.path.as_path()).collect();
        let confusion = Mutex::new(Confusion::new(model.classes().unwrap_or(0)));
        judge_each(backend, model, &pictures, |index, _, outputs| {
            let found = model.class_map(outputs)?;
            let mut truth = ClassMap::open(&images[index].mask)?;
            if let Some(class_of) = &class_of {
                truth = truth.renumbered(class_of);
            }
            let truth = truth.nearest(found.width(), found.height())?;
            let mut confusion = confusion.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            confusion.add(&found, &truth).with_context(|| self.hint(&images[index].mask))
        })?;
        let confusion = confusion.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        let accuracy = confusion.accuracy();
        Ok((images.len(), EvaluatedAccuracy::pixels(&accuracy, model.labels(), without_mask)))
    }

    /// What to do about a mask that does not fit.
    fn hint(&self, mask: &Path) -> String {
        match self.mask_classes {
            MaskClasses::Network => {
                format!("{}: if its numbers are COCO's, pass --mask-classes coco", mask.display())
            }
            MaskClasses::Coco => mask.display().to_string(),
        }
    }
}
