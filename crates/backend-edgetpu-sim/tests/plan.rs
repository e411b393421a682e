//! Compiling, cutting and profiling small networks.

use pocketvision_backend_edgetpu_sim::{Chip, EdgeTpuSim, Partition, Place};
use pocketvision_core::op::{Activation, ActivationKind, Dequantize, Quantize, Softmax};
use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, Element, Graph, GraphBuilder, NodeId, Op,
    Profile, Shape, Tensor, TensorType,
};
use pocketvision_reference::ReferenceBackend;

fn coral() -> EdgeTpuSim {
    EdgeTpuSim::new(Chip::preset("coral-usb").unwrap())
}

fn activation(kind: ActivationKind) -> Op {
    Op::Activation(Activation { kind })
}

/// Float in, four operators in int8 with a hard-swish among them, float out.
fn network_with_hard_swish() -> Graph {
    let element = Element::int8(0.05, -10);
    let mut builder = GraphBuilder::new("swish");
    let ty = TensorType::new(Shape::new(1, 6, 5, 7), Element::F32);
    let mut node = builder.input("image", ty).unwrap();
    for (name, op) in [
        ("quantize", Op::Quantize(Quantize)),
        ("relu", activation(ActivationKind::Relu)),
        ("swish", activation(ActivationKind::HardSwish)),
        ("relu6", activation(ActivationKind::Relu6)),
    ] {
        node = builder.push_as(name, op, &[node], element.clone()).unwrap();
    }
    let probabilities = Element::int8(1.0 / 256.0, -128);
    let softmax = Op::Softmax(Softmax { beta: 1.0 });
    node = builder.push_as("softmax", softmax, &[node], probabilities).unwrap();
    node = builder.push("scores", Op::Dequantize(Dequantize), &[node]).unwrap();
    builder.finish(&[node]).unwrap()
}

#[test]
fn the_chip_gets_one_segment_up_to_the_first_operator_it_cannot_run() {
    let graph = network_with_hard_swish();
    let partition = Partition::new(&graph);
    let on_host: Vec<_> = graph
        .iter()
        .filter(|(id, _)| partition.places[id.index()] == Place::Host)
        .map(|(_, node)| node.name.as_str())
        .collect();
    assert_eq!(on_host, ["quantize", "swish", "relu6", "softmax", "scores"]);
    let cut = partition.cut.expect("something ends the segment");
    assert_eq!(cut.node, "swish");
    assert!(cut.reason.contains("hard-swish"), "{cut}");
}

#[test]
fn the_host_computes_its_part_for_real_and_is_charged_for_it() {
    let graph = network_with_hard_swish();
    let input = picture(&graph);
    let run = |backend: &dyn Backend| {
        let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
        plan.run(std::slice::from_ref(&input)).unwrap()[0].clone()
    };
    assert_eq!(run(&coral()).bytes(), run(&ReferenceBackend::new()).bytes());

    let estimate = coral().estimate(&graph).unwrap();
    let cost = |name: &str| {
        let row = estimate.layers.iter().find(|row| graph.nodes()[row.index].name == name).unwrap();
        (row.cycles.total, row.latency_ms)
    };
    assert_eq!(cost("swish").0, 0);
    assert!(cost("swish").1 > 0.0 && cost("relu").0 > 0);
    // Only the relu's input and output cross: one byte for each element, in units of eight.
    let elements = graph.ty(graph.inputs()[0]).shape.elements() as u64;
    let bytes = elements.next_multiple_of(8);
    assert_eq!(estimate.overheads.inputs.bytes, bytes);
    assert_eq!(estimate.overheads.outputs.bytes, bytes);
}

#[test]
fn rows_of_a_profile_add_up_and_are_marked_as_simulated() {
    let graph = network_with_hard_swish();
    let mut plan = coral().compile(&graph, &CompileOptions::default()).unwrap();
    let profile = plan.profile(&[picture(&graph)]).unwrap();
    assert_eq!(profile.clock, Clock::Simulated);
    let sum = |part: fn(&pocketvision_core::LayerCost) -> f64| -> f64 {
        profile.layers.iter().map(part).sum()
    };
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b;
    assert!(close(sum(|row| row.latency_ms), profile.latency_ms));
    assert!(close(sum(|row| row.energy_pj.unwrap_or(0.0)), profile.energy_pj.unwrap()));
    let cycles: u64 = profile.layers.iter().filter_map(|row| row.cycles).sum();
    assert_eq!(Some(cycles), profile.cycles);
    let other = profile.layers.iter().find(|row| row.name == Profile::OTHER).unwrap();
    assert!(other.latency_ms <= 1e-12, "every part of the time has a name");
}

#[test]
fn a_float_network_is_refused_with_advice() {
    let mut builder = GraphBuilder::new("float");
    let ty = TensorType::new(Shape::new(1, 4, 4, 3), Element::F32);
    let image = builder.input("image", ty).unwrap();
    let relu = builder.push("first", activation(ActivationKind::Relu), &[image]).unwrap();
    let graph = builder.finish(&[relu]).unwrap();
    let error = coral().compile(&graph, &CompileOptions::default()).err().expect("refused");
    assert!(matches!(&error, CompileError::Unsupported(_)), "{error}");
    let expected = "edgetpu-sim cannot run node 'first' (Activation): it computes in f32, and an \
                    Edge TPU in int8 only; quantize the network first";
    assert_eq!(error.to_string(), expected);
    assert_eq!(coral().estimate(&graph).unwrap_err(), error);
}

#[test]
fn a_spoiled_chip_is_refused_before_it_is_used() {
    let mut chip = Chip::preset("coral-usb").unwrap();
    chip.array.dot_depth = 0;
    let error = EdgeTpuSim::new(chip).estimate(&network_with_hard_swish()).unwrap_err();
    assert!(error.to_string().contains("array.dot_depth = 0 is out of range"), "{error}");
}

#[test]
fn a_plan_forgets_what_it_ran_before() {
    let graph = network_with_hard_swish();
    let mut plan = coral().compile(&graph, &CompileOptions::default()).unwrap();
    let first = plan.run(&[picture(&graph)]).unwrap();
    let ty = graph.ty(graph.inputs()[0]).clone();
    plan.run(&[Tensor::zeros(&ty)]).unwrap();
    assert_eq!(plan.run(&[picture(&graph)]).unwrap(), first);
}

#[test]
fn the_device_says_which_chip_it_simulates() {
    let device = coral().device();
    assert_eq!(device.to_string(), "simulated Edge TPU, chip coral-usb, clock_mhz 500, tiles 4x4");
    assert_eq!(device.clock, Clock::Simulated);
}

/// A float picture that runs through the whole int8 range.
fn picture(graph: &Graph) -> Tensor {
    let input: NodeId = graph.inputs()[0];
    let shape = graph.ty(input).shape;
    let value = |i: usize| (i as f32 * 37.0 % 256.0 - 128.0) * 0.05;
    Tensor::from_f32(shape, (0..shape.elements()).map(value).collect()).unwrap()
}

/// A convolution of 1x1 over an image of so many rows and columns.
fn pointwise(h: usize, w: usize, inputs: usize, outputs: usize) -> Graph {
    use pocketvision_core::TensorData;
    use pocketvision_core::op::{Conv2d, Padding, Window};

    let element = Element::int8(0.05, 3);
    let mut builder = GraphBuilder::new("pointwise");
    let ty = TensorType::new(Shape::new(1, h, w, inputs), element.clone());
    let image = builder.input("image", ty).unwrap();
    let shape = Shape::new(outputs, 1, 1, inputs);
    let zeros = TensorData::I8(vec![0; shape.elements()]);
    let weight =
        builder.param("weight", Tensor::new(shape, Element::int8(0.01, 0), zeros).unwrap());
    let window = Window::square(1, 1, Padding::Same);
    let op = Op::Conv2d(Conv2d { window, weight, bias: None, groups: 1, activation: None });
    let wide = builder.push_as("wide", op, &[image], element).unwrap();
    builder.finish(&[wide]).unwrap()
}

#[test]
fn what_does_not_fit_runs_in_strips_or_through_the_host() {
    let graph = pointwise(64, 64, 16, 256);
    let whole = coral().estimate(&graph).unwrap();
    let strips = |estimate: &pocketvision_backend_edgetpu_sim::Estimate| {
        estimate.layers.iter().map(|layer| layer.strips).max().unwrap()
    };
    assert_eq!((strips(&whole), whole.overheads.spills.bytes), (1, 0));
    let mut chip = Chip::preset("coral-usb").unwrap();
    chip.memory.narrow_bytes_per_tile = 32 * 1024;
    chip.memory.wide_bytes_per_tile = 64 * 1024;
    chip.memory.parameter_bytes_per_tile = 32 * 1024;
    let cut = EdgeTpuSim::new(chip).estimate(&graph).unwrap();
    assert!(strips(&cut) > 1);
    assert!(cut.narrow_bytes_per_tile <= 32 * 1024);
    assert!(cut.latency_ms >= whole.latency_ms);
}

#[test]
fn a_layer_too_large_for_any_tiling_is_named() {
    let graph = pointwise(8, 20_000, 64, 512);
    let mut chip = Chip::preset("coral-usb").unwrap();
    chip.memory.narrow_bytes_per_tile = 1_000;
    let error = EdgeTpuSim::new(chip).estimate(&graph).unwrap_err();
    assert!(matches!(&error, CompileError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("'wide'") && error.to_string().contains("1000"), "{error}");
}
