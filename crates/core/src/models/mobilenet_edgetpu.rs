//! MobileNetEdgeTPU: the network that architecture search found for the Pixel 4's Neural
//! Core (Howard and Gupta, 2019, "Introducing the next generation of on-device vision
//! models"). Near the input, where channels are few, a dense 3x3 convolution expands instead
//! of a pointwise and a depthwise one: more arithmetic, better use of a systolic array.
//! No squeeze-and-excite and no hard-swish, which such hardware runs poorly.

use super::layers::{Feature, Layers};
use super::{BuildOptions, Definition, Published};
use crate::op::ActivationKind;
use crate::{Graph, GraphError};

pub(super) const WIDTH_1_0: Definition = Definition {
    name: "mobilenet-edgetpu-1.0",
    published: Published {
        macs_millions: Some(990.0),
        parameters_millions: Some(4.0),
        top1_percent: Some(75.6),
        source: SOURCE,
    },
    build,
    width: 1.0,
};

pub(super) const WIDTH_0_75: Definition = Definition {
    name: "mobilenet-edgetpu-0.75",
    published: Published {
        macs_millions: Some(624.0),
        parameters_millions: Some(2.9),
        top1_percent: Some(73.5),
        source: SOURCE,
    },
    build,
    width: 0.75,
};

pub(super) const WIDTH_0_5: Definition = Definition {
    name: "mobilenet-edgetpu-0.5",
    published: Published {
        macs_millions: None,
        parameters_millions: None,
        top1_percent: None,
        source: "no published checkpoint",
    },
    build,
    width: 0.5,
};

/// One row of the stage table: `repeats` blocks of which the first has the stride.
struct Stage {
    block: Block,
    kernel: usize,
    stride: usize,
    expansion: usize,
    channels: usize,
    repeats: usize,
    residual: bool,
}

/// How a block expands its channels.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    /// A dense convolution, then a pointwise projection.
    Fused,
    /// A pointwise expansion, a depthwise convolution, a pointwise projection.
    InvertedBottleneck,
}

use Block::{Fused, InvertedBottleneck};

/// `V3_EDGETPU` of TensorFlow-slim's `mobilenet_v3.py`, the stem and head left out.
#[rustfmt::skip]
const STAGES: [Stage; 12] = [
    Stage { block: Fused,              kernel: 3, stride: 1, expansion: 1, channels: 16,  repeats: 1, residual: false },
    Stage { block: Fused,              kernel: 3, stride: 2, expansion: 8, channels: 32,  repeats: 1, residual: true },
    Stage { block: Fused,              kernel: 3, stride: 1, expansion: 4, channels: 32,  repeats: 3, residual: true },
    Stage { block: Fused,              kernel: 3, stride: 2, expansion: 8, channels: 48,  repeats: 1, residual: true },
    Stage { block: Fused,              kernel: 3, stride: 1, expansion: 4, channels: 48,  repeats: 3, residual: true },
    Stage { block: InvertedBottleneck, kernel: 3, stride: 2, expansion: 8, channels: 96,  repeats: 1, residual: true },
    Stage { block: InvertedBottleneck, kernel: 3, stride: 1, expansion: 4, channels: 96,  repeats: 3, residual: true },
    Stage { block: InvertedBottleneck, kernel: 3, stride: 1, expansion: 8, channels: 96,  repeats: 1, residual: false },
    Stage { block: InvertedBottleneck, kernel: 3, stride: 1, expansion: 4, channels: 96,  repeats: 3, residual: true },
    Stage { block: InvertedBottleneck, kernel: 5, stride: 2, expansion: 8, channels: 160, repeats: 1, residual: true },
    Stage { block: InvertedBottleneck, kernel: 5, stride: 1, expansion: 4, channels: 160, repeats: 3, residual: true },
    Stage { block: InvertedBottleneck, kernel: 3, stride: 1, expansion: 8, channels: 192, repeats: 1, residual: true },
];

const STEM_CHANNELS: usize = 32;
/// Not multiplied by the width: narrow networks keep a wide head.
const HEAD_CHANNELS: usize = 1280;
const RELU: Option<ActivationKind> = Some(ActivationKind::Relu);
const SOURCE: &str = "github.com/tensorflow/models, research/slim/nets/mobilenet/README.md";

fn build(definition: &Definition, options: &BuildOptions) -> Result<Graph, GraphError> {
    let width = definition.width;
    let (mut layers, image) = Layers::new(definition.name, options)?;
    let mut x = layers.conv("stem", image, scaled(STEM_CHANNELS, width), (3, 2), RELU)?;
    let mut number = 1;
    for stage in &STAGES {
        for repeat in 0..stage.repeats {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            x = block(&mut layers, &format!("block{number}"), x, stage, stride, width)?;
            number += 1;
        }
    }
    x = layers.conv("head", x, HEAD_CHANNELS, (1, 1), RELU)?;
    x = layers.global_average_pool("pool", x)?;
    layers.finish(x)
}

fn block(
    layers: &mut Layers,
    name: &str,
    x: Feature,
    stage: &Stage,
    stride: usize,
    width: f64,
) -> Result<Feature, GraphError> {
    let input_channels = layers.channels(x);
    let output_channels = scaled(stage.channels, width);
    let inner_channels = round_to_8(input_channels as f64 * stage.expansion as f64);
    let window = (stage.kernel, stride);
    let mut y = x;
    // Nothing to expand at a factor of 1: a fused block is then its projection alone.
    if inner_channels > input_channels {
        let expand = if stage.block == Fused { window } else { (1, 1) };
        y = layers.conv(&format!("{name}/expand"), y, inner_channels, expand, RELU)?;
    }
    if stage.block == InvertedBottleneck {
        y = layers.depthwise(&format!("{name}/depthwise"), y, window, RELU)?;
    }
    y = layers.conv(&format!("{name}/project"), y, output_channels, (1, 1), None)?;
    if stage.residual && stride == 1 && input_channels == output_channels {
        y = layers.add(&format!("{name}/add"), x, y)?;
    }
    Ok(y)
}

/// Channels of a layer at a width.
fn scaled(channels: usize, width: f64) -> usize {
    round_to_8(channels as f64 * width)
}

/// The nearest multiple of 8, at least 8, that is not below nine tenths of the number
/// (TensorFlow-slim's `make_divisible`).
fn round_to_8(channels: f64) -> usize {
    let rounded = (((channels + 4.0) as usize) / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * channels { rounded + 8 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Op;

    /// Totals computed from the published specification, and equal to those of the released
    /// files: multiply-accumulates, and parameters with two numbers for each channel that
    /// batch normalisation scales.
    #[test]
    fn totals_are_those_of_the_published_networks() {
        for (definition, macs_millions, parameters_millions) in
            [(WIDTH_1_0, 990.67, 4.093), (WIDTH_0_75, 624.49, 2.989), (WIDTH_0_5, 256.84, 2.085)]
        {
            let graph = definition.build(&BuildOptions::default()).unwrap();
            let macs = graph.macs() as f64 / 1e6;
            assert!((macs - macs_millions).abs() < 6e-3, "{macs}");
            let normalized: u64 = graph
                .nodes()
                .iter()
                .filter(|n| matches!(n.op, Op::Conv2d(_) | Op::DepthwiseConv2d(_)))
                .filter(|n| n.name != "logits")
                .map(|n| n.output.shape.c as u64)
                .sum();
            let with_normalization = (graph.parameters() + normalized) as f64 / 1e6;
            let error = with_normalization - parameters_millions;
            assert!(error.abs() < 6e-4, "{with_normalization}");
        }
    }

    #[test]
    fn channels_round_as_in_slim() {
        assert_eq!([18.0, 36.0, 4.0, 44.0].map(round_to_8), [24, 40, 8, 48]);
    }
}
