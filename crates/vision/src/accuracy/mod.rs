//! How right a network's answers are, where the truth is known.

mod agreement;
mod average_precision;
mod mean_iou;

pub use agreement::{equal_pixels, matching_objects};
pub use average_precision::{AveragePrecision, DetectionAccuracy, TrueObject};
pub use mean_iou::{Confusion, SegmentationAccuracy};
