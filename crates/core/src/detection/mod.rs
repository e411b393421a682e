//! Boxes of a single-shot detector: where they start, how they are coded, which remain.
//!
//! A detector scores a fixed list of boxes, its [anchors](SsdAnchors), and says for each by how
//! much it is off. [`BoxCoder`] turns that into a [`BoundingBox`], and [`Suppression`] drops
//! boxes that overlap better ones. [`Postprocessor`] does both as TFLite's operator
//! TFLite_Detection_PostProcess does, number by number, ties included; every backend calls it,
//! since it is a few hundred microseconds of branches that no accelerator is good at.
//!
//! Coordinates are fractions of the image, y before x, as TensorFlow has them.

mod anchors;
mod boxes;
mod postprocess;
mod suppression;

pub use anchors::SsdAnchors;
pub use boxes::{BoundingBox, BoxCoder};
pub use postprocess::{Detection, Numbers, Postprocessor, detections};
pub use suppression::{Suppression, SuppressionKind};
