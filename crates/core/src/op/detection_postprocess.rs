//! From box encodings and scores to detections.

use super::exactly;
use crate::builder::param;
use crate::detection::{BoxCoder, Suppression};
use crate::{Element, Graph, ParamId, Shape, ShapeError, TensorType};

/// Decodes boxes, drops those that overlap better ones, and keeps the best: TFLite's
/// TFLite_Detection_PostProcess, computed as [`crate::detection::Postprocessor`] says.
///
/// Reads box encodings `1x1xBx4` and scores `1x1xBxC`, in f32 or int8, of B boxes; C is
/// [`Self::classes`], or one more if a background class comes first. Yields f32 `1x1xDx6`, a row
/// for each of D possible detections, best first in the order that TFLite gives them:
/// top, left, bottom and right of the box as fractions of the image, class (background not
/// counted), score. Rows without a detection are zeros.
///
/// ```
/// use pocketvision_core::op::DetectionPostprocess;
/// # use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType, detection::BoxCoder, detection::Suppression, detection::SuppressionKind};
/// # let mut builder = GraphBuilder::new("example");
/// # let image = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
/// # let image = builder.input("image", image)?;
/// # let encodings = TensorType::new(Shape::new(1, 1, 3, 4), Element::F32);
/// # let scores = TensorType::new(Shape::new(1, 1, 3, 91), Element::F32);
/// let anchors = Tensor::zeros(&encodings);
/// let op = DetectionPostprocess {
///     anchors: builder.param("anchors", anchors),
///     coder: BoxCoder::SSD,
///     suppression: Suppression {
///         kind: SuppressionKind::Fast { classes_per_detection: 1 },
///         score_threshold: 0.1,
///         iou_threshold: 0.6,
///         max_detections: 10,
///     },
///     classes: 90,
/// };
/// let inputs = [builder.input("encodings", encodings)?, builder.input("scores", scores)?];
/// let found = builder.push("found", Op::DetectionPostprocess(op), &inputs)?;
/// assert_eq!(builder.ty(found).shape, Shape::new(1, 1, 10, DetectionPostprocess::ROW));
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct DetectionPostprocess {
    /// The anchors, f32 `1x1xBx4`: centre y, centre x, height, width as fractions of the image.
    pub anchors: ParamId,
    /// How encodings become boxes.
    pub coder: BoxCoder,
    /// Which boxes remain.
    pub suppression: Suppression,
    /// Classes, without the background.
    pub classes: usize,
}

impl DetectionPostprocess {
    /// Numbers of a row of the output.
    pub const ROW: usize = 6;

    /// Most boxes, 65,536; the largest detectors that we know of have 50,000.
    pub const MAX_BOXES: usize = 1 << 16;

    /// Most rows of the output.
    pub const MAX_DETECTIONS: usize = 1 << 14;

    pub(super) fn infer(
        &self,
        inputs: &[&TensorType],
        graph: &Graph,
        element: Option<&Element>,
    ) -> Result<TensorType, ShapeError> {
        let [boxes, scores] = exactly(inputs)?;
        let anchors = param(graph, self.anchors)?;
        let mismatch =
            |what, left, right| -> Result<_, _> { Err(ShapeError::Mismatch { what, left, right }) };
        let count = boxes.shape.w;
        if boxes.shape != Shape::new(1, 1, count, 4) || count > Self::MAX_BOXES {
            return mismatch("box encodings", boxes.shape, Shape::new(1, 1, count, 4));
        }
        if anchors.shape() != boxes.shape {
            return mismatch("anchors and box encodings", anchors.shape(), boxes.shape);
        }
        let background = scores.shape.c.checked_sub(self.classes);
        let expected = Shape { c: self.classes, ..boxes.shape };
        if !matches!(background, Some(0 | 1))
            || self.classes == 0
            || (Shape { c: self.classes, ..scores.shape }) != expected
        {
            return mismatch("scores and classes", scores.shape, expected);
        }
        for (what, element) in [("box encodings", &boxes.element), ("scores", &scores.element)] {
            if !matches!(element, Element::F32 | Element::Int8(_)) {
                let (actual, expected) = (element.to_string(), "f32 or int8".to_owned());
                return Err(ShapeError::Element { what, actual, expected });
            }
        }
        if let Some(stated) = element.filter(|stated| **stated != Element::F32) {
            let (what, actual) = ("the output's element", stated.to_string());
            return Err(ShapeError::Element { what, actual, expected: "f32".to_owned() });
        }
        self.check_attributes(anchors.as_f32(), boxes.shape)?;
        let rows = self.suppression.rows(self.classes);
        Ok(TensorType::new(Shape::new(1, 1, rows, Self::ROW), Element::F32))
    }

    fn check_attributes(&self, anchors: Option<&[f32]>, input: Shape) -> Result<(), ShapeError> {
        let wrong = |attribute, value: String| -> Result<(), ShapeError> {
            Err(ShapeError::Attribute { attribute, value, input })
        };
        if !self.coder.is_valid() {
            return wrong("coder (scales above 0)", format!("{:?}", self.coder));
        }
        let rows = self.suppression.rows(self.classes);
        if !self.suppression.is_valid() || rows > Self::MAX_DETECTIONS {
            return wrong("suppression", format!("{:?}", self.suppression));
        }
        let Some(anchors) = anchors else {
            return wrong("anchors", "not f32".to_owned());
        };
        // A box must not end before it begins.
        let good = |anchor: &[f32]| {
            anchor.iter().all(|x| x.is_finite()) && anchor[2] >= 0.0 && anchor[3] >= 0.0
        };
        match anchors.chunks_exact(4).find(|anchor| !good(anchor)) {
            Some(anchor) => wrong("anchors (finite, sizes from 0)", format!("{anchor:?}")),
            None => Ok(()),
        }
    }
}
