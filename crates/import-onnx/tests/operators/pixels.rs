//! Networks that take a picture's bytes and normalize them themselves.

use pocketvision_core::op::Normalize;
use pocketvision_core::{Graph, Op, Shape, Tensor, TensorData};
use pocketvision_import_onnx::message::data_type;

use crate::network::{Network, int, ints, operators, run};

const MEAN: [f32; 3] = [123.675, 116.28, 103.53];
const STD: [f32; 3] = [58.395, 57.12, 57.375];

/// Four pixels of three channels, or of one.
fn picture(channels: usize) -> Tensor {
    let shape = Shape::new(1, 2, 2, channels);
    let bytes = [0, 255, 7, 91, 128, 13, 200, 1, 254, 77, 99, 3][..shape.elements()].to_vec();
    Tensor::new(shape, Normalize::PIXELS, TensorData::U8(bytes)).unwrap()
}

const CHANNELS_FIRST: [i64; 4] = [1, 3, 2, 2];
const CHANNELS_LAST: [i64; 4] = [1, 2, 2, 3];

/// A picture, and constants whose numbers for each colour have these dimensions.
fn network(dims: [i64; 4], colours: &[usize]) -> Network {
    Network::new(17)
        .input_of("x", data_type::UINT8, &dims)
        .floats("mean", colours, &MEAN)
        .floats("std", colours, &STD)
        .floats("largest", &[], &[255.0])
}

fn float(network: Network, from: &str, to: &str) -> Network {
    network.node("Cast", &[from], to, &[int("to", data_type::FLOAT.into())])
}

/// What the network yields for each byte and its channel, with so many roundings of its own.
#[track_caller]
fn assert_yields(graph: &Graph, roundings: f32, expected: impl Fn(f32, usize) -> f32) {
    let picture = picture(3);
    let actual = run(graph, picture.clone()).to_f32();
    let bytes = picture.as_u8().unwrap().iter().enumerate();
    for ((index, &byte), actual) in bytes.zip(actual) {
        let expected = expected(f32::from(byte), index % 3);
        let bound = roundings * f32::EPSILON * expected.abs().max(1.0);
        assert!((actual - expected).abs() <= bound, "{byte}: {actual} is not {expected}");
    }
}

#[test]
fn a_difference_and_a_quotient_are_one_normalization() {
    let normalized = |network: Network, from: &str, to: &str| {
        let network = network.node("Sub", &[from, "mean"], "centred", &[]);
        network.node("Div", &["centred", "std"], to, &[])
    };
    let turn = [ints("perm", &[0, 3, 1, 2])];
    // As PyTorch writes them, and as tf2onnx does: pixel after pixel, turned before or after.
    let first = network(CHANNELS_FIRST, &[1, 3, 1, 1]);
    let before = network(CHANNELS_LAST, &[3, 1, 1]).node("Transpose", &["x"], "t", &turn);
    let after = normalized(float(network(CHANNELS_LAST, &[3]), "x", "f"), "f", "n");
    for network in [
        normalized(float(first, "x", "f"), "f", "y"),
        normalized(float(before, "t", "f"), "f", "y"),
        after.node("Transpose", &["n"], "y", &turn),
    ] {
        let graph = network.output("y").import().unwrap();
        assert_eq!(operators(&graph), ["Input", "Normalize"]);
        assert_eq!(graph.nodes()[1].op, Op::Normalize(Normalize { mean: MEAN, std: STD }));
        assert_eq!(graph.ty(graph.inputs()[0]), picture(3).ty());
        assert_yields(&graph, 0.0, |x, channel| (x - MEAN[channel]) / STD[channel]);
    }
}

#[test]
fn what_else_becomes_of_pixels_is_computed_as_it_is_written() {
    let float = || float(network(CHANNELS_FIRST, &[3, 1, 1]), "x", "f").floats("half", &[], &[0.5]);
    let scaled = || float().node("Div", &["f", "largest"], "s", &[]);
    let graph = scaled().output("s").import().unwrap();
    assert_eq!(operators(&graph), ["Input", "Normalize"]);
    assert_yields(&graph, 0.0, |x, _| x / 255.0);

    // torchvision's, in its own order.
    let network =
        scaled().node("Sub", &["s", "half"], "c", &[]).node("Div", &["c", "half"], "y", &[]);
    let graph = network.output("y").import().unwrap();
    assert_eq!(operators(&graph), ["Input", "Normalize", "Constant", "Add", "Constant", "Mul"]);
    assert_yields(&graph, 0.0, |x, _| (x / 255.0 - 0.5) * 2.0);

    // Keras' `Rescaling`.
    let network = float().floats("step", &[], &[1.0 / 127.5]).floats("one", &[], &[1.0]);
    let network =
        network.node("Mul", &["f", "step"], "s", &[]).node("Sub", &["s", "one"], "y", &[]);
    let graph = network.output("y").import().unwrap();
    assert_yields(&graph, 0.0, |x, _| x * (1.0 / 127.5) - 1.0);

    // By no number a normalization could divide by.
    let network = float().floats("minus", &[], &[-2.0]).node("Div", &["f", "minus"], "y", &[]);
    assert_yields(&network.output("y").import().unwrap(), 0.0, |x, _| x / -2.0);
    // Read by others, too.
    let network = float()
        .node("Sub", &["f", "mean"], "c", &[])
        .node("Div", &["c", "std"], "n", &[])
        .node("Add", &["n", "c"], "y", &[]);
    let graph = network.output("y").import().unwrap();
    assert_yields(&graph, 0.0, |x, channel| {
        (x - MEAN[channel]) / STD[channel] + (x - MEAN[channel])
    });
}

#[test]
fn grey_pixels_are_floats_too() {
    let network = Network::new(17).input_of("x", data_type::UINT8, &[1, 1, 2, 2]);
    let network = float(network, "x", "f").floats("largest", &[], &[255.0]);
    let graph = network.node("Div", &["f", "largest"], "y", &[]).output("y").import().unwrap();
    assert_eq!(graph.ty(graph.inputs()[0]), picture(1).ty());
    let actual = run(&graph, picture(1)).to_f32();
    for (actual, byte) in actual.iter().zip(picture(1).as_u8().unwrap()) {
        assert!((actual - f32::from(*byte) / 255.0).abs() <= f32::EPSILON, "{byte}: {actual}");
    }
}

#[test]
fn bytes_that_nothing_made_floats_are_refused() {
    let cast = || float(network(CHANNELS_FIRST, &[3, 1, 1]), "x", "f");
    let computed = cast().node("Relu", &["x"], "y", &[]).output("y");
    assert!(computed.refusal().contains("byte"), "{}", computed.refusal());
    let bare = network(CHANNELS_FIRST, &[3, 1, 1]).node("Relu", &["x"], "y", &[]).output("y");
    assert!(bare.refusal().contains("if it is uint8, by Cast"), "{}", bare.refusal());
    let to = [int("to", data_type::INT32.into())];
    let integers = cast().node("Cast", &["x"], "y", &to).output("y");
    assert!(integers.refusal().contains("a float type"), "{}", integers.refusal());
}
