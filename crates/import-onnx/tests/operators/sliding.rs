//! Convolutions and pools, whose windows slide over the image.

use pocketvision_core::Op;
use pocketvision_core::op::Padding;
use pocketvision_import_onnx::message::Attribute;
use proptest::prelude::*;

use crate::nchw::{Nchw, assert_close};
use crate::network::{Network, float, int, ints, numbers, operators, text};

#[derive(Clone, Debug)]
pub(crate) struct Sliding {
    pub(crate) kernel: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilations: [usize; 2],
    /// Top, left, bottom, right.
    pub(crate) pads: [usize; 4],
}

impl Sliding {
    pub(crate) fn output(&self, size: usize, axis: usize) -> usize {
        let reach = (self.kernel[axis] - 1) * self.dilations[axis] + 1;
        (size + self.pads[axis] + self.pads[axis + 2] - reach) / self.strides[axis] + 1
    }

    /// The row of the input under a tap of an output.
    pub(crate) fn tap(&self, output: usize, tap: usize, axis: usize) -> i64 {
        (output * self.strides[axis] + tap * self.dilations[axis]) as i64 - self.pads[axis] as i64
    }

    pub(crate) fn attributes(&self) -> Vec<Attribute> {
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
pub(crate) fn convolution(
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
