//! MobileNetEdgeTPU: the network that architecture search found for the Pixel 4's Neural
//! Core (Howard and Gupta, 2019, "Introducing the next generation of on-device vision
//! models"). Near the input, where channels are few, a dense 3x3 convolution expands instead
//! of a pointwise and a depthwise one: more arithmetic, better use of a systolic array.
//! No squeeze-and-excite and no hard-swish, which such hardware runs poorly.

use super::architecture::{Architecture, BlockKind, Chain, Head, Stem, scaled};
use crate::op::ActivationKind;

/// One row of the stage table: `repeats` blocks of which the first has the stride.
struct Stage {
    block: BlockKind,
    kernel: usize,
    stride: usize,
    expansion: usize,
    channels: usize,
    repeats: usize,
    residual: bool,
}

const FUSED: BlockKind = BlockKind::Fused { groups: 1 };
const INVERTED: BlockKind = BlockKind::InvertedBottleneck;

/// `V3_EDGETPU` of TensorFlow-slim's `mobilenet_v3.py`, the stem and head left out.
#[rustfmt::skip]
const STAGES: [Stage; 12] = [
    Stage { block: FUSED,    kernel: 3, stride: 1, expansion: 1, channels: 16,  repeats: 1, residual: false },
    Stage { block: FUSED,    kernel: 3, stride: 2, expansion: 8, channels: 32,  repeats: 1, residual: true },
    Stage { block: FUSED,    kernel: 3, stride: 1, expansion: 4, channels: 32,  repeats: 3, residual: true },
    Stage { block: FUSED,    kernel: 3, stride: 2, expansion: 8, channels: 48,  repeats: 1, residual: true },
    Stage { block: FUSED,    kernel: 3, stride: 1, expansion: 4, channels: 48,  repeats: 3, residual: true },
    Stage { block: INVERTED, kernel: 3, stride: 2, expansion: 8, channels: 96,  repeats: 1, residual: true },
    Stage { block: INVERTED, kernel: 3, stride: 1, expansion: 4, channels: 96,  repeats: 3, residual: true },
    Stage { block: INVERTED, kernel: 3, stride: 1, expansion: 8, channels: 96,  repeats: 1, residual: false },
    Stage { block: INVERTED, kernel: 3, stride: 1, expansion: 4, channels: 96,  repeats: 3, residual: true },
    Stage { block: INVERTED, kernel: 5, stride: 2, expansion: 8, channels: 160, repeats: 1, residual: true },
    Stage { block: INVERTED, kernel: 5, stride: 1, expansion: 4, channels: 160, repeats: 3, residual: true },
    Stage { block: INVERTED, kernel: 3, stride: 1, expansion: 8, channels: 192, repeats: 1, residual: true },
];

const STEM_CHANNELS: usize = 32;
/// Narrow networks keep the wide head, wide ones have a wider one.
const HEAD_CHANNELS: usize = 1280;

pub(super) fn at_width(width: f64) -> Architecture {
    let activation = ActivationKind::Relu;
    let stem = Stem { channels: scaled(STEM_CHANNELS, width), kernel: 3, stride: 2, activation };
    let mut chain = Chain::after(stem.channels, activation);
    let mut place = (0, 0);
    for stage in &STAGES {
        // A row that expands by 4 goes on with the stage that the row before it began.
        if stage.expansion != 4 && !chain.blocks.is_empty() {
            place = (place.0 + 1, 0);
        }
        for repeat in 0..stage.repeats {
            let window = (stage.kernel, if repeat == 0 { stage.stride } else { 1 });
            let channels = scaled(stage.channels, width);
            let block = chain.push(place, stage.block, window, stage.expansion, channels);
            block.residual = stage.residual;
            place.1 += 1;
        }
    }
    let head_channels = scaled(HEAD_CHANNELS, width.max(1.0));
    let head = Head { before_pool: Some((head_channels, activation)), after_pool: None };
    Architecture { stem, blocks: chain.blocks, head }
}

#[cfg(test)]
mod tests {
    use crate::models::architecture::assert_totals;
    use crate::models::find;

    /// Totals computed from the published specification; those of 1.0 and 0.75 are also
    /// those of the released files.
    #[test]
    fn totals_are_those_of_the_published_networks() {
        for (name, macs_millions, parameters_millions) in [
            ("mobilenet-edgetpu-1.0", 990.67, 4.093),
            ("mobilenet-edgetpu-0.75", 624.49, 2.989),
            ("mobilenet-edgetpu-0.5", 256.84, 2.085),
        ] {
            assert_totals(find(name).unwrap(), macs_millions, parameters_millions);
        }
    }

    /// As the Model Garden's `mobilenet_edgetpu_v1_model_blocks.py` scales it, and as slim
    /// does where its fine-grained mode is off.
    #[test]
    fn the_head_widens_but_does_not_narrow() {
        for (width, channels) in
            [(0.5, 1280), (0.75, 1280), (1.0, 1280), (1.25, 1600), (1.5, 1920), (1.75, 2240)]
        {
            let head = super::at_width(width).head.before_pool.unwrap();
            assert_eq!(head.0, channels, "at {width}");
        }
    }
}
