//! EfficientNets for mobile hardware: Lite (tensorflow/tpu, efficientnet/lite: no
//! squeeze-and-excite, ReLU6, stem and head of fixed width) and EdgeTPU (Gupta and Tan, 2019,
//! tensorflow/tpu, efficientnet/edgetpu: dense convolutions near the input, ReLU).

use super::architecture::{Architecture, Block, BlockKind, Head, Stem, round_to_8, scaled};
use crate::op::ActivationKind;

/// One row of a stage table.
struct Stage {
    kind: BlockKind,
    kernel: usize,
    repeats: usize,
    channels: usize,
    expansion: usize,
    stride: usize,
    residual: bool,
}

const INVERTED: BlockKind = BlockKind::InvertedBottleneck;
const FUSED: BlockKind = BlockKind::FusedStridedProjection;

/// EfficientNet-B0's table.
#[rustfmt::skip]
const LITE: [Stage; 7] = [
    Stage { kind: INVERTED, kernel: 3, repeats: 1, channels: 16,  expansion: 1, stride: 1, residual: true },
    Stage { kind: INVERTED, kernel: 3, repeats: 2, channels: 24,  expansion: 6, stride: 2, residual: true },
    Stage { kind: INVERTED, kernel: 5, repeats: 2, channels: 40,  expansion: 6, stride: 2, residual: true },
    Stage { kind: INVERTED, kernel: 3, repeats: 3, channels: 80,  expansion: 6, stride: 2, residual: true },
    Stage { kind: INVERTED, kernel: 5, repeats: 3, channels: 112, expansion: 6, stride: 1, residual: true },
    Stage { kind: INVERTED, kernel: 5, repeats: 4, channels: 192, expansion: 6, stride: 2, residual: true },
    Stage { kind: INVERTED, kernel: 3, repeats: 1, channels: 320, expansion: 6, stride: 1, residual: true },
];

#[rustfmt::skip]
const EDGETPU: [Stage; 6] = [
    Stage { kind: FUSED,    kernel: 3, repeats: 1, channels: 24,  expansion: 4, stride: 1, residual: false },
    Stage { kind: FUSED,    kernel: 3, repeats: 2, channels: 32,  expansion: 8, stride: 2, residual: true },
    Stage { kind: FUSED,    kernel: 3, repeats: 4, channels: 48,  expansion: 8, stride: 2, residual: true },
    Stage { kind: INVERTED, kernel: 5, repeats: 5, channels: 96,  expansion: 8, stride: 2, residual: true },
    Stage { kind: INVERTED, kernel: 5, repeats: 4, channels: 144, expansion: 8, stride: 1, residual: true },
    Stage { kind: INVERTED, kernel: 5, repeats: 2, channels: 192, expansion: 8, stride: 2, residual: true },
];

/// The table says that the first block of EfficientNet-EdgeTPU has 24 inputs, and so
/// expands to 24 times 4, whatever the stem gives it.
const EDGETPU_FIRST_INPUT: usize = 24;
const STEM_CHANNELS: usize = 32;
const HEAD_CHANNELS: usize = 1280;

pub(super) fn lite0(width: f64) -> Architecture {
    lite(width, 1.0)
}

pub(super) fn lite1(width: f64) -> Architecture {
    lite(width, 1.1)
}

pub(super) fn lite2(width: f64) -> Architecture {
    lite(width, 1.2)
}

pub(super) fn lite3(width: f64) -> Architecture {
    lite(width, 1.4)
}

pub(super) fn lite4(width: f64) -> Architecture {
    lite(width, 1.8)
}

pub(super) fn edgetpu_s(width: f64) -> Architecture {
    edgetpu(width, 1.0)
}

pub(super) fn edgetpu_m(width: f64) -> Architecture {
    edgetpu(width, 1.1)
}

pub(super) fn edgetpu_l(width: f64) -> Architecture {
    edgetpu(width, 1.4)
}

/// Stem, head, and the repeats of the first and last stage stay as they are.
fn lite(width: f64, depth: f64) -> Architecture {
    let activation = ActivationKind::Relu6;
    let stem = Stem { channels: STEM_CHANNELS, kernel: 3, stride: 2, activation };
    let last = LITE.len() - 1;
    let repeats = |index: usize| {
        let fixed = index == 0 || index == last;
        if fixed { LITE[index].repeats } else { deepened(LITE[index].repeats, depth) }
    };
    let blocks = blocks(&LITE, stem.channels, stem.channels, width, activation, repeats);
    let head = Head { before_pool: Some((HEAD_CHANNELS, activation)), after_pool: None };
    Architecture { stem, blocks, head }
}

fn edgetpu(width: f64, depth: f64) -> Architecture {
    let activation = ActivationKind::Relu;
    let stem = Stem { channels: scaled(STEM_CHANNELS, width), kernel: 3, stride: 2, activation };
    let repeats = |index: usize| deepened(EDGETPU[index].repeats, depth);
    let first_input = scaled(EDGETPU_FIRST_INPUT, width);
    let blocks = blocks(&EDGETPU, stem.channels, first_input, width, activation, repeats);
    let head =
        Head { before_pool: Some((scaled(HEAD_CHANNELS, width), activation)), after_pool: None };
    Architecture { stem, blocks, head }
}

/// `stated_input` is what the first block takes its own input for.
fn blocks(
    stages: &[Stage],
    stem_channels: usize,
    stated_input: usize,
    width: f64,
    activation: ActivationKind,
    repeats: impl Fn(usize) -> usize,
) -> Vec<Block> {
    debug_assert!(stated_input <= stem_channels);
    let mut input_channels = stated_input;
    let mut blocks = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        for repeat in 0..repeats(index) {
            let block = Block {
                stage: index,
                repeat,
                kind: stage.kind,
                kernel: stage.kernel,
                stride: if repeat == 0 { stage.stride } else { 1 },
                inner_channels: input_channels * stage.expansion,
                channels: round_to_8(stage.channels as f64 * width),
                squeeze: None,
                activation,
                project_activation: None,
                residual: stage.residual || repeat > 0,
            };
            input_channels = block.channels;
            blocks.push(block);
        }
    }
    blocks
}

fn deepened(repeats: usize, depth: f64) -> usize {
    (repeats as f64 * depth).ceil() as usize
}

#[cfg(test)]
mod tests {
    use crate::models::architecture::assert_totals;
    use crate::models::find;

    /// S exactly as computed from the specification; M and L to the figures' decimals, and
    /// operations as Vitis-AI publishes them for the same files.
    #[test]
    fn edgetpu_totals_are_those_of_the_specification() {
        assert_totals(find("efficientnet-edgetpu-s").unwrap(), 2352.31, 5.440);
        for (name, macs_millions, parameters_millions) in
            [("efficientnet-edgetpu-m", 3660.0, 6.901), ("efficientnet-edgetpu-l", 9662.0, 10.591)]
        {
            let definition = find(name).unwrap();
            let size = definition.size(&definition.options()).unwrap();
            assert!((size.macs as f64 / 1e6 - macs_millions).abs() < 0.6, "{name}: {}", size.macs);
            let parameters = size.parameters as f64 / 1e6;
            assert!((parameters - parameters_millions).abs() < 6e-4, "{name}: {parameters}");
        }
    }
}
