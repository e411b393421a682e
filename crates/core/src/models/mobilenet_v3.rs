//! MobileNetV3 (Howard et al., 2019, arXiv 1905.02244, tables 1 and 2, where the released
//! code differs the code): squeeze-and-excite, hard-swish in the deeper half, and a last
//! layer after the pool. The minimalistic variants have neither, nor 5x5 filters.

use super::architecture::{
    Architecture, Block, BlockKind, Head, PooledHead, Stem, round_to_8, scaled, squeeze_of,
};
use crate::op::ActivationKind;
use ActivationKind::{HardSwish, Relu};

/// One row of the paper's table. The expansion is a factor, as in the released code: at
/// other widths it applies to the scaled input.
#[derive(Clone, Copy)]
struct Row {
    stage: usize,
    kernel: usize,
    expansion: f64,
    channels: usize,
    squeeze: bool,
    activation: ActivationKind,
    stride: usize,
}

#[rustfmt::skip]
const LARGE: [Row; 15] = [
    Row { stage: 0, kernel: 3, expansion: 1.0,         channels: 16,  squeeze: false, activation: Relu,      stride: 1 },
    Row { stage: 1, kernel: 3, expansion: 4.0,         channels: 24,  squeeze: false, activation: Relu,      stride: 2 },
    Row { stage: 1, kernel: 3, expansion: 3.0,         channels: 24,  squeeze: false, activation: Relu,      stride: 1 },
    Row { stage: 2, kernel: 5, expansion: 3.0,         channels: 40,  squeeze: true,  activation: Relu,      stride: 2 },
    Row { stage: 2, kernel: 5, expansion: 3.0,         channels: 40,  squeeze: true,  activation: Relu,      stride: 1 },
    Row { stage: 2, kernel: 5, expansion: 3.0,         channels: 40,  squeeze: true,  activation: Relu,      stride: 1 },
    Row { stage: 3, kernel: 3, expansion: 6.0,         channels: 80,  squeeze: false, activation: HardSwish, stride: 2 },
    Row { stage: 3, kernel: 3, expansion: 2.5,         channels: 80,  squeeze: false, activation: HardSwish, stride: 1 },
    Row { stage: 3, kernel: 3, expansion: 2.3,         channels: 80,  squeeze: false, activation: HardSwish, stride: 1 },
    Row { stage: 3, kernel: 3, expansion: 2.3,         channels: 80,  squeeze: false, activation: HardSwish, stride: 1 },
    Row { stage: 4, kernel: 3, expansion: 6.0,         channels: 112, squeeze: true,  activation: HardSwish, stride: 1 },
    Row { stage: 4, kernel: 3, expansion: 6.0,         channels: 112, squeeze: true,  activation: HardSwish, stride: 1 },
    Row { stage: 5, kernel: 5, expansion: 6.0,         channels: 160, squeeze: true,  activation: HardSwish, stride: 2 },
    Row { stage: 5, kernel: 5, expansion: 6.0,         channels: 160, squeeze: true,  activation: HardSwish, stride: 1 },
    Row { stage: 5, kernel: 5, expansion: 6.0,         channels: 160, squeeze: true,  activation: HardSwish, stride: 1 },
];

#[rustfmt::skip]
const SMALL: [Row; 11] = [
    Row { stage: 0, kernel: 3, expansion: 1.0,         channels: 16,  squeeze: true,  activation: Relu,      stride: 2 },
    Row { stage: 1, kernel: 3, expansion: 72.0 / 16.0, channels: 24,  squeeze: false, activation: Relu,      stride: 2 },
    Row { stage: 1, kernel: 3, expansion: 88.0 / 24.0, channels: 24,  squeeze: false, activation: Relu,      stride: 1 },
    Row { stage: 2, kernel: 5, expansion: 4.0,         channels: 40,  squeeze: true,  activation: HardSwish, stride: 2 },
    Row { stage: 2, kernel: 5, expansion: 6.0,         channels: 40,  squeeze: true,  activation: HardSwish, stride: 1 },
    Row { stage: 2, kernel: 5, expansion: 6.0,         channels: 40,  squeeze: true,  activation: HardSwish, stride: 1 },
    Row { stage: 3, kernel: 5, expansion: 3.0,         channels: 48,  squeeze: true,  activation: HardSwish, stride: 1 },
    Row { stage: 3, kernel: 5, expansion: 3.0,         channels: 48,  squeeze: true,  activation: HardSwish, stride: 1 },
    Row { stage: 4, kernel: 5, expansion: 6.0,         channels: 96,  squeeze: true,  activation: HardSwish, stride: 2 },
    Row { stage: 4, kernel: 5, expansion: 6.0,         channels: 96,  squeeze: true,  activation: HardSwish, stride: 1 },
    Row { stage: 4, kernel: 5, expansion: 6.0,         channels: 96,  squeeze: true,  activation: HardSwish, stride: 1 },
];

pub(super) fn large(width: f64) -> Architecture {
    build(&LARGE, 960, 1280, width, false)
}

pub(super) fn small(width: f64) -> Architecture {
    build(&SMALL, 576, 1024, width, false)
}

/// As detectors use it: the channels from the last stride on are half, but for the expansion
/// before it.
pub(super) fn large_with_half_end(width: f64) -> Architecture {
    with_half_end(&LARGE, 960, 1280, width)
}

/// The same of the small one.
pub(super) fn small_with_half_end(width: f64) -> Architecture {
    with_half_end(&SMALL, 576, 1024, width)
}

fn with_half_end(rows: &[Row], head: usize, last: usize, width: f64) -> Architecture {
    let end = rows.len() - 3;
    let half = |(index, row): (usize, &Row)| Row {
        channels: if index < end { row.channels } else { row.channels / 2 },
        ..*row
    };
    let rows: Vec<Row> = rows.iter().enumerate().map(half).collect();
    build(&rows, head / 2, last, width, false)
}

/// As segmentation networks use it: channels from the last stride on are half, and the
/// expansion before it too.
pub(super) fn large_for_segmentation(width: f64) -> Architecture {
    let mut rows = LARGE;
    rows[12].expansion /= 2.0;
    with_half_end(&rows, 960, 1280, width)
}

/// The same of the small one.
pub(super) fn small_for_segmentation(width: f64) -> Architecture {
    let mut rows = SMALL;
    rows[8].expansion /= 2.0;
    with_half_end(&rows, 576, 1024, width)
}

pub(super) fn large_minimalistic(width: f64) -> Architecture {
    build(&LARGE, 960, 1280, width, true)
}

pub(super) fn small_minimalistic(width: f64) -> Architecture {
    build(&SMALL, 576, 1024, width, true)
}

fn build(
    rows: &[Row],
    head_channels: usize,
    last_channels: usize,
    width: f64,
    minimalistic: bool,
) -> Architecture {
    let nonlinearity = |activation| if minimalistic { Relu } else { activation };
    let stem = Stem {
        channels: scaled(16, width),
        kernel: 3,
        stride: 2,
        activation: nonlinearity(HardSwish),
    };
    let mut input_channels = stem.channels;
    let mut blocks: Vec<Block> = Vec::with_capacity(rows.len());
    for row in rows {
        let repeat = blocks.iter().filter(|block| block.stage == row.stage).count();
        let inner_channels = round_to_8(input_channels as f64 * row.expansion);
        blocks.push(Block {
            stage: row.stage,
            repeat,
            kind: BlockKind::InvertedBottleneck,
            kernel: if minimalistic { 3 } else { row.kernel },
            stride: row.stride,
            inner_channels,
            channels: scaled(row.channels, width),
            squeeze: (row.squeeze && !minimalistic).then(|| squeeze_of(inner_channels)),
            activation: nonlinearity(row.activation),
            project_activation: None,
            residual: true,
        });
        input_channels = scaled(row.channels, width);
    }
    let head = Head {
        before_pool: Some((scaled(head_channels, width), nonlinearity(HardSwish))),
        after_pool: Some(PooledHead {
            // Narrow networks keep the wide last layer.
            channels: scaled(last_channels, width.max(1.0)),
            activation: nonlinearity(HardSwish),
            normalized: false,
        }),
    };
    Architecture { stem, blocks, head }
}

#[cfg(test)]
mod tests {
    use crate::models::find;

    /// Totals computed from the released code, batch normalisation's scale and shift counted;
    /// the facts give them to two and three decimals.
    #[test]
    fn totals_are_those_of_the_released_code() {
        for (name, macs_millions, parameters_millions) in [
            ("mobilenet-v3-large", 216.59, 5.484),
            ("mobilenet-v3-large-0.75", 154.56, 3.995),
            ("mobilenet-v3-small", 56.51, 2.544),
            ("mobilenet-v3-large-minimalistic", 209.14, 3.926),
            ("mobilenet-v3-small-minimalistic", 52.29, 2.046),
        ] {
            crate::models::architecture::assert_totals(
                find(name).unwrap(),
                macs_millions,
                parameters_millions,
            );
        }
        let small = find("mobilenet-v3-small-0.75").unwrap();
        let macs = small.size(&small.options()).unwrap().macs;
        assert!((macs as f64 / 1e6 - 43.40).abs() < 6e-3, "{macs}");
    }
}
