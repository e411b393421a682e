//! The network that comes trained: MobileNetEdgeTPU's blocks for pictures of 32x32 pixels and
//! CIFAR-10's ten classes. Fused blocks near the input, depthwise ones at the end, ReLU alone.
//!
//! `tools/train/network.py` has the same table, and `docs/built-in-network.md` says how it was
//! trained and what it can and cannot do.

use super::architecture::{Architecture, BlockKind, Chain, Head, Stem, scaled};
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
    let mut chain = Chain::after(stem.channels, activation);
    for &Row { block, stride, expansion, channels } in &ROWS {
        let place = chain.place_by_resolution(stride);
        chain.push(place, block, (3, stride), expansion, scaled(channels, width));
    }
    let head_channels = scaled(HEAD_CHANNELS, width);
    let head = Head { before_pool: Some((head_channels, activation)), after_pool: None };
    Architecture { stem, blocks: chain.blocks, head }
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
