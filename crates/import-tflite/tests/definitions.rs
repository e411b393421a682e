//! Definitions against released files of the same network: layer by layer, the same weights in
//! number and the same multiply-accumulates.
//!
//! The files are not part of the repository: see `shared_folder`.

use pocketvision_core::models::{self, BuildOptions, InputSize};
use pocketvision_core::{Graph, Op, Shape};
use pocketvision_import_tflite::open;

mod shared_folder;

/// File, definition, classes, height and width, and pixels of the gate that the file has more: its
/// gates average smaller windows than the paper's.
type Pair = (&'static str, &'static str, usize, [usize; 2], u64);

const PAIRS: [Pair; 6] = [
    ("deeplabv3_mnv2_pascal_quant", "deeplab-mobilenet-v2", 21, [513, 513], 0),
    (
        "deeplab_mobilenet_edgetpu_slim_cityscapes_quant",
        "deeplab-mobilenet-edgetpu-slim",
        19,
        [513, 513],
        0,
    ),
    (
        "mobilenet_v3_small_raspp_1025x513_float",
        "lraspp-mobilenet-v3-small-os32",
        5,
        [513, 1025],
        2,
    ),
    (
        "mobilenet_v3_small_raspp_1025x513_uint8",
        "lraspp-mobilenet-v3-small-os32",
        5,
        [513, 1025],
        2,
    ),
    ("mobilenet_ssd_v2_coco_quant_postprocess", "ssd-mobilenet-v2", 91, [300, 300], 0),
    (
        "mobilenet_edgetpu_0.75_224_post_training_quant",
        "mobilenet-edgetpu-0.75",
        1001,
        [224, 224],
        0,
    ),
];

#[test]
fn definitions_have_the_layers_of_released_files() {
    let Some(folder) = shared_folder::find("models") else { return };
    for (file, name, classes, [height, width], gate_pixels) in PAIRS {
        let released = open(folder.join(format!("{file}.tflite"))).unwrap();
        let definition = models::find(name).unwrap();
        let input_size = InputSize { height, width };
        let options = BuildOptions { input_size, classes, ..definition.options() };
        let built = definition.build(&options).unwrap();
        let [ours, theirs] = [layers(&built), layers(&released)];
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{file} {name}");
        }
        assert_eq!(ours.len(), theirs.len(), "{file} {name}");
        let gate_macs = gate_pixels * 288 * 128;
        assert_eq!(built.macs() + gate_macs, released.macs(), "{file} {name}");
    }
}

/// Operator, shape of the weights, number of biases and shape of the output (but of a gate's few
/// pixels) of each layer with weights, in one order: branches come in any.
type Layer = (&'static str, Shape, usize, Shape);

fn layers(graph: &Graph) -> Vec<Layer> {
    let layer = |node: &pocketvision_core::Node| {
        let (weight, bias) = match &node.op {
            Op::Conv2d(op) => (op.weight, op.bias),
            Op::DepthwiseConv2d(op) => (op.weight, op.bias),
            _ => return None,
        };
        let biases = bias.map_or(0, |bias| graph.param(bias).shape().elements());
        let weight = graph.param(weight).shape();
        let output = node.output.shape;
        let output = if output.pixels() <= 4 { Shape::vector(output.c) } else { output };
        Some((node.op.name(), weight, biases, output))
    };
    let mut layers: Vec<Layer> = graph.nodes().iter().filter_map(layer).collect();
    layers.sort_by_key(|(name, weight, _, output)| (*name, weight.dims(), output.dims()));
    layers
}
