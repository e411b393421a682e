//! Random networks of one operator, and the GPU against the reference.
//!
//! The conformance cases are chosen; these are drawn. All plans share two devices, so that
//! each shader is compiled once or twice.

mod adapter;

use std::sync::OnceLock;

use pocketvision_backend_gpu::{AdapterKind, GpuBackend, GpuOptions, SelfTest};
use pocketvision_conformance::{Verdict, judge};
use pocketvision_core::op::{
    Activation, ActivationKind, Add, Axis, Concat, Conv2d, DepthwiseConv2d, IntegerRounding,
    Linear, Mul, Normalize, Pad, Padding, Pool2d, PoolKind, Quantize, Reshape, Softmax, Window,
};
use pocketvision_core::{
    Element, Graph, GraphBuilder, NodeId, Op, ParamId, Quantization, Shape, Tensor, TensorData,
    TensorType,
};
use proptest::prelude::*;
use proptest::test_runner::TestRng;

/// The backends of all tests, or `None` where there is no adapter and none is required: one that cuts
/// networks for the adapter, and one that cuts them for a graphics card.
fn backends() -> Option<&'static [GpuBackend; 2]> {
    static BACKENDS: OnceLock<Option<[GpuBackend; 2]>> = OnceLock::new();
    // A kernel that a self-test found wrong would be replaced.
    let never = GpuOptions { self_test: SelfTest::Never, ..GpuOptions::default() };
    let card = GpuOptions { cut_for: Some(AdapterKind::Discrete), ..never.clone() };
    let open = || Some([adapter::open(never.clone())?, adapter::open(card.clone())?]);
    BACKENDS.get_or_init(open).as_ref()
}

fn agrees(graph: &Graph, numbers: &mut Numbers) -> Result<(), TestCaseError> {
    let Some([by_kind, for_card]) = backends() else { return Ok(()) };
    // For a card each size has a pipeline of its own, which takes its time to compile.
    let backend = if numbers.below(4) == 0 { for_card } else { by_kind };
    let mut feed = || -> Vec<Tensor> {
        graph.inputs().iter().map(|&input| numbers.tensor(graph.ty(input))).collect()
    };
    let (first, second) = (feed(), feed());
    match judge(backend, graph, [&first, &second]) {
        Verdict::Agrees => Ok(()),
        verdict => Err(TestCaseError::fail(verdict.to_string())),
    }
}

/// Where random numbers come from.
#[derive(Debug)]
struct Numbers(TestRng);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound
    }

    fn real(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    fn zero_point(&mut self) -> i32 {
        self.below(256) as i32 - 128
    }

    fn int8(&mut self, scale: f32) -> Element {
        Element::int8(scale * (1.5 + self.real()), self.zero_point())
    }

    fn tensor(&mut self, ty: &TensorType) -> Tensor {
        let length = ty.shape.elements();
        let data = match &ty.element {
            Element::F32 => TensorData::F32((0..length).map(|_| 4.0 * self.real()).collect()),
            Element::Int8(_) => {
                TensorData::I8((0..length).map(|_| self.0.next_u32() as i8).collect())
            }
            Element::UInt8(_) => {
                TensorData::U8((0..length).map(|_| self.0.next_u32() as u8).collect())
            }
            Element::Int32(_) => {
                TensorData::I32((0..length).map(|_| self.below(20_001) as i32 - 10_000).collect())
            }
            Element::F16 => unreachable!("never drawn"),
        };
        Tensor::new(ty.shape, ty.element.clone(), data).expect("a valid tensor")
    }

    /// Weights and a bias for an input; per channel, or per tensor with a zero point.
    fn weights(
        &mut self,
        builder: &mut GraphBuilder,
        input: &Element,
        shape: Shape,
        outputs: usize,
    ) -> (ParamId, Option<ParamId>) {
        let (weight, bias) = if input.is_float() {
            (Element::F32, Element::F32)
        } else {
            let weight = if self.below(2) == 0 {
                let scales = (0..outputs).map(|_| 0.01 * (1.5 + self.real())).collect();
                Element::Int8(Quantization::PerChannel { scales })
            } else {
                self.int8(0.01)
            };
            (weight, Element::Int32(Quantization::PerTensor { scale: 1e-3, zero_point: 0 }))
        };
        let weight = self.tensor(&TensorType::new(shape, weight));
        let bias = self.tensor(&TensorType::new(Shape::vector(outputs), bias));
        let with_bias = self.below(4) > 0;
        (builder.param("weight", weight), with_bias.then(|| builder.param("bias", bias)))
    }

    fn clamp(&mut self) -> Option<ActivationKind> {
        [None, Some(ActivationKind::Relu), Some(ActivationKind::Relu6)][self.below(3)]
    }

    fn window(&mut self, input: Shape) -> Window {
        let mut one_of = |bound: usize| 1 + self.below(bound);
        let window = Window {
            kernel_h: one_of(4),
            kernel_w: one_of(4),
            stride_h: one_of(3),
            stride_w: one_of(3),
            dilation_h: one_of(2),
            dilation_w: one_of(2),
            padding: Padding::Same,
        };
        let side = |numbers: &mut Self, kernel: usize| numbers.below(kernel);
        let padding = match self.below(3) {
            0 => Padding::Same,
            1 => Padding::Valid,
            _ => Padding::Explicit {
                top: side(self, window.kernel_h),
                bottom: side(self, window.kernel_h),
                left: side(self, window.kernel_w),
                right: side(self, window.kernel_w),
            },
        };
        let window = Window { padding, ..window };
        if window.output(input).is_ok() {
            window
        } else {
            Window { padding: Padding::Same, ..window }
        }
    }
}

/// A graph of one input on its way.
struct OneOp {
    builder: GraphBuilder,
    input: NodeId,
    shape: Shape,
    element: Element,
}

impl OneOp {
    fn new(shape: Shape, is_float: bool, numbers: &mut Numbers) -> Self {
        let mut builder = GraphBuilder::new("random");
        let element = if is_float { Element::F32 } else { numbers.int8(0.05) };
        let ty = TensorType::new(shape, element.clone());
        let input = builder.input("input", ty).expect("a valid input");
        Self { builder, input, shape, element }
    }

    fn second_input(&mut self, shape: Shape, numbers: &mut Numbers) -> NodeId {
        let element = if self.element.is_float() { Element::F32 } else { numbers.int8(0.05) };
        self.builder.input("second", TensorType::new(shape, element)).expect("a valid input")
    }

    /// Adds the operator, with an int8 output of its own scale, and finishes.
    fn finish(mut self, op: Op, inputs: &[NodeId], numbers: &mut Numbers, scale: f32) -> Graph {
        let node = if self.element.is_float() {
            self.builder.push("output", op, inputs)
        } else {
            let element = numbers.int8(scale);
            self.builder.push_as("output", op, inputs, element)
        };
        let node = node.unwrap_or_else(|error| panic!("{error}"));
        self.builder.finish(&[node]).expect("a graph")
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    (1usize..=2, 1usize..=9, 1usize..=9, 1usize..=19)
        .prop_map(|(n, h, w, c)| Shape::new(n, h, w, c))
}

fn numbers() -> impl Strategy<Value = Numbers> {
    any::<()>().prop_perturb(|(), rng| Numbers(rng))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conv2d(shape in shape(), outputs in 1usize..20, float: bool, numbers in numbers()) {
        let mut numbers = numbers;
        let mut net = OneOp::new(shape, float, &mut numbers);
        let window = numbers.window(shape);
        let weight = Shape::new(outputs, window.kernel_h, window.kernel_w, shape.c);
        let (weight, bias) = numbers.weights(&mut net.builder, &net.element, weight, outputs);
        let op = Conv2d { window, weight, bias, groups: 1, activation: numbers.clamp() };
        let input = net.input;
        agrees(&net.finish(Op::Conv2d(op), &[input], &mut numbers, 0.2), &mut numbers)?;
    }

    #[test]
    fn grouped_conv2d(
        shape in shape(), groups in 2usize..5, each in 1usize..6, float: bool, numbers in numbers()
    ) {
        let mut numbers = numbers;
        let shape = Shape { c: shape.c.div_ceil(4) * groups, ..shape };
        let mut net = OneOp::new(shape, float, &mut numbers);
        let window = numbers.window(shape);
        let outputs = groups * each;
        let weight = Shape::new(outputs, window.kernel_h, window.kernel_w, shape.c / groups);
        let (weight, bias) = numbers.weights(&mut net.builder, &net.element, weight, outputs);
        let op = Conv2d { window, weight, bias, groups, activation: numbers.clamp() };
        let input = net.input;
        agrees(&net.finish(Op::Conv2d(op), &[input], &mut numbers, 0.2), &mut numbers)?;
    }

    #[test]
    fn depthwise_conv2d(
        shape in shape(), filters in 1usize..4, float: bool, numbers in numbers()
    ) {
        let mut numbers = numbers;
        let mut net = OneOp::new(shape, float, &mut numbers);
        let window = numbers.window(shape);
        let outputs = shape.c * filters;
        let weight = Shape::new(1, window.kernel_h, window.kernel_w, outputs);
        let (weight, bias) = numbers.weights(&mut net.builder, &net.element, weight, outputs);
        let op = DepthwiseConv2d { window, weight, bias, activation: numbers.clamp() };
        let input = net.input;
        agrees(&net.finish(Op::DepthwiseConv2d(op), &[input], &mut numbers, 0.05), &mut numbers)?;
    }

    #[test]
    fn linear(shape in shape(), outputs in 1usize..40, float: bool, numbers in numbers()) {
        let mut numbers = numbers;
        let mut net = OneOp::new(shape, float, &mut numbers);
        let weight = Shape::new(outputs, 1, 1, shape.c);
        let (weight, bias) = numbers.weights(&mut net.builder, &net.element, weight, outputs);
        let op = Linear { weight, bias, activation: numbers.clamp() };
        let input = net.input;
        agrees(&net.finish(Op::Linear(op), &[input], &mut numbers, 0.1), &mut numbers)?;
    }

    #[test]
    fn pool2d(
        shape in shape(), kind in 0usize..4, half_up: bool, float: bool, numbers in numbers()
    ) {
        let mut numbers = numbers;
        let net = OneOp::new(shape, float, &mut numbers);
        let drawn = numbers.window(shape);
        let padding = match drawn.padding { Padding::Explicit { .. } => Padding::Same, p => p };
        let sliding = Window { dilation_h: 1, dilation_w: 1, padding, ..drawn };
        let sliding = match sliding.output(shape) {
            Ok(_) => sliding,
            Err(_) => Window { padding: Padding::Same, ..sliding },
        };
        let image = Window {
            kernel_h: shape.h, kernel_w: shape.w, ..Window::square(1, 1, Padding::Valid)
        };
        let (kind, window) = [
            (PoolKind::Average, sliding),
            (PoolKind::Max, sliding),
            (PoolKind::Mean, image),
            (PoolKind::Average, image),
        ][kind];
        let rounding =
            if half_up { IntegerRounding::HalfUp } else { IntegerRounding::HalfAwayFromZero };
        let op = Op::Pool2d(Pool2d { kind, window, rounding });
        let OneOp { mut builder, input, element, .. } = net;
        // Only a mean rescales integers.
        let output = match kind {
            PoolKind::Mean if !float => numbers.int8(0.05),
            _ => element,
        };
        let node = builder.push_as("output", op, &[input], output).unwrap();
        agrees(&builder.finish(&[node]).unwrap(), &mut numbers)?;
    }

    #[test]
    fn sums_and_products(
        shape in shape(), repeated in 0u32..256, product: bool, float: bool, numbers in numbers()
    ) {
        let mut numbers = numbers;
        let repeat = |first: u32| {
            let dims = shape.dims();
            Shape::from([0, 1, 2, 3].map(|d| {
                if repeated >> (first + d) & 1 == 1 { 1 } else { dims[d as usize] }
            }))
        };
        let mut net = OneOp::new(repeat(0), float, &mut numbers);
        let second = net.second_input(repeat(4), &mut numbers);
        let activation = numbers.clamp();
        let op = if product { Op::Mul(Mul { activation }) } else { Op::Add(Add { activation }) };
        let input = net.input;
        agrees(&net.finish(op, &[input, second], &mut numbers, 0.05), &mut numbers)?;
    }

    #[test]
    fn activation(shape in shape(), kind in 0usize..5, float: bool, numbers in numbers()) {
        let mut numbers = numbers;
        let net = OneOp::new(shape, float, &mut numbers);
        let kind = [
            ActivationKind::Relu,
            ActivationKind::Relu6,
            ActivationKind::HardSwish,
            ActivationKind::HardSigmoid,
            ActivationKind::Sigmoid,
        ][kind];
        let input = net.input;
        let op = Op::Activation(Activation { kind });
        agrees(&net.finish(op, &[input], &mut numbers, 0.05), &mut numbers)?;
    }

    #[test]
    fn softmax(
        pixels in 1usize..5, channels in 1usize..1200, float: bool, numbers in numbers()
    ) {
        let mut numbers = numbers;
        let shape = Shape::new(1, pixels, 1, channels);
        let mut net = OneOp::new(shape, float, &mut numbers);
        let op = Op::Softmax(Softmax { beta: 1.0 });
        let stated = (!float).then(|| Element::int8(1.0 / 256.0, -128));
        let node = match stated {
            Some(element) => net.builder.push_as("output", op, &[net.input], element),
            None => net.builder.push("output", op, &[net.input]),
        };
        let graph = net.builder.finish(&[node.unwrap()]).unwrap();
        agrees(&graph, &mut numbers)?;
    }

    #[test]
    fn concat(
        shape in shape(), axis in 0usize..3, size in 1usize..7, float: bool, numbers in numbers()
    ) {
        let mut numbers = numbers;
        let axis = [Axis::Height, Axis::Width, Axis::Channels][axis];
        let other = match axis {
            Axis::Height => Shape { h: size, ..shape },
            Axis::Width => Shape { w: size, ..shape },
            Axis::Channels => Shape { c: size, ..shape },
        };
        let mut net = OneOp::new(shape, float, &mut numbers);
        let second = net.second_input(other, &mut numbers);
        let inputs = [net.input, second, net.input];
        let op = Op::Concat(Concat::along(axis));
        agrees(&net.finish(op, &inputs, &mut numbers, 0.05), &mut numbers)?;
    }

    #[test]
    fn pad_and_reshape(
        shape in shape(), border in prop::array::uniform4(0usize..4), float: bool,
        numbers in numbers()
    ) {
        let mut numbers = numbers;
        let mut net = OneOp::new(shape, float, &mut numbers);
        let [top, bottom, left, right] = border;
        let op = Op::Pad(Pad { top, bottom, left, right });
        let padded = net.builder.push("padded", op, &[net.input]).unwrap();
        let Shape { n, h, w, c } = net.builder.ty(padded).shape;
        let op = Op::Reshape(Reshape { shape: Shape::new(c, w, h, n) });
        let turned = net.builder.push("reshaped", op, &[padded]).unwrap();
        let graph = net.builder.finish(&[turned, net.input]).unwrap();
        agrees(&graph, &mut numbers)?;
    }

    #[test]
    fn quantize_and_back(shape in shape(), unsigned: bool, numbers in numbers()) {
        let mut numbers = numbers;
        let mut net = OneOp::new(shape, true, &mut numbers);
        let element = if unsigned {
            Element::uint8(0.02 * (1.5 + numbers.real()), numbers.below(256) as i32)
        } else {
            numbers.int8(0.02)
        };
        let quantized = Op::Quantize(Quantize);
        let small = net.builder.push_as("small", quantized.clone(), &[net.input], element).unwrap();
        let element = numbers.int8(0.03);
        let moved = net.builder.push_as("moved", quantized, &[small], element).unwrap();
        let op = Op::Dequantize(pocketvision_core::op::Dequantize);
        let back = net.builder.push("back", op, &[moved]).unwrap();
        let graph = net.builder.finish(&[small, moved, back]).unwrap();
        prop_assert_eq!(graph.ty(net.input).shape, net.shape);
        agrees(&graph, &mut numbers)?;
    }

    /// A picture's bytes, and the window that reads them: alone, with a projection, or beside
    /// another reader.
    #[test]
    fn pixels(
        shape in shape(), options in 0u32..16, hidden in 1usize..30, numbers in numbers()
    ) {
        let mut numbers = numbers;
        let option = |bit: u32| options >> bit & 1 == 1;
        let mut net = Stack::of_pixels(shape, &mut numbers);
        let normalized = net.last;
        let window = numbers.window(net.shape());
        net.window(window, option(0), hidden, &mut numbers);
        if option(1) {
            net.product(1 + hidden / 2, &mut numbers);
        }
        let outputs = if option(2) { vec![net.last, normalized] } else { vec![net.last] };
        let graph = net.builder.finish(&outputs).expect("a graph");
        agrees(&graph, &mut numbers)?;
    }

    /// Inverted bottlenecks, whose layers are computed together: with or without expansion, a
    /// dense or depthwise window, squeeze-and-excitation, and a sum.
    #[test]
    fn bottleneck(
        shape in shape(), hidden in 1usize..40, kernel in 0usize..3, stride in 1usize..3,
        options in 0u32..64, numbers in numbers()
    ) {
        let mut numbers = numbers;
        let option = |bit: u32| options >> bit & 1 == 1;
        let (float, expands, depthwise, pools) = (option(0), option(1), option(2), option(3));
        let squeezes = float && option(4);
        let mut net = Stack::new(shape, float, &mut numbers);
        if expands {
            net.product(hidden, &mut numbers);
        }
        let window = Window::square([3, 5, 2][kernel], stride, Padding::Same);
        net.window(window, depthwise, hidden, &mut numbers);
        if squeezes {
            net.squeeze_excite(1 + hidden / 3, &mut numbers);
        }
        net.product(shape.c, &mut numbers);
        if net.shape() == shape && option(5) {
            net.sum(&mut numbers);
        }
        if pools {
            net.product(hidden, &mut numbers);
            net.average();
        }
        agrees(&net.finish(), &mut numbers)?;
    }
}

/// A graph of layers one after the other.
struct Stack {
    builder: GraphBuilder,
    input: NodeId,
    last: NodeId,
    layers: usize,
}

impl Stack {
    fn new(shape: Shape, is_float: bool, numbers: &mut Numbers) -> Self {
        let OneOp { builder, input, .. } = OneOp::new(shape, is_float, numbers);
        Self { builder, input, last: input, layers: 0 }
    }

    /// A picture of this height and width, normalized.
    fn of_pixels(shape: Shape, numbers: &mut Numbers) -> Self {
        let mut builder = GraphBuilder::new("random");
        let ty = TensorType::new(Shape { c: 3, ..shape }, Normalize::PIXELS);
        let input = builder.input("photo", ty).expect("a picture");
        let mut stack = Self { builder, input, last: input, layers: 0 };
        let mut three = |from: f32, to: f32| {
            [(); 3].map(|()| from + (to - from) * 0.5 * (1.0 + numbers.real()))
        };
        let op = Normalize { mean: three(0.0, 255.0), std: three(1.0, 255.0) };
        stack.push(Op::Normalize(op), &[input], Element::F32);
        stack
    }

    fn shape(&self) -> Shape {
        self.builder.ty(self.last).shape
    }

    fn element(&self) -> Element {
        self.builder.ty(self.last).element.clone()
    }

    fn push(&mut self, op: Op, inputs: &[NodeId], element: Element) -> NodeId {
        self.layers += 1;
        let name = format!("layer{}", self.layers);
        self.last = self.builder.push_as(name, op, inputs, element).expect("a valid layer");
        self.last
    }

    fn output(&self, scale: f32, numbers: &mut Numbers) -> Element {
        if self.element().is_float() { Element::F32 } else { numbers.int8(scale) }
    }

    fn product(&mut self, outputs: usize, numbers: &mut Numbers) {
        let activation = numbers.clamp();
        let window = Window::square(1, 1, Padding::Valid);
        self.conv2d(window, outputs, activation, numbers);
    }

    fn conv2d(
        &mut self,
        window: Window,
        outputs: usize,
        activation: Option<ActivationKind>,
        numbers: &mut Numbers,
    ) {
        let shape = Shape::new(outputs, window.kernel_h, window.kernel_w, self.shape().c);
        let element = self.element();
        let (weight, bias) = numbers.weights(&mut self.builder, &element, shape, outputs);
        let op = Op::Conv2d(Conv2d { window, weight, bias, groups: 1, activation });
        let output = self.output(0.1, numbers);
        self.push(op, &[self.last], output);
    }

    fn window(&mut self, window: Window, depthwise: bool, hidden: usize, numbers: &mut Numbers) {
        let activation = numbers.clamp();
        if !depthwise {
            return self.conv2d(window, hidden, activation, numbers);
        }
        let channels = self.shape().c;
        let shape = Shape::new(1, window.kernel_h, window.kernel_w, channels);
        let element = self.element();
        let (weight, bias) = numbers.weights(&mut self.builder, &element, shape, channels);
        let op = Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias, activation });
        let output = self.output(0.05, numbers);
        self.push(op, &[self.last], output);
    }

    fn squeeze_excite(&mut self, squeezed: usize, numbers: &mut Numbers) {
        let (image, channels) = (self.last, self.shape().c);
        self.average();
        let one = Window::square(1, 1, Padding::Valid);
        self.conv2d(one, squeezed, Some(ActivationKind::Relu), numbers);
        let gates = [ActivationKind::HardSigmoid, ActivationKind::Sigmoid];
        self.conv2d(one, channels, Some(gates[numbers.below(2)]), numbers);
        let op = Op::Mul(Mul { activation: None });
        let inputs = if numbers.below(2) == 0 { [image, self.last] } else { [self.last, image] };
        self.push(op, &inputs, Element::F32);
    }

    fn sum(&mut self, numbers: &mut Numbers) {
        let inputs =
            if numbers.below(2) == 0 { [self.input, self.last] } else { [self.last, self.input] };
        let output = self.output(0.1, numbers);
        self.push(Op::Add(Add { activation: None }), &inputs, output);
    }

    fn average(&mut self) {
        let Shape { h, w, .. } = self.shape();
        let window = Window { kernel_h: h, kernel_w: w, ..Window::square(1, 1, Padding::Valid) };
        let rounding = IntegerRounding::HalfAwayFromZero;
        let op = Op::Pool2d(Pool2d { kind: PoolKind::Average, window, rounding });
        let element = self.element();
        self.push(op, &[self.last], element);
    }

    fn finish(self) -> Graph {
        self.builder.finish(&[self.last]).expect("a graph")
    }
}
