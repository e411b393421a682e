//! What each operator means, against the formulas of the ONNX specification written out here
//! in ONNX's own order of dimensions.

#[allow(dead_code, reason = "each test uses a part of it")]
mod network;

use network::{Network, float, int, ints, numbers, operators, text};
use pocketvision_core::op::{ActivationKind, Padding, PoolKind};
use pocketvision_core::{Op, Shape, Tensor};
use pocketvision_import_onnx::message::data_type;
use proptest::prelude::*;

/// A tensor in N, C, H, W.
#[derive(Clone, Debug)]
struct Nchw {
    dims: [usize; 4],
    values: Vec<f32>,
}

impl Nchw {
    fn random(dims: [usize; 4], seed: u64) -> Self {
        Self { dims, values: numbers(dims.iter().product(), seed) }
    }

    fn at(&self, n: usize, c: usize, y: i64, x: i64) -> Option<f32> {
        let [_, channels, h, w] = self.dims;
        let inside = (0..h as i64).contains(&y) && (0..w as i64).contains(&x);
        inside.then(|| self.values[((n * channels + c) * h + y as usize) * w + x as usize])
    }

    fn to_nhwc(&self) -> Tensor {
        let [n, c, h, w] = self.dims;
        let mut values = Vec::new();
        for image in 0..n {
            for y in 0..h as i64 {
                for x in 0..w as i64 {
                    values.extend((0..c).map(|channel| self.at(image, channel, y, x).unwrap()));
                }
            }
        }
        Tensor::from_f32(Shape::new(n, h, w, c), values).unwrap()
    }

    fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        Self { dims: self.dims, values: self.values.iter().map(|&x| f(x)).collect() }
    }
}

#[track_caller]
fn assert_close(actual: &Tensor, expected: &Nchw) {
    let expected = expected.to_nhwc();
    assert_eq!(actual.shape(), expected.shape());
    for (a, e) in actual.to_f32().iter().zip(expected.to_f32()) {
        assert!((a - e).abs() <= 1e-5 * e.abs().max(1.0), "{a} is not {e}");
    }
}

#[derive(Clone, Debug)]
struct Sliding {
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    /// Top, left, bottom, right.
    pads: [usize; 4],
}

impl Sliding {
    fn output(&self, size: usize, axis: usize) -> usize {
        let reach = (self.kernel[axis] - 1) * self.dilations[axis] + 1;
        (size + self.pads[axis] + self.pads[axis + 2] - reach) / self.strides[axis] + 1
    }

    /// The row of the input under a tap of an output.
    fn tap(&self, output: usize, tap: usize, axis: usize) -> i64 {
        (output * self.strides[axis] + tap * self.dilations[axis]) as i64 - self.pads[axis] as i64
    }

    fn attributes(&self) -> Vec<pocketvision_import_onnx::message::Attribute> {
        let list = |values: &[usize]| values.iter().map(|&v| v as i64).collect::<Vec<_>>();
        vec![
            ints("kernel_shape", &list(&self.kernel)),
            ints("strides", &list(&self.strides)),
            ints("dilations", &list(&self.dilations)),
            ints("pads", &list(&self.pads)),
        ]
    }
}

/// The specification's convolution.
fn convolution(
    input: &Nchw,
    weight: &Nchw,
    bias: Option<&[f32]>,
    groups: usize,
    sliding: &Sliding,
) -> Nchw {
    let [n, _, h, w] = input.dims;
    let [out_channels, group_channels, kernel_h, kernel_w] = weight.dims;
    let (out_h, out_w) = (sliding.output(h, 0), sliding.output(w, 1));
    let mut values = Vec::new();
    for image in 0..n {
        for o in 0..out_channels {
            let group = o / (out_channels / groups);
            for y in 0..out_h {
                for x in 0..out_w {
                    let mut sum = bias.map_or(0.0, |bias| f64::from(bias[o]));
                    for c in 0..group_channels {
                        for ky in 0..kernel_h {
                            for kx in 0..kernel_w {
                                let (row, column) = (sliding.tap(y, ky, 0), sliding.tap(x, kx, 1));
                                let channel = group * group_channels + c;
                                let pixel = input.at(image, channel, row, column).unwrap_or(0.0);
                                let tap = weight.at(o, c, ky as i64, kx as i64).unwrap();
                                sum += f64::from(pixel) * f64::from(tap);
                            }
                        }
                    }
                    values.push(sum as f32);
                }
            }
        }
    }
    Nchw { dims: [n, out_channels, out_h, out_w], values }
}

fn sliding() -> impl Strategy<Value = Sliding> {
    let two = |range: std::ops::RangeInclusive<usize>| prop::array::uniform2(range);
    (two(1..=3), two(1..=3), two(1..=2), prop::array::uniform4(0_usize..=2))
        .prop_map(|(kernel, strides, dilations, pads)| Sliding { kernel, strides, dilations, pads })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn conv_is_that_of_the_specification(
        sliding in sliding(),
        group_channels in 1_usize..=3,
        filters in 1_usize..=3,
        groups in 1_usize..=4,
        batch in 1_usize..=2,
        with_bias: bool,
        seed: u64,
    ) {
        let input = Nchw::random([batch, groups * group_channels, 7, 6], seed);
        let [kernel_h, kernel_w] = sliding.kernel;
        let dims = [groups * filters, group_channels, kernel_h, kernel_w];
        let weight = Nchw::random(dims, seed ^ 1);
        let bias = numbers(dims[0], seed ^ 2);
        let mut attributes = sliding.attributes();
        attributes.push(int("group", groups as i64));
        let inputs: &[&str] = if with_bias { &["x", "w", "b"] } else { &["x", "w"] };
        let network = Network::new(17)
            .input("x", &input.dims)
            .floats("w", &dims, &weight.values)
            .floats("b", &[dims[0]], &bias)
            .node("Conv", inputs, "y", &attributes)
            .output("y");
        let bias = with_bias.then_some(bias.as_slice());
        let expected = convolution(&input, &weight, bias, groups, &sliding);
        assert_close(&network.run(input.to_nhwc()), &expected);
    }

    #[test]
    fn pools_are_those_of_the_specification(
        sliding in sliding(),
        which in 0_usize..3,
        seed: u64,
    ) {
        // A border as wide as the window would pool nothing, which has no value.
        let reach = |axis: usize| (sliding.kernel[axis] - 1) * sliding.dilations[axis];
        let mut pads = sliding.pads;
        for (index, pad) in pads.iter_mut().enumerate() {
            *pad = (*pad).min(reach(index % 2) / sliding.dilations[index % 2]);
        }
        let dilations = if which == 0 { sliding.dilations } else { [1, 1] };
        let sliding = Sliding { pads, dilations, ..sliding };
        let input = Nchw::random([2, 3, 9, 8], seed);
        let (op, counts) = [("MaxPool", 0), ("AveragePool", 0), ("AveragePool", 1)][which];
        let mut attributes = sliding.attributes();
        if op == "MaxPool" {
            attributes.push(int("ceil_mode", 0));
        } else {
            attributes.retain(|attribute| attribute.name != "dilations");
            attributes.push(int("count_include_pad", counts));
        }
        let (h, w) = (sliding.output(9, 0), sliding.output(8, 1));
        let mut values = Vec::new();
        for n in 0..2 { for c in 0..3 { for y in 0..h { for x in 0..w {
            let mut seen = Vec::new();
            for ky in 0..sliding.kernel[0] { for kx in 0..sliding.kernel[1] {
                seen.push(input.at(n, c, sliding.tap(y, ky, 0), sliding.tap(x, kx, 1)));
            } }
            let real = seen.iter().flatten();
            values.push(match (op, counts) {
                ("MaxPool", _) => real.copied().fold(f32::NEG_INFINITY, f32::max),
                (_, 0) => real.clone().sum::<f32>() / real.count() as f32,
                _ => real.sum::<f32>() / seen.len() as f32,
            });
        } } } }
        let network = Network::new(13)
            .input("x", &input.dims)
            .node(op, &["x"], "y", &attributes)
            .output("y");
        let expected = Nchw { dims: [2, 3, h, w], values };
        assert_close(&network.run(input.to_nhwc()), &expected);
    }

    #[test]
    fn batch_normalization_folds_into_what_it_follows(depthwise: bool, with_bias: bool, seed: u64) {
        let input = Nchw::random([1, 4, 5, 5], seed);
        let (groups, dims) = if depthwise { (4, [4, 1, 3, 3]) } else { (1, [6, 4, 3, 3]) };
        let weight = Nchw::random(dims, seed ^ 1);
        let channels = dims[0];
        let lists: Vec<Vec<f32>> = (2..7).map(|salt| numbers(channels, seed ^ salt)).collect();
        let variance: Vec<f32> = lists[4].iter().map(|v| v.abs() + 0.1).collect();
        let inputs: &[&str] = if with_bias { &["x", "w", "b"] } else { &["x", "w"] };
        let network = Network::new(11)
            .input("x", &input.dims)
            .floats("w", &dims, &weight.values)
            .floats("b", &[channels], &lists[0])
            .floats("scale", &[channels], &lists[1])
            .floats("offset", &[channels], &lists[2])
            .floats("mean", &[channels], &lists[3])
            .floats("variance", &[channels], &variance)
            .node("Conv", inputs, "c", &[int("group", groups as i64)])
            .node(
                "BatchNormalization",
                &["c", "scale", "offset", "mean", "variance"],
                "y",
                &[float("epsilon", 1e-3)],
            )
            .output("y");
        let sliding =
            Sliding { kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [0; 4] };
        let bias = with_bias.then_some(lists[0].as_slice());
        let mut expected = convolution(&input, &weight, bias, groups, &sliding);
        let [_, _, h, w] = expected.dims;
        for (index, value) in expected.values.iter_mut().enumerate() {
            let c = index / (h * w);
            let normal = (*value - lists[3][c]) / (variance[c] + 1e-3).sqrt();
            *value = normal * lists[1][c] + lists[2][c];
        }
        prop_assert_eq!(network.import().unwrap().nodes().len(), 2);
        assert_close(&network.run(input.to_nhwc()), &expected);
    }
}

#[test]
fn batch_normalization_on_its_own_is_a_product_and_a_sum() {
    let input = Nchw::random([1, 2, 3, 3], 1);
    let network = Network::new(17)
        .input("x", &input.dims)
        .floats("scale", &[2], &[2.0, 3.0])
        .floats("offset", &[2], &[0.5, -0.5])
        .floats("mean", &[2], &[0.1, 0.2])
        .floats("variance", &[2], &[3.99999, 0.99999])
        .node("BatchNormalization", &["x", "scale", "offset", "mean", "variance"], "y", &[])
        .output("y");
    let mut expected = input.clone();
    for (index, value) in expected.values.iter_mut().enumerate() {
        *value = if index < 9 { (*value - 0.1) + 0.5 } else { (*value - 0.2) * 3.0 - 0.5 };
    }
    assert_close(&network.run(input.to_nhwc()), &expected);
}

#[test]
fn a_border_before_a_convolution_becomes_its_padding() {
    let input = Nchw::random([1, 2, 6, 6], 3);
    let weight = Nchw::random([3, 2, 3, 3], 4);
    let network = Network::new(13)
        .input("x", &input.dims)
        .floats("w", &weight.dims, &weight.values)
        .int64s("pads", &[0, 0, 0, 1, 0, 0, 2, 0])
        .node("Pad", &["x", "pads"], "p", &[])
        .node("Conv", &["p", "w"], "y", &[ints("pads", &[1, 0, 0, 0]), ints("strides", &[2, 2])])
        .output("y");
    let graph = network.import().unwrap();
    let Op::Conv2d(conv) = &graph.nodes()[1].op else { panic!("{:?}", operators(&graph)) };
    assert_eq!(conv.window.padding, Padding::Explicit { top: 1, bottom: 2, left: 1, right: 0 });
    let sliding =
        Sliding { kernel: [3, 3], strides: [2, 2], dilations: [1, 1], pads: [1, 1, 2, 0] };
    let expected = convolution(&input, &weight, None, 1, &sliding);
    assert_close(&network.run(input.to_nhwc()), &expected);
}

#[test]
fn same_upper_is_tensorflows_padding() {
    let input = Nchw::random([1, 1, 6, 6], 5);
    let weight = Nchw::random([1, 1, 3, 3], 6);
    let network = Network::new(13)
        .input("x", &input.dims)
        .floats("w", &weight.dims, &weight.values)
        .node("Conv", &["x", "w"], "y", &[text("auto_pad", "SAME_UPPER"), ints("strides", &[2, 2])])
        .output("y");
    let sliding =
        Sliding { kernel: [3, 3], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 1, 1] };
    let expected = convolution(&input, &weight, None, 1, &sliding);
    assert_close(&network.run(input.to_nhwc()), &expected);
}

#[test]
fn a_last_pooling_window_may_hang_over_the_edge() {
    let input = Nchw { dims: [1, 1, 1, 5], values: vec![1.0, 5.0, 2.0, 8.0, 3.0] };
    let pool = |op: &str, attributes: &[_]| {
        let mut all = vec![ints("kernel_shape", &[1, 2]), ints("strides", &[1, 2])];
        all.extend_from_slice(attributes);
        let network =
            Network::new(13).input("x", &input.dims).node(op, &["x"], "y", &all).output("y");
        network.run(input.to_nhwc()).to_f32()
    };
    assert_eq!(pool("MaxPool", &[]), [5.0, 8.0]);
    assert_eq!(pool("MaxPool", &[int("ceil_mode", 1)]), [5.0, 8.0, 3.0]);
    assert_eq!(pool("AveragePool", &[int("ceil_mode", 1)]), [3.0, 5.0, 3.0]);
}

/// The ways in which exporters write a hard swish.
#[test]
fn a_hard_swish_in_parts_is_recognised() {
    let input = Nchw::random([1, 2, 4, 4], 7).map(|x| 5.0 * x);
    let base = || {
        Network::new(13)
            .input("x", &[1, 2, 4, 4])
            .floats("three", &[], &[3.0])
            .floats("zero", &[], &[0.0])
            .floats("six", &[], &[6.0])
            .floats("sixth", &[1], &[1.0 / 6.0])
            .output("y")
    };
    let clipped = || {
        base().node("Add", &["x", "three"], "a", &[]).node("Clip", &["a", "zero", "six"], "c", &[])
    };
    let ways = [
        base().node("HardSwish", &["x"], "y", &[]),
        base().node("HardSigmoid", &["x"], "h", &[float("alpha", 1.0 / 6.0)]).node(
            "Mul",
            &["x", "h"],
            "y",
            &[],
        ),
        clipped().node("Div", &["c", "six"], "h", &[]).node("Mul", &["x", "h"], "y", &[]),
        clipped().node("Mul", &["sixth", "c"], "h", &[]).node("Mul", &["h", "x"], "y", &[]),
        clipped().node("Mul", &["x", "c"], "m", &[]).node("Div", &["m", "six"], "y", &[]),
    ];
    let expected = input.map(|x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0);
    for network in ways {
        let graph = network.import().unwrap();
        let last = &graph.nodes()[graph.nodes().len() - 1].op;
        let swish = pocketvision_core::op::Activation { kind: ActivationKind::HardSwish };
        assert_eq!((graph.nodes().len(), last), (2, &Op::Activation(swish)));
        assert_close(&network.run(input.to_nhwc()), &expected);
    }
    // The gate alone, and a gate of something else.
    let gate = clipped().node("Div", &["c", "six"], "y", &[]);
    assert_eq!(operators(&gate.import().unwrap()), ["Input", "Activation"]);
    let expected = input.map(|x| (x + 3.0).clamp(0.0, 6.0) / 6.0);
    assert_close(&gate.run(input.to_nhwc()), &expected);
    let other = clipped().node("Div", &["c", "six"], "h", &[]).node("Relu", &["x"], "r", &[]).node(
        "Mul",
        &["r", "h"],
        "y",
        &[],
    );
    let expected = input.map(|x| x.max(0.0) * (x + 3.0).clamp(0.0, 6.0) / 6.0);
    assert_close(&other.run(input.to_nhwc()), &expected);
}

#[test]
fn arithmetic_with_constants_follows_onnx_broadcasting() {
    let input = Nchw::random([1, 2, 2, 3], 8);
    let by = |op: &str, inputs: [&str; 2], dims: &[usize], values: &[f32]| {
        Network::new(14)
            .input("x", &[1, 2, 2, 3])
            .floats("k", dims, values)
            .node(op, &inputs, "y", &[])
            .output("y")
            .run(input.to_nhwc())
    };
    let indexed = |f: &dyn Fn(usize, usize, usize, f32) -> f32| Nchw {
        dims: input.dims,
        values: input
            .values
            .iter()
            .enumerate()
            .map(|(i, &x)| f(i / 6, i / 3 % 2, i % 3, x))
            .collect(),
    };
    let channel = [10.0, 20.0];
    let row = [1.0, 2.0, 3.0];
    let plus_channel = indexed(&|c, _, _, x| x + channel[c]);
    assert_close(&by("Add", ["x", "k"], &[2, 1, 1], &channel), &plus_channel);
    let times_column = indexed(&|_, _, column, x| x * row[column]);
    assert_close(&by("Mul", ["k", "x"], &[3], &row), &times_column);
    let minus = indexed(&|c, _, _, x| x - channel[c]);
    assert_close(&by("Sub", ["x", "k"], &[1, 2, 1, 1], &channel), &minus);
    let from = indexed(&|c, _, _, x| channel[c] - x);
    assert_close(&by("Sub", ["k", "x"], &[1, 2, 1, 1], &channel), &from);
    let divided = indexed(&|_, _, _, x| x / 4.0);
    assert_close(&by("Div", ["x", "k"], &[], &[4.0]), &divided);
}

#[test]
fn a_head_of_pool_flatten_and_gemm_needs_no_reshape() {
    let input = Nchw::random([2, 4, 3, 3], 9);
    let weight = numbers(4 * 5, 10);
    let bias = numbers(5, 11);
    let head = |transposed: bool, pool: &str, attributes: &[_]| {
        let stored: Vec<f32> = if transposed {
            weight.clone()
        } else {
            (0..20).map(|i| weight[i % 5 * 4 + i / 5]).collect()
        };
        let dims = if transposed { [5, 4] } else { [4, 5] };
        Network::new(13)
            .input("x", &[2, 4, 3, 3])
            .floats("w", &dims, &stored)
            .floats("b", &[5], &bias)
            .node(pool, &["x"], "p", attributes)
            .node("Flatten", &["p"], "f", &[])
            .node("Gemm", &["f", "w", "b"], "y", &[int("transB", transposed.into())])
            .output("y")
    };
    let mut expected = Vec::new();
    for n in 0..2 {
        for o in 0..5 {
            let mean = |c: usize| {
                let start = (n * 4 + c) * 9;
                input.values[start..start + 9].iter().sum::<f32>() / 9.0
            };
            expected.push((0..4).map(|c| mean(c) * weight[o * 4 + c]).sum::<f32>() + bias[o]);
        }
    }
    let expected = Nchw { dims: [2, 5, 1, 1], values: expected };
    let mean = [ints("axes", &[2, 3]), int("keepdims", 0)];
    for network in [head(true, "GlobalAveragePool", &[]), head(false, "ReduceMean", &mean)] {
        assert_eq!(operators(&network.import().unwrap()), ["Input", "Pool2d", "Linear"]);
        assert_close(&network.run(input.to_nhwc()), &expected);
    }
}

#[test]
fn shapes_are_computed_while_importing() {
    // What PyTorch writes for x.view(x.shape[0], -1) and back.
    let network = Network::new(13)
        .input("x", &[2, 6, 1, 1])
        .int64s("zero", &[0])
        .int64s("minus", &[-1])
        .node("Shape", &["x"], "s", &[])
        .node("Gather", &["s", "zero"], "n", &[int("axis", 0)])
        .node("Concat", &["n", "minus"], "target", &[int("axis", 0)])
        .node("Reshape", &["x", "target"], "flat", &[])
        .node("Reshape", &["flat", "s"], "image", &[])
        .node("Relu", &["image"], "y", &[])
        .output("y");
    assert_eq!(operators(&network.import().unwrap()), ["Input", "Activation"]);
    let input = Nchw::random([2, 6, 1, 1], 12);
    assert_close(&network.run(input.to_nhwc()), &input.map(|x| x.max(0.0)));
}

#[test]
fn an_image_fed_channels_last_is_taken_as_it_is() {
    let network = Network::new(13)
        .input("x", &[1, 4, 5, 3])
        .floats("w", &[2, 3, 1, 1], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        .node("Transpose", &["x"], "t", &[ints("perm", &[0, 3, 1, 2])])
        .node("Conv", &["t", "w"], "y", &[])
        .output("y");
    let graph = network.import().unwrap();
    assert_eq!(graph.ty(graph.inputs()[0]).shape, Shape::new(1, 4, 5, 3));
    assert_eq!(operators(&graph), ["Input", "Conv2d"]);
}

#[test]
fn tensors_side_by_side() {
    let (input, twice) = (Nchw::random([1, 2, 2, 2], 13), [1, 4, 2, 2]);
    let network = Network::new(13)
        .input("x", &input.dims)
        .node("Relu", &["x"], "r", &[])
        .node("Concat", &["x", "r"], "y", &[int("axis", 1)])
        .output("y");
    let mut values = input.values.clone();
    values.extend(input.values.iter().map(|x| x.max(0.0)));
    assert_close(&network.run(input.to_nhwc()), &Nchw { dims: twice, values });
}

/// A convolution, a sum and a mean between QuantizeLinear and DequantizeLinear.
fn quantized(unsigned: bool, per_channel: bool) -> Network {
    let element = if unsigned { data_type::UINT8 } else { data_type::INT8 };
    let zero = if unsigned { 128 } else { 0 };
    let scales: &[f32] = if per_channel { &[0.02, 0.01] } else { &[0.02] };
    let zeros = vec![0; scales.len()];
    let bias_scales: Vec<f32> = scales.iter().map(|scale| scale * 0.05).collect();
    let weights: Vec<i32> = (0..2 * 3 * 9).map(|i| i * 37 % 101 - 50).collect();
    let pair = |network: Network, from: &str, to: &str, scale: &str, zero: &str| {
        let between = format!("{from}_q");
        network.node("QuantizeLinear", &[from, scale, zero], &between, &[]).node(
            "DequantizeLinear",
            &[&between, scale, zero],
            to,
            &[],
        )
    };
    let network = Network::new(13)
        .input("x", &[1, 3, 6, 6])
        .floats("s_x", &[], &[0.05])
        .integers("z_x", element, &[], &[zero + 3])
        .floats("s_w", &[scales.len()], scales)
        .integers("z_w", data_type::INT8, &[scales.len()], &zeros)
        .integers("w_q", data_type::INT8, &[2, 3, 3, 3], &weights)
        .floats("s_b", &[scales.len()], &bias_scales)
        .integers("b_q", data_type::INT32, &[2], &[900, -400])
        .floats("s_y", &[], &[0.04])
        .integers("z_y", element, &[], &[zero - 128])
        .node("DequantizeLinear", &["w_q", "s_w", "z_w"], "w", &[int("axis", 0)])
        .node("DequantizeLinear", &["b_q", "s_b"], "b", &[int("axis", 0)]);
    let network = pair(network, "x", "x_d", "s_x", "z_x")
        .node("Conv", &["x_d", "w", "b"], "c", &[ints("pads", &[1, 1, 1, 1])])
        .node("Relu", &["c"], "r", &[]);
    let network = pair(network, "r", "r_d", "s_y", "z_y").node("Add", &["r_d", "r_d"], "a", &[]);
    let network =
        pair(network, "a", "a_d", "s_y", "z_y").node("GlobalAveragePool", &["a_d"], "m", &[]);
    pair(network, "m", "y", "s_y", "z_y").output("y")
}

#[test]
fn operators_between_integers_are_computed_in_int8() {
    for (unsigned, per_channel) in [(false, false), (false, true), (true, false), (true, true)] {
        let network = quantized(unsigned, per_channel);
        let graph = network.import().unwrap();
        let names = operators(&graph);
        assert_eq!(names, ["Input", "Quantize", "Conv2d", "Add", "Pool2d", "Dequantize"]);
        let Op::Conv2d(conv) = &graph.nodes()[2].op else { unreachable!() };
        assert_eq!(conv.activation, Some(ActivationKind::Relu));
        let Op::Pool2d(pool) = &graph.nodes()[4].op else { unreachable!() };
        assert_eq!(pool.kind, PoolKind::Mean);

        // The same network with the rounding left out of all but the input.
        let input = Nchw::random([1, 3, 6, 6], 14).map(|x| 5.0 * x);
        let rounded =
            input.map(|x| ((x / 0.05).round_ties_even() + 3.0).clamp(-128.0, 127.0) - 3.0);
        let rounded = rounded.map(|x| x * 0.05);
        let scale = |o: usize| if per_channel { [0.02, 0.01][o] } else { 0.02 };
        let weights = (0..2 * 3 * 9)
            .map(|i: usize| (i as i32 * 37 % 101 - 50) as f32 * scale(i / 27))
            .collect();
        let weights = Nchw { dims: [2, 3, 3, 3], values: weights };
        let bias = [900.0 * scale(0) * 0.05, -400.0 * scale(1) * 0.05];
        let sliding = Sliding { kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [1; 4] };
        let sums = convolution(&rounded, &weights, Some(&bias), 1, &sliding);
        // What int8 with 0 at -128 holds: up to 255 steps of 0.04.
        let doubled = sums.map(|x| (2.0 * x.clamp(0.0, 10.2)).min(10.2));
        let expected: Vec<f32> =
            doubled.values.chunks(36).map(|c| c.iter().sum::<f32>() / 36.0).collect();
        let actual = network.run(input.to_nhwc()).to_f32();
        for (a, e) in actual.iter().zip(&expected) {
            // Half a step of each of the three roundings, the first doubled.
            assert!((a - e).abs() <= 0.04 * 2.0, "{actual:?} {expected:?}");
        }
    }
}

#[test]
fn what_is_not_followed_by_integers_stays_float() {
    let mut network = quantized(false, true);
    let graph = network.graph();
    graph.output[0].name = "m".into();
    let graph = network.import().unwrap();
    let names = operators(&graph);
    assert_eq!(names, ["Input", "Quantize", "Conv2d", "Add", "Dequantize", "Pool2d"]);
    assert!(graph.ty(graph.outputs()[0]).element.is_float());
}

#[test]
fn integer_edges_keep_the_files_type() {
    let network = Network::new(13)
        .input_of("x", data_type::UINT8, &[1, 3, 2, 2])
        .floats("s", &[], &[0.5])
        .integers("z", data_type::UINT8, &[], &[100])
        .node("DequantizeLinear", &["x", "s", "z"], "d", &[])
        .node("Relu", &["d"], "r", &[])
        .node("QuantizeLinear", &["r", "s", "z"], "y", &[])
        .output("y");
    let graph = network.import().unwrap();
    let uint8 = pocketvision_core::Element::uint8(0.5, 100);
    assert_eq!(graph.ty(graph.inputs()[0]).element, uint8);
    assert_eq!(graph.ty(graph.outputs()[0]).element, uint8);
    let values = pocketvision_core::TensorData::U8((90..102).collect());
    let input = Tensor::new(Shape::new(1, 2, 2, 3), uint8, values).unwrap();
    let expected: Vec<u8> = (90..102).map(|value: u8| value.max(100)).collect();
    assert_eq!(network.run(input).as_u8().unwrap(), expected);
}
