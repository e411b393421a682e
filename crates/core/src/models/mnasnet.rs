//! MnasNet-A1 (Tan et al., 2019, arXiv 1807.11626, figure 7): a separable convolution, then
//! inverted bottlenecks, some with squeeze-and-excite; ReLU.

use super::architecture::{Architecture, BlockKind, Chain, Head, Stem, scaled};
use crate::op::ActivationKind;

/// The figure's rows: expansion, kernel, squeeze-and-excite, channels, repeats, stride.
const STAGES: [(usize, usize, bool, usize, usize, usize); 7] = [
    (1, 3, false, 16, 1, 1),
    (6, 3, false, 24, 2, 2),
    (3, 5, true, 40, 3, 2),
    (6, 3, false, 80, 4, 2),
    (6, 3, true, 112, 2, 1),
    (6, 5, true, 160, 3, 2),
    (6, 3, false, 320, 1, 1),
];

/// The squeeze is to a quarter of the block's input, not of its expansion.
const SQUEEZE_RATIO: usize = 4;

pub(super) fn a1(width: f64) -> Architecture {
    let activation = ActivationKind::Relu;
    let stem = Stem { channels: scaled(32, width), kernel: 3, stride: 2, activation };
    let mut chain = Chain::after(stem.channels, activation);
    for (stage, (expansion, kernel, squeeze, channels, repeats, stride)) in
        STAGES.into_iter().enumerate()
    {
        for repeat in 0..repeats {
            let (kind, place) = (BlockKind::InvertedBottleneck, (stage, repeat));
            let window = (kernel, if repeat == 0 { stride } else { 1 });
            let squeeze = squeeze.then_some(chain.channels / SQUEEZE_RATIO);
            chain.push(place, kind, window, expansion, scaled(channels, width)).squeeze = squeeze;
        }
    }
    let head = Head { before_pool: Some((1280, activation)), after_pool: None };
    Architecture { stem, blocks: chain.blocks, head }
}
