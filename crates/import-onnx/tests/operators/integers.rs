//! Operators between QuantizeLinear and DequantizeLinear.

use pocketvision_core::op::{ActivationKind, PoolKind};
use pocketvision_core::{Element, Op, Shape, Tensor, TensorData};
use pocketvision_import_onnx::message::data_type;

use crate::nchw::Nchw;
use crate::network::{Network, int, ints, operators};
use crate::sliding::{Sliding, convolution};

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
    let uint8 = Element::uint8(0.5, 100);
    assert_eq!(graph.ty(graph.inputs()[0]).element, uint8);
    assert_eq!(graph.ty(graph.outputs()[0]).element, uint8);
    let values = TensorData::U8((90..102).collect());
    let input = Tensor::new(Shape::new(1, 2, 2, 3), uint8, values).unwrap();
    let expected: Vec<u8> = (90..102).map(|value: u8| value.max(100)).collect();
    assert_eq!(network.run(input).as_u8().unwrap(), expected);
}
