//! Real networks: every classification file imports, and as the network that it should be.
//!
//! The files are not part of the repository: see `shared_folder`.

use pocketvision_core::op::{IntegerRounding, Op, PoolKind};
use pocketvision_core::{Element, Graph, Shape};
use pocketvision_import_tflite::{import_with_operators, open};

mod shared_folder;

/// What is known of a file from elsewhere: its operators as other tools count them, and the
/// multiply-accumulates of the published architecture.
struct Network {
    file: &'static str,
    image: usize,
    operators: usize,
    /// In millions, rounded to the digits that are published.
    macs_millions: (f64, i32),
    rounding: IntegerRounding,
}

const NETWORKS: [Network; 8] = [
    network("mobilenet_v1_0.25_128_quant", 128, 31, (14.0, 0), IntegerRounding::HalfUp),
    network("mobilenet_v1_0.75_192_quant", 192, 31, (239.0, 0), IntegerRounding::HalfUp),
    network("mobilenet_v2_1.0_224_quant", 224, 66, (300.0, -1), IntegerRounding::HalfUp),
    network(
        "tf2_mobilenet_v2_1.0_224_ptq",
        224,
        68,
        (300.0, -1),
        IntegerRounding::HalfAwayFromZero,
    ),
    network("v3-small_224_1.0_uint8", 224, 119, (56.51, 2), IntegerRounding::HalfUp),
    network("v3-large-minimalistic_224_1.0_uint8", 224, 62, (209.14, 2), IntegerRounding::HalfUp),
    network("mobilenet_edgetpu_224_1.0_uint8", 224, 78, (990.670, 3), IntegerRounding::HalfUp),
    network(
        "mobilenet_edgetpu_0.75_224_post_training_quant",
        224,
        79,
        (624.488, 3),
        IntegerRounding::HalfAwayFromZero,
    ),
];

const fn network(
    file: &'static str,
    image: usize,
    operators: usize,
    macs_millions: (f64, i32),
    rounding: IntegerRounding,
) -> Network {
    Network { file, image, operators, macs_millions, rounding }
}

#[test]
fn every_classification_network_is_what_was_published() {
    let Some(folder) = shared_folder::find("models") else { return };
    for network in NETWORKS {
        let path = folder.join(network.file).with_extension("tflite");
        let path =
            if path.exists() { path } else { folder.join(format!("{}.tflite", network.file)) };
        let bytes = std::fs::read(&path).unwrap();
        let imported = import_with_operators(&bytes, network.file).unwrap();
        assert_eq!(imported.operators.len(), network.operators, "{}", network.file);
        let graph = imported.graph;
        let (macs, digits) = network.macs_millions;
        let scale = 10f64.powi(digits);
        assert_eq!((graph.macs() as f64 / 1e6 * scale).round(), macs * scale, "{}", network.file);
        check_signature(&graph, &network);
        check_nodes(&graph, &network);
    }
}

fn check_signature(graph: &Graph, network: &Network) {
    let ([input], [output]) = (graph.inputs(), graph.outputs()) else { panic!("one of each") };
    let (input, output) = (graph.ty(*input), graph.ty(*output));
    assert_eq!(input.shape, Shape::new(1, network.image, network.image, 3));
    assert!(matches!(input.element, Element::UInt8(_)));
    assert_eq!(output.shape, Shape::vector(1001));
    assert_eq!(output.element, Element::uint8(1.0 / 256.0, 0));
}

fn check_nodes(graph: &Graph, network: &Network) {
    let names: std::collections::HashSet<_> = graph.nodes().iter().map(|n| &n.name).collect();
    assert_eq!(names.len(), graph.nodes().len(), "names are unique");
    for (id, node) in graph.iter() {
        let at_edge = graph.inputs().contains(&id) || graph.outputs().contains(&id);
        assert!(at_edge || matches!(node.output.element, Element::Int8(_)), "{}", node.name);
        if let Op::Pool2d(pool) = &node.op
            && pool.kind != PoolKind::Max
        {
            assert_eq!(pool.rounding, network.rounding, "{}", node.name);
        }
    }
}

#[test]
fn a_network_with_an_unknown_operator_is_refused_by_name_index_and_file() {
    let Some(folder) = shared_folder::find("models") else { return };
    let error = open(folder.join("mobilenet_ssd_v2_coco_quant_postprocess.tflite")).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("mobilenet_ssd_v2_coco_quant_postprocess.tflite"), "{message}");
    assert!(message.contains("operator 98 is the custom operator 'TFLite_Detection_PostProcess'"));
}
