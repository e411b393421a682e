//! The network that comes trained: MobileNetEdgeTPU's blocks for pictures of 32x32 pixels and
//! CIFAR-10's ten classes. Fused blocks near the input, depthwise ones at the end, ReLU alone.
//!
//! `tools/train/network.py` has the same table, and `docs/built-in-network.md` says how it was
//! trained and what it can and cannot do.

use super::architecture::{Architecture, Block, BlockKind, Head, Stem, scaled};
use crate::op::ActivationKind;

/// One block of the table.
struct Row {
    block: BlockKind,
    stride: usize,
    expansion: usize,
    channels: usize,
}

const FUSED: BlockKind = BlockKind::Fused { groups: 1 };
const INVERTED: BlockKind = BlockKind::InvertedBottleneck;

#[rustfmt::skip]
const ROWS: [Row; 7] = [
    Row { block: FUSED,    stride: 2, expansion: 4, channels: 32 },
    Row { block: FUSED,    stride: 1, expansion: 2, channels: 32 },
    Row { block: FUSED,    stride: 1, expansion: 2, channels: 32 },
    Row { block: FUSED,    stride: 2, expansion: 4, channels: 64 },
    Row { block: FUSED,    stride: 1, expansion: 2, channels: 64 },
    Row { block: INVERTED, stride: 1, expansion: 4, channels: 64 },
    Row { block: INVERTED, stride: 1, expansion: 4, channels: 64 },
];

const STEM_CHANNELS: usize = 16;
const HEAD_CHANNELS: usize = 128;

pub(super) fn at_width(width: f64) -> Architecture {
    let activation = ActivationKind::Relu;
    let stem = Stem { channels: scaled(STEM_CHANNELS, width), kernel: 3, stride: 1, activation };
    let mut input_channels = stem.channels;
    let mut place = (0, 0);
    let mut blocks = Vec::with_capacity(ROWS.len());
    for row in &ROWS {
        if row.stride > 1 && !blocks.is_empty() {
            place = (place.0 + 1, 0);
        }
        let block = Block {
            stage: place.0,
            repeat: place.1,
            kind: row.block,
            kernel: 3,
            stride: row.stride,
            inner_channels: input_channels * row.expansion,
            channels: scaled(row.channels, width),
            squeeze: None,
            activation,
            project_activation: None,
            residual: true,
        };
        input_channels = block.channels;
        place.1 += 1;
        blocks.push(block);
    }
    let head_channels = scaled(HEAD_CHANNELS, width);
    let head = Head { before_pool: Some((head_channels, activation)), after_pool: None };
    Architecture { stem, blocks, head }
}

#[cfg(test)]
mod tests {
    use crate::models::architecture::assert_totals;
    use crate::models::find;

    /// The parameters are those that PyTorch counts in `tools/train/network.py`.
    #[test]
    fn totals_are_those_of_the_trained_network() {
        assert_totals(find("mobilenet-edgetpu-cifar10").unwrap(), MACS_MILLIONS, 0.263194);
    }

    /// Summed by hand: stem, five fused and two inverted blocks, head, classifier.
    const MACS_MILLIONS: f64 = (1024 * 27 * 16
        + 256 * (144 * 64 + 64 * 32)
        + 2 * 256 * (288 * 64 + 64 * 32)
        + 64 * (288 * 128 + 128 * 64)
        + 64 * (576 * 128 + 128 * 64)
        + 2 * 64 * (64 * 256 + 9 * 256 + 256 * 64)
        + 64 * 64 * 128
        + 1280) as f64
        / 1e6;
}
