//! Float networks as int8: the numbers and the quality.

#[allow(dead_code, reason = "not every test needs all of it")]
mod networks;

use networks::{cpu, network, numbers, odd_network, quantized, samples};
use pocketvision_core::op::{ActivationKind, Conv2d, DepthwiseConv2d, Padding, Window};
use pocketvision_core::{
    Backend, CompileOptions, Element, Graph, GraphBuilder, Keep, Op, Quantization, Shape, Tensor,
    TensorData, TensorType,
};
use pocketvision_quantize::{InputElement, OutputElement, QuantizeOptions, Quantized, quantize};
use pocketvision_reference::ReferenceBackend;
use proptest::prelude::*;

fn run(backend: &dyn Backend, graph: &Graph, inputs: &[Tensor]) -> Tensor {
    let mut plan = backend.compile(graph, &CompileOptions::default()).unwrap();
    plan.run(inputs).unwrap()[0].clone()
}

/// A sample in the element that a quantized network takes.
fn fed(graph: &Graph, sample: &[Tensor]) -> Vec<Tensor> {
    let tensors = graph.inputs().iter().zip(sample);
    let quantize = |(&input, tensor): (_, &Tensor)| {
        let element = graph.ty(input).element.clone();
        let (scale, zero_point) = element.per_tensor().unwrap();
        let steps = tensor.to_f32().into_iter().map(|x| (x / scale).round() as i32 + zero_point);
        let data = TensorData::I8(steps.map(|step| step.clamp(-128, 127) as i8).collect());
        Tensor::new(tensor.shape(), element, data).unwrap()
    };
    tensors.map(quantize).collect()
}

/// A convolution, a depthwise convolution and a convolution, with a ReLU after the first two,
/// whose channels differ in magnitude by these factors.
fn uneven_network(factors: &[f32], seed: u64) -> Graph {
    let channels = factors.len();
    let mut builder = GraphBuilder::new("uneven");
    let ty = TensorType::new(Shape::new(1, 8, 8, 3), Element::F32);
    let mut x = builder.input("image", ty).unwrap();
    let relu = Some(ActivationKind::Relu);
    let param = |builder: &mut GraphBuilder, shape: Shape, scaled: &dyn Fn(usize) -> f32| {
        let values = numbers(shape.elements(), seed).into_iter().enumerate();
        let values = values.map(|(index, value)| value * scaled(index)).collect();
        builder.param("numbers", Tensor::from_f32(shape, values).unwrap())
    };
    let window = |kernel| Window::square(kernel, 1, Padding::Same);
    let weight = param(&mut builder, Shape::new(channels, 3, 3, 3), &|i| factors[i / 27]);
    let bias = Some(param(&mut builder, Shape::vector(channels), &|i| factors[i]));
    let conv = Conv2d { window: window(3), weight, bias, groups: 1, activation: relu };
    x = builder.push("expand", Op::Conv2d(conv), &[x]).unwrap();
    let weight = param(&mut builder, Shape::new(1, 3, 3, channels), &|_| 1.0);
    let bias = Some(param(&mut builder, Shape::vector(channels), &|i| factors[i]));
    let depthwise = DepthwiseConv2d { window: window(3), weight, bias, activation: relu };
    x = builder.push("depthwise", Op::DepthwiseConv2d(depthwise), &[x]).unwrap();
    let shape = Shape::new(4, 1, 1, channels);
    let weight = param(&mut builder, shape, &|i| 1.0 / factors[i % channels]);
    let conv = Conv2d { window: window(1), weight, bias: None, groups: 1, activation: None };
    let output = builder.push("project", Op::Conv2d(conv), &[x]).unwrap();
    builder.finish(&[output]).unwrap()
}

fn noise_of(quantized: &Quantized, name: &str) -> f64 {
    let layer = quantized.report.layers.iter().find(|layer| layer.name == name).unwrap();
    layer.signal_to_noise_db
}

/// Class maps and boxes are made of integers, of every backend the same.
#[test]
fn detectors_and_segmentation_networks_end_as_they_did() {
    for (name, end) in [
        ("ssdlite-mobilenet-v3-small", "DetectionPostprocess"),
        ("lraspp-mobilenet-v3-small", "ArgMax"),
        ("deeplab-mobilenet-v2", "ArgMax"),
    ] {
        let float = network(name);
        let inputs = samples(&float, 2, 5);
        let options = QuantizeOptions { input: InputElement::F32, ..QuantizeOptions::default() };
        let graph = quantized(&float, &inputs, &options).graph;
        let last = graph.node(graph.outputs()[0]);
        assert_eq!(last.op.name(), end, "{name}");
        assert_eq!(last.output, *float.ty(float.outputs()[0]), "{name}");
        for &input in &last.inputs {
            assert!(matches!(graph.ty(input).element, Element::Int8(_)), "{name}");
        }
        let ours = run(&cpu(), &graph, &inputs[0]);
        assert_eq!(ours, run(&ReferenceBackend::new(), &graph, &inputs[0]), "{name}");
        if end == "ArgMax" {
            let expected = run(&cpu(), &float, &inputs[0]);
            let pairs = ours.as_u8().unwrap().iter().zip(expected.as_u8().unwrap());
            let equal = pairs.filter(|(a, b)| a == b).count();
            assert!(2 * equal > expected.shape().elements(), "{name}: {equal} pixels are alike");
        }
    }
}

#[test]
fn networks_of_every_kind_stay_near_and_run_alike_on_two_backends() {
    for name in ["mobilenet-v2-0.35", "mobilenet-v3-small", "mobilenet-v3-small-minimalistic"] {
        let graph = network(name);
        let samples = samples(&graph, 4, 3);
        let result = quantized(&graph, &samples, &QuantizeOptions::default());
        assert_eq!(
            (result.graph.macs(), result.graph.parameters()),
            (graph.macs(), graph.parameters())
        );
        for node in result.graph.nodes() {
            assert!(matches!(node.output.element, Element::Int8(_)), "{name}: {}", node.name);
        }
        for layer in &result.report.layers {
            assert!(layer.signal_to_noise_db > 12.0, "{name}: {layer:?}");
            assert!(layer.range.0 <= 0.0 && layer.range.1 >= 0.0, "{name}: {layer:?}");
        }
        let inputs = fed(&result.graph, &samples[0]);
        let nodes = |backend: &dyn Backend| {
            let options = CompileOptions { keep: Keep::EveryNode };
            backend.compile(&result.graph, &options).unwrap().run(&inputs).unwrap()
        };
        assert_eq!(nodes(&cpu()), nodes(&ReferenceBackend::new()), "{name}");
    }
}

#[test]
fn uneven_channels_are_evened_out() {
    let factors: Vec<f32> = (0..16).map(|i| 2f32.powi(i % 8 - 4)).collect();
    let graph = uneven_network(&factors, 11);
    let samples = samples(&graph, 4, 5);
    for per_channel in [true, false] {
        let [even, uneven] = [true, false].map(|equalize| {
            let options = QuantizeOptions { equalize, per_channel, ..Default::default() };
            quantized(&graph, &samples, &options)
        });
        assert_eq!((even.report.equalized_pairs, uneven.report.equalized_pairs), (2, 0));
        let (better, worse) = (noise_of(&even, "project"), noise_of(&uneven, "project"));
        assert!(better > worse + 6.0, "{better} dB is not above {worse} dB");
    }
}

#[test]
fn corrected_biases_bring_the_mean_scores_nearer() {
    let graph = network("mobilenet-v2-0.35");
    let samples = samples(&graph, 8, 9);
    // The mean over the samples of each score before the softmax, and how far it is off.
    let scores = |quantized: &Graph| -> Vec<f64> {
        let logits = quantized.iter().find(|(_, node)| node.name == "logits").unwrap().0;
        let options = CompileOptions { keep: Keep::EveryNode };
        let mut plan = cpu().compile(quantized, &options).unwrap();
        let mut mean = vec![0.0; 10];
        for sample in &samples {
            let is_float = quantized.ty(quantized.inputs()[0]).element == Element::F32;
            let inputs = if is_float { sample.clone() } else { fed(quantized, sample) };
            let outputs = plan.run(&inputs).unwrap();
            for (mean, score) in mean.iter_mut().zip(outputs.get(logits).unwrap().to_f32()) {
                *mean += f64::from(score) / samples.len() as f64;
            }
        }
        mean
    };
    let expected = scores(&graph);
    let [corrected, plain] = [true, false].map(|correct_bias| {
        let options = QuantizeOptions { correct_bias, ..Default::default() };
        let actual = scores(&quantized(&graph, &samples, &options).graph);
        actual.iter().zip(&expected).map(|(a, e)| (a - e).abs()).sum::<f64>()
    });
    assert!(corrected < plain / 2.0, "{corrected} is not below half of {plain}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn weights_are_the_nearest_integers(
        seed: u64,
        powers in prop::collection::vec(-20i32..10, 1..9),
        per_channel: bool,
    ) {
        let factors: Vec<f32> = powers.iter().map(|&power| 2f32.powi(power)).collect();
        let graph = uneven_network(&factors, seed);
        let options =
            QuantizeOptions { equalize: false, correct_bias: false, per_channel, ..Default::default() };
        let result = quantized(&graph, &samples(&graph, 1, seed), &options);
        let params = |graph: &Graph, name: &str| {
            let node = graph.nodes().iter().find(|node| node.name == name).unwrap();
            graph.param(node.op.params()[0]).clone()
        };
        for (name, innermost) in [("expand", false), ("depthwise", true), ("project", false)] {
            let (float, int8) = (params(&graph, name), params(&result.graph, name));
            let scales = int8.element().quantization().unwrap().clone();
            let is_per_channel = matches!(scales, Quantization::PerChannel { .. });
            prop_assert_eq!(is_per_channel, per_channel);
            let shape = float.shape();
            let integers = int8.as_i8().unwrap();
            for (index, (&real, &integer)) in float.to_f32().iter().zip(integers).enumerate() {
                let channel = if innermost { index % shape.c } else { index / (shape.h * shape.w * shape.c) };
                let scale = scales.scale(channel);
                prop_assert!(integer > i8::MIN);
                let error = (real - f32::from(integer) * scale).abs();
                prop_assert!(error <= 0.5001 * scale, "{}: {} {} {}", name, real, integer, scale);
            }
        }
    }
}

/// How far the first score of the odd network may be off: each of the eight numbers that it
/// sums by a step, as they are rounded twice, each weight by half a step, the sum by half one.
fn odd_bound(int8: &Graph) -> f32 {
    let step = |name: &str| {
        let node = int8.nodes().iter().find(|node| node.name == name).unwrap();
        node.output.element.per_tensor().unwrap().0
    };
    let weights = numbers(16, 3)[..8].to_vec();
    let sum: f32 = weights.iter().map(|weight| weight.abs()).sum();
    // x is from -1 to 1; the products are below 1/2, 2, 8 and 0.
    let inputs = 4.0 + 0.5 + 2.0 + 8.0;
    step("both") * sum + inputs / 254.0 + step("scores") / 2.0
}

#[test]
fn constants_concatenations_and_dead_channels_are_quantized_too() {
    let graph = odd_network();
    let samples = samples(&graph, 32, 1);
    let result = quantized(&graph, &samples, &QuantizeOptions::default());
    for sample in &samples {
        let float = run(&ReferenceBackend::new(), &graph, sample).to_f32();
        let inputs = fed(&result.graph, sample);
        let int8 = run(&ReferenceBackend::new(), &result.graph, &inputs).to_f32();
        let bound = odd_bound(&result.graph);
        assert!((float[0] - int8[0]).abs() < bound, "{float:?} {int8:?} {bound}");
        assert!((int8[1] - 3.5).abs() < 0.02, "{int8:?}");
    }
    // Parts of a concatenation have the scale of the whole.
    let concat = result.graph.nodes().iter().find(|node| matches!(node.op, Op::Concat(_))).unwrap();
    for input in &concat.inputs {
        assert_eq!(result.graph.ty(*input).element, concat.output.element);
    }
}

#[test]
fn inputs_and_outputs_are_of_the_element_asked_for() {
    let graph = odd_network();
    let samples = samples(&graph, 16, 1);
    let pixels = InputElement::UInt8 { scale: 1.0 / 128.0, zero_point: 128 };
    for (input, output, expected) in [
        (InputElement::Int8, OutputElement::Int8, ["int8", "int8"]),
        (InputElement::F32, OutputElement::F32, ["f32", "f32"]),
        (pixels, OutputElement::UInt8, ["uint8", "uint8"]),
    ] {
        let options = QuantizeOptions { input, output, ..Default::default() };
        let int8 = quantized(&graph, &samples, &options).graph;
        let ends = [int8.inputs()[0], int8.outputs()[0]];
        assert_eq!(ends.map(|id| int8.ty(id).element.name()), expected);
        if input == pixels {
            assert_eq!(int8.ty(ends[0]).element, Element::uint8(1.0 / 128.0, 128));
        }
        if input == InputElement::F32 {
            let float = run(&ReferenceBackend::new(), &graph, &samples[0]).to_f32();
            let actual = run(&ReferenceBackend::new(), &int8, &samples[0]).to_f32();
            let bound = odd_bound(&int8);
            assert!((float[0] - actual[0]).abs() < bound, "{float:?} {actual:?} {bound}");
        }
    }
}

#[test]
fn progress_reaches_the_end_of_every_stage() {
    let graph = odd_network();
    let mut last = Vec::new();
    let mut progress = |stage, done, total| {
        last.retain(|(other, _, _)| *other != stage);
        last.push((stage, done, total));
    };
    let samples = samples(&graph, 3, 1);
    quantize(&graph, &cpu(), &samples, &QuantizeOptions::default(), &mut progress).unwrap();
    assert_eq!(last.len(), 3);
    assert!(last.iter().all(|(_, done, total)| done == total), "{last:?}");
}
