//! Real networks: every classification file imports, and as the network that it should be.
//!
//! The files are not part of the repository: see `shared_folder`.

use std::collections::{BTreeMap, HashSet};

use pocketvision_core::op::{IntegerRounding, Op, PoolKind};
use pocketvision_core::{Element, Graph, ParamId, Shape};
use pocketvision_import_tflite::{Imported, import_with_operators};

mod shared_folder;

use IntegerRounding::{HalfAwayFromZero, HalfUp};

/// What is known of a file from elsewhere.
struct Network {
    file: &'static str,
    /// Height and width of its input.
    image: usize,
    /// Operators by kind, as other tools count them in the file; SQUEEZE is a reshape.
    operators: &'static [(&'static str, usize)],
    /// Millions of multiply-accumulates of the architecture, to all digits given. Those of
    /// MobileNetV1 are the sum over table 1 of its paper (Howard et al., 2017).
    macs_millions: &'static str,
    /// Millions of parameters of the architecture before its batch normalisations were
    /// folded: a scale and an offset for each channel of a normalised layer.
    parameters_millions: &'static str,
    /// How TFLite averages in the file's type.
    rounding: IntegerRounding,
}

const NETWORKS: [Network; 8] = [
    Network {
        file: "mobilenet_v1_0.25_128_quant",
        image: 128,
        operators: V1_OPERATORS,
        macs_millions: "13.570304",
        parameters_millions: "0.47",
        rounding: HalfUp,
    },
    Network {
        file: "mobilenet_v1_0.75_192_quant",
        image: 192,
        operators: V1_OPERATORS,
        macs_millions: "239.274240",
        parameters_millions: "2.59",
        rounding: HalfUp,
    },
    Network {
        file: "mobilenet_v2_1.0_224_quant",
        image: 224,
        operators: &[
            ("Add", 10),
            ("Conv2d", 36),
            ("DepthwiseConv2d", 17),
            ("Pool2d", 1),
            ("Reshape", 1),
            ("Softmax", 1),
        ],
        macs_millions: "300.78",
        parameters_millions: "3.506",
        rounding: HalfUp,
    },
    Network {
        file: "tf2_mobilenet_v2_1.0_224_ptq",
        image: 224,
        operators: &[
            ("Add", 10),
            ("Conv2d", 36),
            ("DepthwiseConv2d", 17),
            ("Pool2d", 1),
            ("Quantize", 2),
            ("Reshape", 1),
            ("Softmax", 1),
        ],
        macs_millions: "300.78",
        parameters_millions: "3.506",
        rounding: HalfAwayFromZero,
    },
    Network {
        file: "v3-small_224_1.0_uint8",
        image: 224,
        operators: &[
            ("Activation", 19),
            ("Add", 15),
            ("Conv2d", 43),
            ("DepthwiseConv2d", 11),
            ("Mul", 18),
            ("Pool2d", 11),
            ("Reshape", 1),
            ("Softmax", 1),
        ],
        macs_millions: "56.51",
        parameters_millions: "2.544",
        rounding: HalfUp,
    },
    Network {
        file: "v3-large-minimalistic_224_1.0_uint8",
        image: 224,
        operators: &[
            ("Add", 10),
            ("Conv2d", 33),
            ("DepthwiseConv2d", 15),
            ("Pool2d", 2),
            ("Reshape", 1),
            ("Softmax", 1),
        ],
        macs_millions: "209.14",
        parameters_millions: "3.926",
        rounding: HalfUp,
    },
    Network {
        file: "mobilenet_edgetpu_224_1.0_uint8",
        image: 224,
        operators: &[
            ("Add", 15),
            ("Conv2d", 46),
            ("DepthwiseConv2d", 13),
            ("Pool2d", 1),
            ("Reshape", 2),
            ("Softmax", 1),
        ],
        macs_millions: "990.670",
        parameters_millions: "4.093",
        rounding: HalfUp,
    },
    Network {
        file: "mobilenet_edgetpu_0.75_224_post_training_quant",
        image: 224,
        operators: &[
            ("Add", 15),
            ("Conv2d", 46),
            ("DepthwiseConv2d", 13),
            ("Pool2d", 1),
            ("Quantize", 2),
            ("Reshape", 1),
            ("Softmax", 1),
        ],
        macs_millions: "624.488",
        parameters_millions: "2.989",
        rounding: HalfAwayFromZero,
    },
];

const V1_OPERATORS: &[(&str, usize)] =
    &[("Conv2d", 15), ("DepthwiseConv2d", 13), ("Pool2d", 1), ("Reshape", 1), ("Softmax", 1)];

#[test]
fn every_classification_network_is_what_was_published() {
    let Some(folder) = shared_folder::find("models") else { return };
    for network in NETWORKS {
        let bytes = std::fs::read(folder.join(format!("{}.tflite", network.file))).unwrap();
        let imported = import_with_operators(&bytes, network.file).unwrap();
        check_operators(&imported, &network);
        check_sizes(&imported.graph, &network);
        check_signature(&imported.graph, &network);
        check_nodes(&imported.graph, &network);
    }
}

fn check_operators(imported: &Imported, network: &Network) {
    let mut counts = BTreeMap::new();
    for id in &imported.operators {
        let id = id.expect("nothing to fold in an integer network");
        *counts.entry(imported.graph.node(id).op.name()).or_insert(0) += 1;
    }
    assert_eq!(counts, network.operators.iter().copied().collect(), "{}", network.file);
}

fn check_sizes(graph: &Graph, network: &Network) {
    assert_eq!(millions(graph.macs(), network.macs_millions), network.macs_millions);
    // Constant operands are none of the architecture's parameters. A normalisation leaves one
    // bias a channel when it is folded: all layers have one that see an image; those after
    // the pool and within squeeze-and-excite never did.
    let channels = |bias: Option<ParamId>| graph.param(bias.unwrap()).shape().c as u64;
    let (mut constants, mut folded) = (0, 0);
    for node in graph.nodes() {
        match &node.op {
            Op::Conv2d(op) if node.output.shape.pixels() > 1 => folded += channels(op.bias),
            Op::DepthwiseConv2d(op) => folded += channels(op.bias),
            Op::Constant(_) => constants += node.output.shape.elements() as u64,
            _ => {}
        }
    }
    let parameters = graph.parameters() - constants + folded;
    let expected = network.parameters_millions;
    assert_eq!(millions(parameters, expected), expected, "{}", network.file);
}

/// A count in millions with as many decimals as the expected text.
fn millions(count: u64, expected: &str) -> String {
    let decimals = expected.split('.').nth(1).map_or(0, str::len);
    format!("{:.decimals$}", count as f64 / 1e6)
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
    let names: HashSet<_> = graph.nodes().iter().map(|node| &node.name).collect();
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
