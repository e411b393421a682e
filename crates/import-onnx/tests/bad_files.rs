//! Files that cannot be imported, and what is said about each.

#[allow(dead_code, reason = "each test uses a part of it")]
mod network;

use std::collections::BTreeMap;

use network::{Network, float, int, ints, numbers, typed};
use pocketvision_core::Shape;
use pocketvision_import_onnx::message::{Dimension, DimensionValue, Model, StringEntry, data_type};
use pocketvision_import_onnx::{ImportOptions, import, open};
use prost::Message;

fn relu() -> Network {
    Network::new(13).input("x", &[1, 3, 4, 4]).node("Relu", &["x"], "y", &[]).output("y")
}

#[track_caller]
fn assert_refused(network: &Network, parts: &[&str]) {
    let message = network.refusal();
    for part in parts {
        assert!(message.contains(part), "'{part}' is not in: {message}");
    }
}

#[test]
fn something_else_than_onnx() {
    for bytes in [&b"not a model at all"[..], b"", &[0xff; 64], b"TFL3"] {
        assert!(import(bytes, "file", &ImportOptions::default()).is_err());
    }
    let error = open("no/such/file.onnx", &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with("no/such/file.onnx: cannot be read: "), "{error}");
}

#[test]
fn versions_that_are_not_known() {
    let mut network = relu();
    for version in [1, 10, 22, -3, i64::MAX] {
        network.model.opset_import[0].version = Some(version);
        assert_refused(&network, &[&format!("operator set {version}; 11 to 21 are read")]);
    }
    for version in 11..=21 {
        network.model.opset_import[0].version = Some(version);
        network.import().unwrap();
    }
    network.model.opset_import.clear();
    assert_refused(&network, &["there is no version of the operators"]);
    assert_refused(&Network { model: Model { graph: None, ..relu().model } }, &["no graph"]);
}

#[test]
fn operators_that_are_not_known() {
    let network = relu().node("Erf", &["y"], "z", &[]);
    assert_refused(&network, &["node 'z' (Erf): cannot be imported"]);
    let mut network = relu();
    network.graph().node[0].domain = "com.microsoft".into();
    network.graph().node[0].name = "first".into();
    assert_refused(&network, &["node 'first' (com.microsoft.Relu): cannot be imported"]);
}

#[test]
fn graphs_that_dangle_or_are_cycles() {
    let dangling = relu().node("Add", &["y", "nowhere"], "z", &[]);
    assert_refused(&dangling, &["node 'z' (Add): reads 'nowhere'"]);
    let cycle = Network::new(13)
        .input("x", &[1, 4])
        .node("Add", &["x", "b"], "a", &[])
        .node("Relu", &["a"], "b", &[])
        .output("b");
    assert_refused(&cycle, &["node 'a' (Add): reads 'b'"]);
    assert_refused(&relu().output("nothing"), &["tensor 'nothing': reads 'nothing'"]);
    let twice = relu().node("Sigmoid", &["x"], "y", &[]);
    assert_refused(&twice, &["(Sigmoid): writes 'y', which is defined already"]);
    let mut none = relu();
    none.graph().output.clear();
    assert_refused(&none, &["there is no output"]);
    let mut none = relu();
    none.graph().node[0].output.clear();
    assert_refused(&none, &["(Relu): has 0 outputs"]);
}

#[test]
fn open_shapes_are_asked_for() {
    let named = |names: [&str; 4]| {
        let dim = |name: &str| match name.parse() {
            Ok(size) => DimensionValue::Size(size),
            Err(_) => DimensionValue::Name(name.into()),
        };
        let dims = names.iter().map(|name| Dimension { value: Some(dim(name)) }).collect();
        let mut network = relu();
        network.graph().input[0] = typed("x", data_type::FLOAT, dims);
        network
    };
    let open = named(["batch", "3", "height", "width"]);
    assert_refused(
        &open,
        &["tensor 'x'", "[batch, 3, height, width] is not fixed", "--shape x=1x3x224x224"],
    );
    let with = |name: &str, dims: &[usize]| {
        let shapes = BTreeMap::from([(name.to_owned(), dims.to_vec())]);
        import(&open.to_bytes(), "network", &ImportOptions { shapes })
    };
    let graph = with("x", &[2, 3, 5, 7]).unwrap();
    assert_eq!(graph.ty(graph.inputs()[0]).shape, Shape::new(2, 5, 7, 3));
    let message = with("x", &[2, 4, 5, 7]).unwrap_err().to_string();
    assert!(message.contains("input 'x', but the file has it as [batch, 3,"), "{message}");
    let message = with("z", &[2, 4, 5, 7]).unwrap_err().to_string();
    assert!(message.contains("input 'z', but the inputs are: x"), "{message}");
    assert!(with("x", &[2, 3, 1 << 40, 1 << 40]).is_err());

    // A batch that is open alone is one picture.
    let graph = named(["N", "3", "5", "7"]).import().unwrap();
    assert_eq!(graph.ty(graph.inputs()[0]).shape, Shape::new(1, 5, 7, 3));
}

#[test]
fn sizes_that_overflow() {
    for dims in [[1, 3, i64::MAX, i64::MAX], [1, 3, 1 << 20, 1 << 20], [1, -7, 4, 4]] {
        let mut network = relu();
        network.graph().input[0] = network::value("x", data_type::FLOAT, &dims);
        network.refusal();
    }
    let mut network = relu().floats("w", &[1], &[1.0]);
    network.graph().initializer[0].dims = vec![i64::MAX, i64::MAX, 4];
    assert_refused(&network, &["tensor 'w'", "elements"]);
    network.graph().initializer[0].dims = vec![1 << 20];
    assert_refused(&network, &["tensor 'w': 1 numbers of data; the shape needs 1048576"]);
    let huge = Network::new(13)
        .input("x", &[1, 3, 4, 4])
        .int64s("s", &[1 << 20, 1 << 20])
        .node("ConstantOfShape", &["s"], "c", &[])
        .node("Add", &["x", "c"], "y", &[])
        .output("y");
    assert_refused(&huge, &["node 'c' (ConstantOfShape)", "fewer elements"]);
    let large = Network::new(13)
        .input("x", &[1, 3, 4, 4])
        .int64s("s", &[1 << 27])
        .node("ConstantOfShape", &["s"], "c", &[])
        .node("Add", &["x", "c"], "y", &[])
        .output("y");
    assert_refused(&large, &["node 'c' (ConstantOfShape)", "would fill more than"]);
    let overflow = Network::new(13)
        .input("x", &[1, 3, 4, 4])
        .int64s("s", &[i64::MAX])
        .node("Add", &["s", "s"], "t", &[])
        .node("Reshape", &["x", "t"], "y", &[])
        .output("y");
    assert_refused(&overflow, &["node 't' (Add)", "overflows"]);
    for op in ["Div", "Sub"] {
        let network = Network::new(13)
            .input("x", &[1, 4])
            .int64s("a", &[i64::MIN])
            .int64s("b", &[if op == "Div" { 0 } else { 1 }])
            .node(op, &["a", "b"], "t", &[])
            .node("Reshape", &["x", "t"], "y", &[])
            .output("y");
        assert_refused(&network, &["overflows or divides by zero"]);
    }
}

fn conv(attributes: &[pocketvision_import_onnx::message::Attribute]) -> Network {
    Network::new(13)
        .input("x", &[1, 4, 5, 5])
        .floats("w", &[6, 4, 3, 3], &numbers(216, 1))
        .node("Conv", &["x", "w"], "y", attributes)
        .output("y")
}

#[test]
fn convolutions_that_do_not_fit() {
    conv(&[]).import().unwrap();
    let cases: [(&[_], &str); 9] = [
        (&[int("group", 0)], "group is 0"),
        (&[int("group", -2)], "group is -2"),
        (&[int("group", 4)], "group is 4"),
        (&[ints("strides", &[0, 1])], "stride"),
        (&[ints("strides", &[1])], "strides is [1]"),
        (&[ints("pads", &[-1, 0, 0, 0])], "pads is [-1, 0, 0, 0]"),
        (&[ints("dilations", &[i64::MAX, i64::MAX])], "dilation"),
        (&[ints("kernel_shape", &[5, 5])], "kernel_shape is [5, 5]"),
        (&[float("group", 1.0)], "group is of another type; expected an integer"),
    ];
    for (attributes, part) in cases {
        assert_refused(&conv(attributes), &["node 'y'", part]);
    }
    let mut network = conv(&[]);
    network.graph().initializer[0].data_type = Some(data_type::INT64);
    network.graph().initializer[0].float_data.clear();
    network.graph().initializer[0].int64_data = vec![1; 216];
    assert_refused(&network, &["int64"]);
}

#[test]
fn weights_that_are_not_numbers() {
    for value in [f32::NAN, f32::INFINITY] {
        let mut network = conv(&[]);
        network.graph().initializer[0].float_data[7] = value;
        assert_refused(&network, &["node 'y' (Conv): the constants hold"]);
        let sum = relu().floats("k", &[], &[value]).node("Mul", &["y", "k"], "z", &[]).output("z");
        assert_refused(&sum, &["node 'z' (Mul): the constants hold"]);
    }
}

#[test]
fn what_would_move_numbers_in_earnest() {
    let flat = Network::new(13).input("x", &[1, 3, 4, 4]).node("Flatten", &["x"], "y", &[]);
    assert_refused(&flat.output("y"), &["node 'y' (Flatten)", "[1, 3, 4, 4] in another order"]);
    let turned = Network::new(13)
        .input("x", &[1, 3, 4, 4])
        .node("Relu", &["x"], "r", &[])
        .node("Transpose", &["r"], "y", &[ints("perm", &[0, 1, 3, 2])])
        .output("y");
    assert_refused(&turned, &["node 'y' (Transpose)", "in another order"]);
}

#[test]
fn quantization_that_means_nothing() {
    let pair = |scale: f32, read_scale: f32| {
        Network::new(13)
            .input("x", &[1, 3, 4, 4])
            .floats("s", &[], &[scale])
            .floats("t", &[], &[read_scale])
            .integers("z", data_type::INT8, &[], &[0])
            .node("QuantizeLinear", &["x", "s", "z"], "q", &[])
            .node("DequantizeLinear", &["q", "t", "z"], "y", &[])
            .output("y")
    };
    pair(0.1, 0.1).import().unwrap();
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert_refused(&pair(scale, 0.1), &["node 'q' (QuantizeLinear)", "finite and above zero"]);
    }
    assert_refused(&pair(0.1, 0.2), &["node 'y' (DequantizeLinear)", "are read as"]);
    let bare = Network::new(13)
        .input_of("x", data_type::UINT8, &[1, 3, 4, 4])
        .node("Relu", &["x"], "y", &[])
        .output("y");
    assert_refused(&bare, &["tensor 'x'", "must be read by DequantizeLinear"]);
}

#[test]
fn weights_in_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let mut network = conv(&[]);
    let values = std::mem::take(&mut network.graph().initializer[0].float_data);
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let entry = |key: &str, value: &str| StringEntry { key: key.into(), value: value.into() };
    let mut with = |entries: Vec<StringEntry>| {
        network.graph().initializer[0].data_location = Some(1);
        network.graph().initializer[0].external_data = entries;
        std::fs::write(&path, network.to_bytes()).unwrap();
        open(&path, &ImportOptions::default())
    };
    let here = || vec![entry("location", "w.bin"), entry("offset", "16"), entry("length", "864")];
    let message = with(here()).unwrap_err().to_string();
    assert!(message.contains("tensor 'w': its numbers are in another file, 'w.bin'"), "{message}");
    assert!(message.contains("keep it beside the model"), "{message}");

    std::fs::write(folder.path().join("w.bin"), &bytes[..100]).unwrap();
    let message = with(here()).unwrap_err().to_string();
    assert!(message.contains("beyond the file's end"), "{message}");

    let padded = [&[0; 16][..], &bytes].concat();
    std::fs::write(folder.path().join("w.bin"), padded).unwrap();
    assert_eq!(with(here()).unwrap().params(), conv(&[]).import().unwrap().params());

    for (location, length) in [("../w.bin", "864"), ("/etc/passwd", "864"), ("", "864")] {
        let entries = vec![entry("location", location), entry("length", length)];
        let message = with(entries).unwrap_err().to_string();
        assert!(message.contains("must lie in the model's own folder"), "{message}");
    }
    let short = vec![entry("location", "w.bin"), entry("length", "860")];
    assert!(with(short).unwrap_err().to_string().contains("its length is not the 864 bytes"));
    // Bytes alone have no folder.
    let bytes = network.model.encode_to_vec();
    let error = import(&bytes, "bytes", &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("length"), "{error}");
}
