//! MobileNetV1 (Howard et al., 2017, arXiv 1704.04861, table 1): depthwise separable
//! convolutions, ReLU6 after each half as in TensorFlow-slim.

use super::architecture::{Architecture, Block, BlockKind, Head, Stem, scaled};
use crate::op::ActivationKind;

/// Stride and output channels of each separable convolution.
const BLOCKS: [(usize, usize); 13] = [
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (2, 1024),
    (1, 1024),
];

pub(super) fn at_width(width: f64) -> Architecture {
    let activation = ActivationKind::Relu6;
    let stem = Stem { channels: narrowed(32, width), kernel: 3, stride: 2, activation };
    let mut input_channels = stem.channels;
    let mut stage = 0;
    let mut repeat = 0;
    let blocks = BLOCKS.map(|(stride, channels)| {
        if stride == 2 {
            (stage, repeat) = (stage + 1, 0);
        }
        let block = Block {
            stage,
            repeat,
            kind: BlockKind::InvertedBottleneck,
            kernel: 3,
            stride,
            inner_channels: input_channels,
            channels: narrowed(channels, width),
            squeeze: None,
            activation,
            project_activation: Some(activation),
            residual: false,
        };
        (input_channels, repeat) = (block.channels, repeat + 1);
        block
    });
    let head = Head { before_pool: None, after_pool: None };
    Architecture { stem, blocks: blocks.to_vec(), head }
}

/// This family truncates instead of rounding; its published widths are multiples of 8 anyway.
fn narrowed(channels: usize, width: f64) -> usize {
    if width.fract() == 0.0 || (channels as f64 * width) % 8.0 == 0.0 {
        ((channels as f64 * width) as usize).max(8)
    } else {
        scaled(channels, width)
    }
}
