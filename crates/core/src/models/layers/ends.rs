//! How networks end: in probabilities, in classes of pixels, or in detections.

use super::{Feature, Layers, Precision};
use crate::detection::{BoxCoder, Suppression};
use crate::models::weights::{LayerName, LayerRequest};
use crate::op::{ArgMax, DetectionPostprocess, Quantize, Softmax};
use crate::{Element, Graph, GraphError, Op, Shape, Tensor};

impl Layers<'_> {
    /// The classifier, a softmax over its scores, and the finished network.
    pub(in crate::models) fn finish(mut self, x: Feature) -> Result<Graph, GraphError> {
        let shape = Shape::new(self.options.classes, 1, 1, self.channels(x));
        let request = LayerRequest {
            normalized: false,
            variance: LOGIT_VARIANCE,
            ..self.request(LayerName::Logits, x, shape)
        };
        let logits = self.dense_layer(&request, x, self.window(1, 1), 1, None)?;
        let softmax = Op::Softmax(Softmax { beta: 1.0 });
        let output = match self.options.precision {
            Precision::F32 => self.builder.push("probabilities", softmax, &[logits.node])?,
            Precision::Int8 => {
                let int8 = Element::int8(1.0 / 256.0, -128);
                let node =
                    self.builder.push_as("probabilities/int8", softmax, &[logits.node], int8)?;
                let uint8 = Element::uint8(1.0 / 256.0, 0);
                self.builder.push_as("probabilities", Op::Quantize(Quantize), &[node], uint8)?
            }
        };
        self.builder.finish(&[output])
    }

    /// The finished segmentation network: the class of the largest score of each pixel.
    pub(in crate::models) fn finish_classes(
        mut self,
        logits: Feature,
    ) -> Result<Graph, GraphError> {
        let node = self.builder.push("classes", Op::ArgMax(ArgMax), &[logits.node])?;
        self.builder.finish(&[node])
    }

    /// The finished detector, from rows of box encodings and of scores, the background's first.
    pub(in crate::models) fn finish_detections(
        mut self,
        (boxes, scores): (Feature, Feature),
        anchors: &[[f32; 4]],
        coder: BoxCoder,
        suppression: Suppression,
    ) -> Result<Graph, GraphError> {
        let shape = Shape::new(1, 1, anchors.len(), 4);
        let anchors = Tensor::from_f32(shape, anchors.as_flattened().to_vec())
            .map_err(|source| GraphError::Tensor { name: "anchors".into(), source })?;
        let anchors = self.builder.param("anchors", anchors);
        let classes = self.channels(scores).saturating_sub(1);
        let op = DetectionPostprocess { anchors, coder, suppression, classes };
        let op = Op::DetectionPostprocess(op);
        let node = self.builder.push("detections", op, &[boxes.node, scores.node])?;
        self.builder.finish(&[node])
    }
}

/// Variance of the scores: enough for a softmax with a clear first.
const LOGIT_VARIANCE: f32 = 9.0;
