//! Networks that take a picture's bytes and normalize them themselves: CAST, and what follows.

use pocketvision_core::op::{Normalize, Op};
use pocketvision_core::{
    Backend, CompileOptions, Element, Graph, Shape, Tensor, TensorData, passes,
};
use pocketvision_import_tflite::import;
use pocketvision_reference::ReferenceBackend;

#[allow(dead_code, reason = "each test uses a part of it")]
mod synthetic;

use synthetic::model::{Model, NO_ACTIVATION, RELU, TensorSpec, UINT8, code, options};

const MEAN: [f32; 3] = [123.675, 116.28, 103.53];
const STD: [f32; 3] = [58.395, 57.12, 57.375];
const DIMS: [i32; 4] = [1, 2, 2, 3];

/// A network that grows by one operator on what the last one yields.
struct Network {
    model: Model,
    last: i32,
}

impl Network {
    /// A picture's bytes as floats.
    fn new(picture: TensorSpec) -> Self {
        let mut model = Model::default();
        let dims = picture.dims.clone();
        let picture = model.input(picture);
        let last = model.operator(code::CAST, &[picture], TensorSpec::f32("float", &dims), None);
        Self { model, last }
    }

    fn of_bytes() -> Self {
        Self::new(TensorSpec::new("photo", UINT8, &DIMS, &[], 0))
    }

    fn then(mut self, code: i32, name: &str, dims: &[i32], numbers: &[f32]) -> Self {
        let constant = TensorSpec::f32(&format!("{name}/by"), dims).with_f32s(numbers);
        let constant = self.model.tensor(constant);
        let output = TensorSpec::f32(name, &self.model.tensors[0].dims.clone());
        self.last = self.model.operator(code, &[self.last, constant], output, None);
        self
    }

    fn graph(&mut self) -> Graph {
        self.model.outputs = vec![self.last];
        passes::optimize(&import(&self.model.to_bytes(), "net").unwrap()).unwrap()
    }

    fn refusal(&mut self) -> String {
        self.model.outputs = vec![self.last];
        import(&self.model.to_bytes(), "net").unwrap_err().to_string()
    }
}

fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.nodes().iter().map(|node| node.op.name()).collect()
}

/// What the network yields for each byte and its channel, to the bit.
#[track_caller]
fn assert_yields(graph: &Graph, expected: impl Fn(f32, usize) -> f32) {
    let shape = graph.ty(graph.inputs()[0]).shape;
    let bytes = [0, 255, 7, 91, 128, 13, 200, 1, 254, 77, 99, 3][..shape.elements()].to_vec();
    let picture = Tensor::new(shape, Normalize::PIXELS, TensorData::U8(bytes.clone())).unwrap();
    let mut plan = ReferenceBackend::new().compile(graph, &CompileOptions::default()).unwrap();
    let actual = plan.run(&[picture]).unwrap()[0].to_f32();
    let expected =
        bytes.iter().enumerate().map(|(index, &byte)| expected(f32::from(byte), index % shape.c));
    assert_eq!(actual, expected.collect::<Vec<f32>>());
}

#[test]
fn a_difference_and_a_quotient_are_one_normalization() {
    for picture in
        [TensorSpec::new("photo", UINT8, &DIMS, &[], 0), TensorSpec::uint8("photo", &DIMS, 1.0, 0)]
    {
        for dims in [&[3][..], &[1, 1, 1, 3]] {
            let graph = Network::new(picture.clone())
                .then(code::SUB, "centred", dims, &MEAN)
                .then(code::DIV, "normalized", dims, &STD)
                .graph();
            assert_eq!(operators(&graph), ["Input", "Normalize"]);
            assert_eq!(graph.nodes()[1].op, Op::Normalize(Normalize { mean: MEAN, std: STD }));
            assert_eq!(graph.nodes()[1].name, "normalized");
            assert_yields(&graph, |x, channel| (x - MEAN[channel]) / STD[channel]);
        }
    }
}

#[test]
fn what_else_becomes_of_pixels_is_computed_as_it_is_written() {
    // Keras' `Rescaling`.
    let graph = Network::of_bytes()
        .then(code::MUL, "scaled", &[], &[1.0 / 127.5])
        .then(code::SUB, "shifted", &[], &[1.0])
        .graph();
    assert_eq!(operators(&graph)[..2], ["Input", "Normalize"]);
    assert_yields(&graph, |x, _| x * (1.0 / 127.5) - 1.0);

    // torchvision's, in its own order.
    let graph = Network::of_bytes()
        .then(code::DIV, "scaled", &[1], &[255.0])
        .then(code::SUB, "centred", &[1], &[0.5])
        .then(code::DIV, "normalized", &[1], &[0.25])
        .graph();
    assert_yields(&graph, |x, _| (x / 255.0 - 0.5) * 4.0);

    // A number a pixel belongs to no channel.
    let each = [1.0, 2.0, 3.0, 4.0];
    let dims = [1, 2, 2, 1];
    let graph = Network::of_bytes().then(code::SUB, "moved", &dims, &each).graph();
    assert_eq!(operators(&graph), ["Input", "Normalize", "Constant", "Add"]);

    // A clamp is no part of a normalization.
    let mut clamped = Network::of_bytes();
    let mean = clamped.model.tensor(TensorSpec::f32("mean", &[3]).with_f32s(&MEAN));
    let (output, relu) = (TensorSpec::f32("clamped", &DIMS), options::sub(RELU));
    clamped.last = clamped.model.operator(code::SUB, &[clamped.last, mean], output, relu);
    assert_yields(&clamped.graph(), |x, channel| (x - MEAN[channel]).max(0.0));
}

#[test]
fn grey_pixels_are_floats_too() {
    let grey = TensorSpec::new("photo", UINT8, &[1, 2, 2, 1], &[], 0);
    let graph = Network::new(grey).then(code::SUB, "centred", &[], &[128.0]).graph();
    assert_eq!(graph.ty(graph.inputs()[0]).shape, Shape::new(1, 2, 2, 1));
    assert_yields(&graph, |x, _| x - 128.0);
}

#[test]
fn halves_may_be_what_is_taken_away() {
    let mut network = Network::of_bytes();
    let model = &mut network.model;
    let half = TensorSpec::new("half", 1, &[3], &[], 0).with_f16s(&[127.5, 100.0, 90.25]);
    let half = model.tensor(half);
    let float = model.operator(code::DEQUANTIZE, &[half], TensorSpec::f32("mean", &[3]), None);
    let output = TensorSpec::f32("centred", &DIMS);
    network.last = model.operator(code::SUB, &[network.last, float], output, None);
    let graph = network.graph();
    assert_eq!(operators(&graph), ["Input", "Normalize"]);
    assert_yields(&graph, |x, channel| x - [127.5, 100.0, 90.25][channel]);
}

#[test]
fn integers_of_a_scale_are_not_cast() {
    let scaled = TensorSpec::uint8("photo", &DIMS, 1.0 / 128.0, 128);
    let message = Network::new(scaled).refusal();
    assert!(message.contains("'photo'") && message.contains("scale must be 1"), "{message}");
    let message = Network::new(TensorSpec::int8("photo", &DIMS, 1.0, 0)).refusal();
    assert!(message.contains("INT8") && message.contains("a picture's bytes"), "{message}");
    let message = Network::new(TensorSpec::f32("photo", &DIMS)).refusal();
    assert!(message.contains("FLOAT32"), "{message}");
}

#[test]
fn bytes_without_a_scale_are_nothing_but_cast() {
    let mut network = Network::of_bytes();
    let model = &mut network.model;
    let output = TensorSpec::uint8("sum", &DIMS, 2.0, 0);
    network.last = model.operator(code::ADD, &[0, 0], output, options::add(NO_ACTIVATION));
    assert!(network.refusal().contains("0 scales, expected one"), "{}", network.refusal());

    for (code, output) in [
        (code::DEQUANTIZE, TensorSpec::f32("numbers", &DIMS)),
        (code::QUANTIZE, TensorSpec::int8("numbers", &DIMS, 1.0, 0)),
    ] {
        let mut network = Network::of_bytes();
        network.last = network.model.operator(code, &[0], output, None);
        assert!(network.refusal().contains("0 scales, expected one"), "{}", network.refusal());
    }
}

#[test]
fn differences_and_quotients_are_of_floats_and_a_constant() {
    for code in [code::SUB, code::DIV] {
        let mut network = Network::of_bytes();
        let output = TensorSpec::f32("both", &DIMS);
        let last = network.last;
        network.last = network.model.operator(code, &[last, last], output, None);
        assert!(network.refusal().contains("'float'"), "{}", network.refusal());

        let mut network = Network::of_bytes();
        let by = network.model.tensor(TensorSpec::f32("by", &[]).with_f32s(&[2.0]));
        let output = TensorSpec::int8("int8", &DIMS, 1.0, 0);
        let last = network.last;
        network.last = network.model.operator(code, &[last, by], output, None);
        let message = network.refusal();
        assert!(message.contains("'int8'") && message.contains("FLOAT32"), "{message}");
    }
    let element = Element::F32;
    let graph = Network::of_bytes().then(code::DIV, "infinite", &[], &[0.0]).graph();
    assert_eq!(graph.ty(graph.outputs()[0]).element, element);
}
