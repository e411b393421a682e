//! The end of a detector: TFLite's custom operator.

use pocketvision_core::detection::SuppressionKind;
use pocketvision_core::op::DetectionPostprocess;
use pocketvision_core::{Element, NodeId, Shape};
use pocketvision_import_tflite::schema::options::reshape;
use pocketvision_import_tflite::schema::{builtin, tensor_type};

use crate::tflite::flexbuffer::Number::{Float, Integer, Truth};
use crate::tflite::flexbuffer::map;
use crate::tflite::model::{FileTensor, OperatorCode, Options, TensorIndex, int};
use crate::tflite::signedness::Storage;
use crate::tflite::translation::Translation;

impl Translation<'_> {
    /// In float, as TFLite takes integers only with anchors that are integers too.
    pub(in crate::tflite) fn detection_postprocess(
        &mut self,
        id: NodeId,
        op: &DetectionPostprocess,
    ) {
        let node = self.graph.node(id);
        let boxes = self.rows(id, 0);
        let scores = self.rows(id, 1);
        let count = int(self.graph.param(op.anchors).shape().w);
        let anchors = self.constant(op.anchors, vec![count, 4], 0, Storage::F32);
        let rows = int(node.output.shape.w);
        let column = |what: &str, dims: Vec<i32>| FileTensor {
            name: format!("{}{what}", node.name),
            dims,
            kind: tensor_type::FLOAT32,
            scaling: None,
            data: None,
        };
        let outputs = vec![
            column("", vec![1, rows, 4]),
            column("/classes", vec![1, rows]),
            column("/scores", vec![1, rows]),
            column("/count", vec![1]),
        ];
        let code = OperatorCode { builtin: builtin::CUSTOM, custom: Some(NAME), version: 1 };
        let inputs = vec![boxes, scores, anchors];
        self.emit_result(id, code, inputs, outputs, None, Some(attributes(op)));
    }

    /// What a node reads as real numbers of three dimensions: TFLite insists on those.
    fn rows(&mut self, id: NodeId, position: usize) -> TensorIndex {
        let graph = self.graph;
        let source = graph.node(id).inputs[position];
        let (name, shape) = (&graph.node(source).name, graph.ty(source).shape);
        let Shape { w: boxes, c: numbers, .. } = shape;
        let mut input = self.input_as_it_is(id, position);
        if input.storage != Storage::F32 {
            let version = input.storage.version(2);
            let float = self.place(format!("{name}/float"), shape, &Element::F32, Storage::F32);
            self.emit(builtin::DEQUANTIZE, version, vec![input.tensor], float, None);
            input = float;
        }
        let dims = vec![1, int(boxes), int(numbers)];
        let new_shape = self.integers(format!("{name}/rows/shape"), vec![3], &dims);
        let rows = self.flat_place(format!("{name}/rows"), dims.clone());
        let options = Options::new(reshape::UNION_TYPE).ints(reshape::NEW_SHAPE, dims);
        self.emit(builtin::RESHAPE, 1, vec![input.tensor, new_shape], rows, Some(options));
        rows.tensor
    }
}

/// The operator's attributes under TFLite's names.
fn attributes(op: &DetectionPostprocess) -> Vec<u8> {
    let suppression = &op.suppression;
    let (regular, per_class, per_detection) = match suppression.kind {
        SuppressionKind::Regular { detections_per_class } => (true, detections_per_class, 1),
        SuppressionKind::Fast { classes_per_detection } => {
            (false, suppression.max_detections, classes_per_detection.min(op.classes))
        }
    };
    map(&[
        ("max_detections", Integer(int(suppression.max_detections))),
        ("max_classes_per_detection", Integer(int(per_detection))),
        ("detections_per_class", Integer(int(per_class))),
        ("use_regular_nms", Truth(regular)),
        ("nms_score_threshold", Float(suppression.score_threshold)),
        ("nms_iou_threshold", Float(suppression.iou_threshold)),
        ("num_classes", Integer(int(op.classes))),
        ("y_scale", Float(op.coder.y_scale)),
        ("x_scale", Float(op.coder.x_scale)),
        ("h_scale", Float(op.coder.h_scale)),
        ("w_scale", Float(op.coder.w_scale)),
    ])
}

const NAME: &str = "TFLite_Detection_PostProcess";
