//! What becomes of nodes that TFLite says otherwise, or not at all.

mod round_trip;

use std::fs;

use pocketvision_core::op::{
    Activation, ActivationKind, Axis, Concat, Conv2d, IntegerRounding, Padding, Pool2d, PoolKind,
    Quantize, Softmax, Window,
};
use pocketvision_core::{
    Element, Graph, GraphBuilder, NodeId, Op, Quantization, Shape, Tensor, TensorData, TensorType,
};
use pocketvision_export::{ExportError, Format, Problem, to_bytes, write};
use round_trip::{reimport, run};

/// A network of one image.
fn network(element: Element, build: impl FnOnce(&mut GraphBuilder, NodeId) -> NodeId) -> Graph {
    let mut builder = GraphBuilder::new("test");
    let shape = Shape::new(1, 8, 8, 4);
    let image = builder.input("image", TensorType::new(shape, element)).unwrap();
    let output = build(&mut builder, image);
    builder.finish(&[output]).unwrap()
}

fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.nodes().iter().map(|node| node.op.name()).collect()
}

fn problem(graph: &Graph) -> Problem {
    match to_bytes(graph, Format::Tflite) {
        Err(ExportError::Node { node, problem, .. }) => {
            assert_eq!(node, "refused");
            *problem
        }
        other => panic!("{other:?}"),
    }
}

fn pool(kind: PoolKind, padding: Padding, rounding: IntegerRounding) -> Op {
    Op::Pool2d(Pool2d { kind, window: Window::square(3, 2, padding), rounding })
}

/// A pointwise convolution of 4 to 8 channels; one scale and a zero point, as uint8 has them,
/// or a scale for each channel.
fn convolution(builder: &mut GraphBuilder, input: NodeId, one_scale: bool) -> NodeId {
    let quantization = if one_scale {
        Quantization::PerTensor { scale: 0.02, zero_point: 5 }
    } else {
        Quantization::PerChannel { scales: (1..=8).map(|i| 0.01 * i as f32).collect() }
    };
    let numbers = TensorData::I8((0..32).map(|i| (i * 37) as i8).collect());
    let tensor = Tensor::new(Shape::new(8, 1, 1, 4), Element::Int8(quantization), numbers);
    let op = Op::Conv2d(Conv2d {
        window: Window::square(1, 1, Padding::Valid),
        weight: builder.param("weight", tensor.unwrap()),
        bias: None,
        groups: 1,
        activation: None,
    });
    builder.push_as("convolution", op, &[input], Element::int8(0.3, 2)).unwrap()
}

const INT8: Element = Element::int8(0.1, 3);

#[test]
fn an_average_that_rounds_up_is_computed_in_uint8() {
    let average = pool(PoolKind::Average, Padding::Valid, IntegerRounding::HalfUp);
    let alone = network(INT8, |builder, image| {
        let pooled = builder.push_as("pool", average.clone(), &[image], INT8).unwrap();
        convolution(builder, pooled, false)
    });
    let read = reimport(&alone);
    // Into uint8 and back, which importing makes int8 of the same scale.
    assert_eq!(operators(&read), ["Input", "Quantize", "Pool2d", "Quantize", "Conv2d"]);
    assert_eq!(run(&alone), run(&read));
}

#[test]
fn a_network_that_was_uint8_becomes_uint8_again() {
    let graph = network(Element::uint8(0.1, 131), |builder, image| {
        let int8 = builder.push_as("int8", Op::Quantize(Quantize), &[image], INT8).unwrap();
        let average = pool(PoolKind::Average, Padding::Same, IntegerRounding::HalfUp);
        let pooled = builder.push_as("pool", average, &[int8], INT8).unwrap();
        let sums = convolution(builder, pooled, true);
        let uint8 = Element::uint8(0.3, 130);
        builder.push_as("uint8", Op::Quantize(Quantize), &[sums], uint8).unwrap()
    });
    let read = reimport(&graph);
    assert_eq!(operators(&graph), operators(&read), "no operator of the file converts");
    assert_eq!(run(&graph), run(&read));
}

#[test]
fn what_is_joined_has_one_scale() {
    let graph = network(INT8, |builder, image| {
        let op = Op::Activation(Activation { kind: ActivationKind::Relu });
        let other = builder.push_as("relu", op, &[image], Element::int8(0.05, -128)).unwrap();
        let op = Op::Concat(Concat::along(Axis::Channels));
        builder.push_as("concat", op, &[image, other], INT8).unwrap()
    });
    let read = reimport(&graph);
    assert_eq!(operators(&read), ["Input", "Activation", "Quantize", "Concat"]);
    assert_eq!(run(&graph), run(&read));
}

/// Scales of gates as definitions and calibration give them, and inputs of up to 128.
#[test]
fn integer_hard_sigmoids_are_exact() {
    for exponent in -40..=0 {
        for (output, zero_point) in [(1.0 / 256.0, -128), (1.0 / 255.0, -128), (0.007, -100)] {
            let input = Element::int8(1.25f32.powi(exponent), 11);
            let shape = Shape::new(1, 1, 1, 256);
            let mut builder = GraphBuilder::new("test");
            let image = builder.input("image", TensorType::new(shape, input)).unwrap();
            let op = Op::Activation(Activation { kind: ActivationKind::HardSigmoid });
            let element = Element::int8(output, zero_point);
            let gate = builder.push_as("gate", op, &[image], element).unwrap();
            let graph = builder.finish(&[gate]).unwrap();
            let every = TensorData::I8((i8::MIN..=i8::MAX).collect());
            let input = Tensor::new(shape, graph.ty(image).element.clone(), every).unwrap();
            let on = |graph: &Graph| round_trip::run_on(graph, std::slice::from_ref(&input));
            assert_eq!(on(&graph), on(&reimport(&graph)), "{exponent} {output}");
        }
    }
}

#[test]
fn pools_have_zeros_around_them_only_where_zeros_change_nothing() {
    let padding = Padding::Explicit { top: 1, bottom: 1, left: 1, right: 1 };
    let rounding = IntegerRounding::HalfAwayFromZero;
    let positive = |kind| {
        network(Element::F32, |builder, image| {
            let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
            let relu = builder.push("relu", relu, &[image]).unwrap();
            builder.push("refused", pool(kind, padding, rounding), &[relu]).unwrap()
        })
    };
    let largest = positive(PoolKind::Max);
    assert_eq!(run(&largest), run(&reimport(&largest)));
    assert!(matches!(problem(&positive(PoolKind::Average)), Problem::PoolPadding { .. }));
    let any_sign = network(Element::F32, |builder, image| {
        builder.push("refused", pool(PoolKind::Max, padding, rounding), &[image]).unwrap()
    });
    assert!(matches!(problem(&any_sign), Problem::PoolPadding { .. }));
}

#[test]
fn what_the_kernels_do_not_compute_is_refused() {
    let dilated = network(Element::F32, |builder, image| {
        let window = Window { dilation_h: 2, ..Window::square(3, 1, Padding::Valid) };
        let rounding = IntegerRounding::default();
        let op = Op::Pool2d(Pool2d { kind: PoolKind::Max, window, rounding });
        builder.push("refused", op, &[image]).unwrap()
    });
    assert!(matches!(problem(&dilated), Problem::PoolDilation { dilation_h: 2, .. }));
    let probabilities = network(INT8, |builder, image| {
        let softmax = Op::Softmax(Softmax { beta: 1.0 });
        builder.push_as("refused", softmax, &[image], Element::int8(0.01, -128)).unwrap()
    });
    assert!(matches!(problem(&probabilities), Problem::Probabilities { .. }));
    let half = network(Element::F16, |builder, image| {
        let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
        builder.push("relu", relu, &[image]).unwrap()
    });
    let message = to_bytes(&half, Format::Tflite).unwrap_err().to_string();
    assert!(message.contains("'image'") && message.contains("f16"), "{message}");
}

#[test]
fn constants_are_aligned() {
    let graph = network(INT8, |builder, image| convolution(builder, image, false));
    let file = to_bytes(&graph, Format::Tflite).unwrap();
    assert_eq!(&file[4..8], b"TFL3");
    let weights = graph.params()[0].tensor.bytes();
    let at = file.windows(weights.len()).position(|window| window == weights);
    assert_eq!(at.map(|at| at % 16), Some(0));
}

#[test]
fn a_graph_that_cannot_be_said_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.TFLITE");
    let good = network(INT8, |builder, image| convolution(builder, image, false));
    let bytes = write(&good, &path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), bytes);
    let bad = network(INT8, |builder, image| {
        let softmax = Op::Softmax(Softmax { beta: 1.0 });
        builder.push_as("refused", softmax, &[image], INT8).unwrap()
    });
    assert!(matches!(write(&bad, &path), Err(ExportError::Node { .. })));
    assert_eq!(fs::read(&path).unwrap(), to_bytes(&good, Format::Tflite).unwrap());
}

#[test]
fn files_that_cannot_be_written_are_named() {
    let graph = network(INT8, |builder, image| convolution(builder, image, false));
    let message = |path: &str| write(&graph, path).unwrap_err().to_string();
    assert!(message("network.h5").starts_with("network.h5: "));
    assert!(message("network.h5").contains(".tflite"));
    assert!(message("network").contains(".tflite"));
    assert!(
        message("no/such/folder/network.tflite").starts_with("no/such/folder/network.tflite: ")
    );
}
