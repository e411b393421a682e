//! What each operator means, against the formulas of the ONNX specification written out here
//! in ONNX's own order of dimensions.

#[path = "../network/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod network;

mod integers;
mod nchw;
mod pixels;
mod sliding;

use nchw::{Nchw, assert_close};
use network::{Network, float, int, ints, numbers, operators};
use pocketvision_core::op::{Activation, ActivationKind};
use pocketvision_core::{Op, Shape};

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
        let swish = Activation { kind: ActivationKind::HardSwish };
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
