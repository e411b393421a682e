//! Whole networks, written as TFLite and read back.

mod round_trip;

use pocketvision_core::models::{
    self, BuildOptions, Definition, InputSize, PaddingStyle, Precision,
};
use pocketvision_core::op::Normalize;
use pocketvision_core::passes::{self, take_pixels};
use pocketvision_core::{Graph, Op};
use round_trip::{reimport, run};

fn at_64_pixels(definition: &Definition, precision: Precision) -> BuildOptions {
    BuildOptions {
        input_size: InputSize::square(64),
        classes: 10,
        precision,
        ..definition.options()
    }
}

#[test]
fn int8_networks_come_back_to_the_bit() {
    for name in SMALL_ONE_OF_EACH_FAMILY {
        let definition = models::find(name).unwrap();
        let graph = definition.build(&at_64_pixels(definition, Precision::Int8)).unwrap();
        let read = reimport(&graph);
        assert_eq!(run(&graph), run(&read), "{name}");
    }
}

/// The fusing pass undoes what was taken apart, but for hard sigmoids.
#[test]
fn float_networks_come_back_as_the_same_graph() {
    for name in SMALL_ONE_OF_EACH_FAMILY {
        let definition = models::find(name).unwrap();
        let graph = definition.build(&at_64_pixels(definition, Precision::F32)).unwrap();
        let graph = passes::optimize(&graph).unwrap();
        let read = passes::optimize(&reimport(&graph)).unwrap();
        let layers = |graph: &Graph| -> Vec<_> {
            graph.nodes().iter().map(|node| (node.op.name(), node.output.clone())).collect()
        };
        if name == "mobilenet-v3-small" || name == "mnasnet-a1" {
            assert!(layers(&graph).len() < layers(&read).len(), "{name} has hard sigmoids");
        } else {
            assert_eq!(layers(&graph), layers(&read), "{name}");
        }
        let (expected, actual) = (run(&graph), run(&read));
        for (expected, actual) in expected[0].to_f32().iter().zip(actual[0].to_f32()) {
            assert!((expected - actual).abs() <= 1e-6, "{name}: {expected} became {actual}");
        }
    }
}

#[test]
fn a_network_that_takes_pixels_comes_back_as_it_was() {
    // In an order of their own, so that the file must say which is which.
    let normalize = Normalize { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };
    let definition = models::find("mobilenet-v2-0.35").unwrap();
    let float = definition.build(&at_64_pixels(definition, Precision::F32)).unwrap();
    let graph = passes::optimize(&take_pixels(&float, normalize).unwrap()).unwrap();
    let read = passes::optimize(&reimport(&graph)).unwrap();
    let layers = |graph: &Graph| -> Vec<_> {
        graph.nodes().iter().map(|node| (node.op.name(), node.output.clone())).collect()
    };
    assert_eq!(layers(&graph), layers(&read));
    assert_eq!(read.nodes()[1].op, Op::Normalize(normalize));
    assert_eq!(run(&graph), run(&read));
}

/// Integers, and floats of which nothing was taken apart.
#[test]
fn detectors_and_segmentation_networks_come_back() {
    for (name, precision) in [
        ("ssdlite-mobilenet-v3-small", Precision::Int8),
        ("ssdlite-mobilenet-edgetpu", Precision::F32),
        ("lraspp-mobilenet-v3-small", Precision::Int8),
        ("deeplab-mobilenet-edgetpu-slim", Precision::Int8),
        ("deeplab-mobilenet-edgetpu-slim", Precision::F32),
    ] {
        let definition = models::find(name).unwrap();
        let graph = definition.build(&at_64_pixels(definition, precision)).unwrap();
        let read = reimport(&graph);
        let ends = [&graph, &read].map(|graph| graph.node(graph.outputs()[0]).op.name());
        assert_eq!(ends[0], ends[1], "{name}");
        assert_eq!(run(&graph), run(&read), "{name} {precision:?}");
    }
}

/// PyTorch's border of a strided convolution is neither SAME nor VALID.
#[test]
fn symmetric_padding_survives() {
    for precision in [Precision::F32, Precision::Int8] {
        let definition = models::find("mobilenet-v2-0.35").unwrap();
        let options = BuildOptions {
            padding: PaddingStyle::Symmetric,
            ..at_64_pixels(definition, precision)
        };
        let graph = definition.build(&options).unwrap();
        let read = reimport(&graph);
        assert!(read.nodes().iter().any(|node| node.op.name() == "Pad"));
        assert_eq!(run(&graph), run(&read));
    }
}

const SMALL_ONE_OF_EACH_FAMILY: [&str; 10] = [
    "mobilenet-v1-0.25",
    "mobilenet-v2-0.35",
    "mobilenet-v3-small",
    "mobilenet-v3-small-minimalistic",
    "mobilenet-edgetpu-0.5",
    "mobilenet-edgetpu-v2-tiny",
    "mobilenet-multi-avg",
    "mnasnet-a1",
    "efficientnet-lite0",
    "efficientnet-edgetpu-s",
];
