//! The end of a detector: boxes and scores to detections.

use pocketvision_core::detection::{BoxCoder, Suppression, SuppressionKind};
use pocketvision_core::op::DetectionPostprocess;
use pocketvision_core::{NodeId, Op, Shape};

use super::FileOperator;
use crate::error::{Problem, Result};
use crate::flexbuffer::{Map, Number};
use crate::importer::{Importer, Role};

impl<'a> Importer<'a> {
    /// TFLite_Detection_PostProcess. Its four outputs are columns of one node's.
    pub(crate) fn detection_postprocess(&mut self, operator: &FileOperator<'a>) -> Result<NodeId> {
        let count = operator.outputs().len();
        if count != 4 {
            let expected = "4 (boxes, classes, scores, count)";
            return Err(Problem::Count { what: "outputs", actual: count, expected });
        }
        let [boxes, scores, anchors] =
            [0, 1, 2].map(|position| self.input(operator, position, 3..=3, INPUTS));
        let anchors = anchors?;
        let (boxes, scores) = (self.operand(&boxes?)?, self.operand(&scores?)?);
        let options = Options(Map::root(operator.custom_options)?);
        let of_boxes = self.builder.ty(boxes.node).shape;
        let shape = Shape::new(1, 1, of_boxes.w, 4);
        let op = DetectionPostprocess {
            anchors: self.constant(&anchors, shape, Role::Real)?.param,
            coder: BoxCoder {
                y_scale: options.scale("y_scale")?,
                x_scale: options.scale("x_scale")?,
                h_scale: options.scale("h_scale")?,
                w_scale: options.scale("w_scale")?,
            },
            suppression: options.suppression()?,
            classes: options.count("num_classes", None)?,
        };
        let first = self.tensor(operator.outputs().get(0).unwrap_or(-1))?;
        let name = self.name(&first, "")?;
        let inputs = [boxes.node, scores.node];
        Ok(self.builder.push(name, Op::DetectionPostprocess(op), &inputs)?)
    }
}

/// The operator's attributes by TFLite's names.
struct Options<'a>(Map<'a>);

impl Options<'_> {
    fn suppression(&self) -> Result<Suppression> {
        let regular = match self.0.get("use_regular_nms")? {
            Some(number) => number.as_f64() != 0.0,
            None => false,
        };
        let kind = if regular {
            let detections_per_class = self.count("detections_per_class", Some(100))?;
            SuppressionKind::Regular { detections_per_class }
        } else {
            let classes_per_detection = self.count("max_classes_per_detection", None)?;
            SuppressionKind::Fast { classes_per_detection }
        };
        Ok(Suppression {
            kind,
            score_threshold: self.number("nms_score_threshold")?,
            iou_threshold: self.number("nms_iou_threshold")?,
            max_detections: self.count("max_detections", None)?,
        })
    }

    fn number(&self, key: &'static str) -> Result<f32> {
        let number = self.0.get(key)?.map(Number::as_f64);
        let absent = || Problem::attribute(key, "absent", "a number");
        Ok(number.ok_or_else(absent)? as f32)
    }

    fn scale(&self, key: &'static str) -> Result<f32> {
        let scale = self.number(key)?;
        if scale.is_finite() && scale > 0.0 {
            return Ok(scale);
        }
        Err(Problem::attribute(key, scale, "a finite number above 0"))
    }

    /// A number of things, or a default where TFLite has one.
    fn count(&self, key: &'static str, default: Option<usize>) -> Result<usize> {
        let limit = DetectionPostprocess::MAX_DETECTIONS;
        let wrong =
            |value: String| Problem::attribute(key, value, format!("an integer from 1 to {limit}"));
        let value = match (self.0.get(key)?, default) {
            (Some(number), _) => number,
            (None, Some(default)) => return Ok(default),
            (None, None) => return Err(wrong("absent".to_owned())),
        };
        match value {
            Number::Integer(count) if (1..=limit as i64).contains(&count) => Ok(count as usize),
            other => Err(wrong(other.as_f64().to_string())),
        }
    }
}

const INPUTS: &str = "3 (boxes, scores, anchors)";
