//! Weights written as safetensors and read back by the importer.

use pocketvision_core::models::{self, BuildOptions, InputSize, PaddingStyle, Precision};
use pocketvision_core::{Graph, passes};
use pocketvision_export::{ExportError, Format, to_bytes};
use pocketvision_import_safetensors::{ImportOptions, Naming, import};

fn float(name: &str, options: &BuildOptions) -> Graph {
    let definition = models::find(name).unwrap();
    definition.build(&BuildOptions { precision: Precision::F32, ..*options }).unwrap()
}

fn reason(graph: &Graph) -> String {
    match to_bytes(graph, Format::Safetensors) {
        Err(error @ ExportError::NotDefined { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn networks_come_back_as_they_were() {
    for name in ["mobilenet-v1-0.25", "mobilenet-v3-small-0.75", "mobilenet-edgetpu-0.5"] {
        for classes in [7, 1001] {
            let graph = float(name, &BuildOptions { classes, ..BuildOptions::default() });
            for graph in [passes::optimize(&graph).unwrap(), graph] {
                let bytes = to_bytes(&graph, Format::Safetensors).unwrap();
                let read = import("test", &bytes, &ImportOptions::default()).unwrap();
                assert_eq!((read.network, read.naming), (name, Naming::PocketVision));
                let [read, graph] = [&read.graph, &graph].map(|g| passes::optimize(g).unwrap());
                assert_eq!(read, graph, "{name}");
            }
        }
    }
}

#[test]
fn detectors_and_segmentation_networks_come_back_too() {
    for name in ["ssdlite-mobilenet-v3-small", "lraspp-mobilenet-v3-small"] {
        let own = models::find(name).unwrap().options();
        for classes in [7, own.classes] {
            let graph = float(name, &BuildOptions { classes, ..own });
            let bytes = to_bytes(&graph, Format::Safetensors).unwrap();
            let read = import("test", &bytes, &ImportOptions::default()).unwrap();
            assert_eq!(read.network, name);
            assert_eq!(read.graph, graph, "{name}");
        }
    }
}

/// The file has weights alone: it is read at the size that the definition has.
#[test]
fn the_input_size_is_not_part_of_the_weights() {
    let graph = float(
        "mobilenet-v1-0.25",
        &BuildOptions { input_size: InputSize::square(96), ..Default::default() },
    );
    let bytes = to_bytes(&graph, Format::Safetensors).unwrap();
    let read = import("test", &bytes, &ImportOptions::default()).unwrap().graph;
    assert_eq!(read.params(), graph.params());
    assert_eq!(read.ty(read.inputs()[0]).shape.h, 224);
}

#[test]
fn what_would_not_come_back_is_refused() {
    let name = "mobilenet-v2-0.35";
    let definition = models::find(name).unwrap();
    assert!(reason(&definition.build(&definition.options()).unwrap()).contains("is int8"));
    for options in [
        BuildOptions { padding: PaddingStyle::Symmetric, ..BuildOptions::default() },
        BuildOptions { width: Some(0.6), ..BuildOptions::default() },
    ] {
        let message = reason(&float(name, &options));
        assert!(message.starts_with(name) && message.contains(".tflite"), "{message}");
    }
}
