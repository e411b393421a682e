//! Real detectors and segmentation networks: every file imports, and as what it is known to be.
//!
//! The files are not part of the repository: see `shared_folder`.

use std::collections::BTreeMap;

use pocketvision_core::detection::{BoxCoder, Suppression, SuppressionKind};
use pocketvision_core::op::{
    CoordinateMode, DetectionPostprocess, IntegerInterpolation, Rescaling, Resize, ResizeKind,
};
use pocketvision_core::{Element, Graph, Op, Shape};
use pocketvision_import_tflite::open;

mod shared_folder;

/// A file: its name, its input, its output, and its operators by kind.
type Network = (&'static str, Shape, Shape, &'static [(&'static str, usize)]);

/// Every file. Operators are as other tools count them, TILE being a resize and DEQUANTIZE of
/// weights none.
const NETWORKS: &[Network] = &[
    (
        "mobilenet_ssd_v2_coco_quant_postprocess",
        Shape::new(1, 300, 300, 3),
        Shape::new(1, 1, 20, 6),
        &[
            ("Activation", 1),
            ("Add", 10),
            ("Concat", 2),
            ("Conv2d", 55),
            ("DepthwiseConv2d", 17),
            ("DetectionPostprocess", 1),
            ("Reshape", 13),
        ],
    ),
    (
        "deeplabv3_mnv2_pascal_quant",
        Shape::new(1, 513, 513, 3),
        Shape::new(1, 513, 513, 1),
        &[
            ("Add", 10),
            ("ArgMax", 1),
            ("Concat", 1),
            ("Conv2d", 38),
            ("DepthwiseConv2d", 17),
            ("Pool2d", 1),
            ("Resize", 3),
        ],
    ),
    (
        "deeplabv3_mnv2_ade20k_uint8",
        Shape::new(1, 512, 512, 3),
        Shape::new(1, 512, 512, 1),
        &[
            ("Add", 10),
            ("ArgMax", 1),
            ("Concat", 2),
            ("Conv2d", 41),
            ("DepthwiseConv2d", 19),
            ("Pool2d", 1),
            ("Resize", 3),
        ],
    ),
    (
        "deeplab_mobilenet_edgetpu_slim_cityscapes_quant",
        Shape::new(1, 513, 513, 3),
        Shape::new(1, 513, 513, 1),
        &[
            ("Add", 15),
            ("ArgMax", 1),
            ("Concat", 1),
            ("Conv2d", 49),
            ("DepthwiseConv2d", 13),
            ("Pool2d", 1),
            ("Resize", 3),
        ],
    ),
    (
        "mobilenet_v3_small_raspp_1025x513_float",
        Shape::new(1, 513, 1025, 3),
        Shape::new(1, 513, 1025, 1),
        &[
            ("Activation", 18),
            ("Add", 7),
            ("ArgMax", 1),
            ("Conv2d", 45),
            ("DepthwiseConv2d", 11),
            ("Mul", 20),
            ("Pool2d", 10),
            ("Resize", 5),
        ],
    ),
    (
        "mobilenet_v3_small_raspp_1025x513_uint8",
        Shape::new(1, 513, 1025, 3),
        Shape::new(1, 513, 1025, 1),
        &[
            ("Activation", 18),
            ("Add", 17),
            ("ArgMax", 1),
            ("Conv2d", 45),
            ("DepthwiseConv2d", 11),
            ("Mul", 20),
            ("Pool2d", 10),
            ("Resize", 5),
        ],
    ),
    (
        "selfie_segmentation",
        Shape::new(1, 256, 256, 3),
        Shape::new(1, 256, 256, 1),
        &[
            ("Activation", 44),
            ("Add", 14),
            ("Conv2d", 43),
            ("ConvTranspose2d", 1),
            ("DepthwiseConv2d", 11),
            ("Mul", 10),
            ("Pool2d", 10),
            ("Resize", 3),
        ],
    ),
];

fn network(file: &str) -> Option<Graph> {
    let path = shared_folder::find("models")?.join(format!("{file}.tflite"));
    Some(open(path).unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn every_file_imports_as_what_it_is() {
    for (file, input, output, operators) in NETWORKS {
        let Some(graph) = network(file) else { return };
        assert_eq!(graph.ty(graph.inputs()[0]).shape, *input, "{file}");
        let [only] = graph.outputs() else { panic!("{file}: one output") };
        assert_eq!(graph.ty(*only).shape, *output, "{file}");
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for node in graph.nodes() {
            *counts.entry(node.op.name()).or_default() += 1;
        }
        for edge in ["Input", "Constant", "Quantize"] {
            counts.remove(edge);
        }
        let counts: Vec<(&str, usize)> = counts.into_iter().collect();
        assert_eq!(counts, *operators, "{file}");
    }
}

/// The published multiply-accumulates of DeepLab-slim (github.com/tensorflow/models,
/// research/deeplab/g3doc/model_zoo.md) are 4.3 G; another parser sums 4.316 G over the file.
#[test]
fn multiply_accumulates_are_the_published_ones() {
    let Some(graph) = network("deeplab_mobilenet_edgetpu_slim_cityscapes_quant") else { return };
    assert_eq!(graph.macs() / 1_000_000, 4316);
}

#[test]
fn the_detector_ends_as_its_export_says() {
    let Some(graph) = network("mobilenet_ssd_v2_coco_quant_postprocess") else { return };
    let node = graph.node(graph.outputs()[0]);
    let Op::DetectionPostprocess(op) = &node.op else { panic!("{node:?}") };
    let suppression = Suppression {
        kind: SuppressionKind::Fast { classes_per_detection: 1 },
        score_threshold: 1e-8,
        iou_threshold: 0.6,
        max_detections: 20,
    };
    let expected = DetectionPostprocess {
        anchors: op.anchors,
        coder: BoxCoder::SSD,
        suppression,
        classes: 90,
    };
    assert_eq!(*op, expected);
    assert_eq!(graph.param(op.anchors).shape(), Shape::new(1, 1, 1917, 4));
    let float_concatenations = graph
        .nodes()
        .iter()
        .filter(|node| matches!(&node.op, Op::Concat(op) if op.rescaling == Rescaling::Float));
    assert_eq!(float_concatenations.count(), 2);
}

#[test]
fn resizes_keep_the_files_coordinates_and_arithmetic() {
    let resizes = |file| {
        let graph = network(file)?;
        let resize = |op: &Op| if let Op::Resize(op) = op { Some(*op) } else { None };
        Some(graph.nodes().iter().filter_map(|node| resize(&node.op)).collect::<Vec<Resize>>())
    };
    let Some(deeplab) = resizes("deeplab_mobilenet_edgetpu_slim_cityscapes_quant") else { return };
    let last = Resize {
        kind: ResizeKind::Bilinear,
        height: 513,
        width: 513,
        coordinates: CoordinateMode::AlignCorners,
        interpolation: IntegerInterpolation::Float,
    };
    assert_eq!(deeplab, [Resize::repeat(33, 33), Resize { height: 33, width: 33, ..last }, last]);
    let selfie = resizes("selfie_segmentation").unwrap();
    assert!(selfie.iter().all(|op| op.coordinates == CoordinateMode::HalfPixel), "{selfie:?}");
}

#[test]
fn classes_are_bytes_and_weights_of_half_precision_become_floats() {
    let Some(graph) = network("deeplabv3_mnv2_pascal_quant") else { return };
    assert_eq!(graph.ty(graph.outputs()[0]).element, Element::uint8(1.0, 0));
    let graph = network("selfie_segmentation").unwrap();
    let is_float = |element: &Element| *element == Element::F32;
    assert!(graph.params().iter().all(|param| is_float(param.tensor.element())));
    assert!(graph.nodes().iter().all(|node| is_float(&node.output.element)));
}
