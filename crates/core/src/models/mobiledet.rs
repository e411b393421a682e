//! MobileDet (Xiong et al., 2020, arXiv 2004.14525): backbones that were searched for as detectors
//! and not as classifiers. This one is for the Pixel 4's Edge TPU: dense convolutions nearly
//! everywhere, and a bottleneck that narrows before it filters.

use super::architecture::{Architecture, BlockKind, Chain, Head, Stem};
use crate::op::ActivationKind;

/// One block: how it filters, side of the filter, expansion, channels, stride.
type Row = (Filter, usize, usize, usize, usize);

#[derive(Clone, Copy)]
enum Filter {
    /// After a pointwise expansion.
    Depthwise,
    /// Dense, which expands.
    Dense,
}
use Filter::{Dense, Depthwise};

/// `mobiledet_edgetpu_backbone` of `ssd_mobiledet_feature_extractor.py`, its first two layers left
/// out, a line for each resolution.
const STAGES: [&[Row]; 4] = [
    &[(Dense, 3, 8, 16, 2), (Dense, 3, 4, 16, 1), (Dense, 3, 8, 16, 1), (Dense, 3, 4, 16, 1)],
    &[(Dense, 5, 8, 40, 2), (Dense, 3, 4, 40, 1), (Dense, 3, 4, 40, 1), (Dense, 3, 4, 40, 1)],
    &[
        (Depthwise, 3, 8, 72, 2),
        (Depthwise, 3, 8, 72, 1),
        (Dense, 3, 4, 72, 1),
        (Dense, 3, 4, 72, 1),
        (Depthwise, 5, 8, 96, 1),
        (Depthwise, 5, 8, 96, 1),
        (Depthwise, 3, 8, 96, 1),
        (Depthwise, 3, 8, 96, 1),
    ],
    &[
        (Depthwise, 5, 8, 120, 2),
        (Depthwise, 3, 8, 120, 1),
        (Depthwise, 5, 4, 120, 1),
        (Depthwise, 3, 8, 120, 1),
        (Depthwise, 5, 8, 384, 1),
    ],
];
const STEM_CHANNELS: usize = 32;
/// Channels of the first block, a Tucker convolution, and the ranks that it filters between: a
/// quarter of its input's channels and three quarters of its own.
const FIRST_CHANNELS: usize = 16;
const RANKS: [f64; 2] = [0.25, 0.75];

/// The backbone for the Edge TPU; it has no head.
pub(super) fn edgetpu(width: f64) -> Architecture {
    let activation = ActivationKind::Relu6;
    let stem = Stem { channels: scaled(STEM_CHANNELS, width), kernel: 3, stride: 2, activation };
    let first = scaled(FIRST_CHANNELS, width);
    let mut chain = Chain::after(stem.channels, activation);
    let tucker = BlockKind::Tucker { narrow_channels: scaled(stem.channels, RANKS[0]) };
    let block = chain.push((0, 0), tucker, (3, 1), 1, first);
    block.inner_channels = scaled(first, RANKS[1]);
    block.residual = false;
    for (stage, rows) in STAGES.iter().enumerate() {
        for (repeat, &(filter, kernel, expansion, channels, stride)) in rows.iter().enumerate() {
            let kind = match filter {
                Depthwise => BlockKind::InvertedBottleneck,
                Dense => BlockKind::Fused { groups: 1 },
            };
            let place = (stage + 1, repeat);
            chain.push(place, kind, (kernel, stride), expansion, scaled(channels, width));
        }
    }
    Architecture { stem, blocks: chain.blocks, head: Head { before_pool: None, after_pool: None } }
}

/// Channels at a multiplier, rounded to eights, halves up.
fn scaled(channels: usize, multiplier: f64) -> usize {
    let eights = (channels as f64 * multiplier / 8.0 + 0.5) as usize;
    (8 * eights).max(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_round_as_in_the_object_detection_api() {
        let cases = [(32, 0.25, 8), (16, 0.75, 16), (40, 0.25, 8), (44, 1.0, 48), (8, 0.1, 8)];
        for (channels, multiplier, rounded) in cases {
            assert_eq!(scaled(channels, multiplier), rounded, "{channels} {multiplier}");
        }
    }

    #[test]
    fn a_map_of_each_resolution_ends_in_the_published_channels() {
        let blocks = edgetpu(1.0).blocks;
        let ends: Vec<usize> = [0, 4, 8, 16, 21].map(|end| blocks[end].channels).to_vec();
        assert_eq!(ends, [16, 16, 40, 96, 384]);
        assert_eq!(blocks.len(), 22);
    }
}
