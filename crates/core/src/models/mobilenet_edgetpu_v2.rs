//! MobileNetEdgeTPUV2 (2021, for the Pixel 6's Edge TPU; TensorFlow Model Garden,
//! `official/projects/edgetpu/vision`): where a dense expansion would cost too much, a grouped
//! one, which lies between dense and depthwise in arithmetic and in use of a systolic array.

use super::architecture::{Architecture, BlockKind, Chain, Head, Stem, scaled};
use crate::op::ActivationKind;

/// What the five sizes differ in.
struct Variant {
    stem_channels: usize,
    stem_kernel: usize,
    stage_channels: [usize; STAGES.len()],
    /// Expanded channels of a group.
    group_size: usize,
    /// From this stage on, dense expansions are grouped too.
    first_stage_without_dense: usize,
    head_channels: usize,
}

/// One block: how it filters, how much it widens, its stride.
type Row = (Filter, usize, usize);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    Dense,
    Grouped,
    Depthwise,
}
use Filter::{Dense, Depthwise, Grouped};

/// The stage table of all sizes; every filter is 3x3. The first block widens nothing, so all
/// that is left of it is the projection.
const STAGES: [&[Row]; 7] = [
    &[(Dense, 1, 1)],
    &[(Dense, 8, 2), (Grouped, 4, 1)],
    &[(Dense, 8, 2), (Grouped, 4, 1), (Dense, 4, 1), (Grouped, 4, 1)],
    &[(Dense, 8, 2), (Depthwise, 4, 1), (Depthwise, 4, 1), (Depthwise, 4, 1)],
    &[(Depthwise, 8, 1), (Depthwise, 4, 1), (Depthwise, 4, 1), (Depthwise, 4, 1)],
    &[(Depthwise, 8, 2), (Depthwise, 4, 1), (Depthwise, 4, 1), (Depthwise, 4, 1)],
    &[(Depthwise, 8, 1)],
];
const KERNEL: usize = 3;

const S: Variant = Variant {
    stem_channels: 64,
    stem_kernel: 5,
    stage_channels: [24, 48, 64, 128, 160, 192, 256],
    group_size: 64,
    first_stage_without_dense: STAGES.len(),
    head_channels: 1280,
};
const XS: Variant =
    Variant { stem_channels: 32, stage_channels: [16, 32, 48, 96, 144, 160, 192], ..S };
const TINY: Variant = Variant {
    stem_channels: 32,
    stage_channels: [16, 32, 48, 80, 112, 160, 192],
    first_stage_without_dense: 2,
    ..S
};
const M: Variant =
    Variant { stage_channels: [32, 64, 80, 160, 192, 240, 320], head_channels: 1344, ..S };
const L: Variant = Variant {
    stem_kernel: 7,
    stage_channels: [32, 64, 96, 192, 240, 256, 384],
    group_size: 128,
    head_channels: 1408,
    ..S
};

pub(super) fn tiny(width: f64) -> Architecture {
    build(&TINY, width)
}

pub(super) fn xs(width: f64) -> Architecture {
    build(&XS, width)
}

pub(super) fn s(width: f64) -> Architecture {
    build(&S, width)
}

pub(super) fn m(width: f64) -> Architecture {
    build(&M, width)
}

pub(super) fn l(width: f64) -> Architecture {
    build(&L, width)
}

fn build(variant: &Variant, width: f64) -> Architecture {
    let activation = ActivationKind::Relu;
    let stem = Stem {
        channels: scaled(variant.stem_channels, width),
        kernel: variant.stem_kernel,
        stride: 2,
        activation,
    };
    let mut chain = Chain::after(stem.channels, activation);
    for (stage, (rows, channels)) in STAGES.iter().zip(variant.stage_channels).enumerate() {
        for (repeat, &(filter, expansion, stride)) in rows.iter().enumerate() {
            let kind = match filter {
                Depthwise => BlockKind::InvertedBottleneck,
                Dense if stage < variant.first_stage_without_dense => {
                    BlockKind::Fused { groups: 1 }
                }
                Dense | Grouped => BlockKind::Fused {
                    groups: groups(chain.channels, expansion, variant.group_size),
                },
            };
            let window = (KERNEL, stride);
            chain.push((stage, repeat), kind, window, expansion, scaled(channels, width));
        }
    }
    let head = Head {
        before_pool: Some((scaled(variant.head_channels, width), activation)),
        after_pool: None,
    };
    Architecture { stem, blocks: chain.blocks, head }
}

/// As many groups as possible of at least this many expanded channels. The published widths
/// divide evenly; at others groups are a little larger.
fn groups(input_channels: usize, expansion: usize, group_size: usize) -> usize {
    let most = input_channels * expansion / group_size;
    (1..=most).rev().find(|groups| input_channels.is_multiple_of(*groups)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::architecture::assert_totals;
    use crate::models::weights::{LayerRequest, RecordedRequests};
    use crate::models::{BuildOptions, Precision, find};

    /// The Model Garden's test counts the parameters of S with 5x5 filters in its last two
    /// stages (a default that no released network has).
    #[test]
    fn parameters_are_those_that_the_model_garden_tests_for() {
        let mut architecture = s(1.0);
        for block in architecture.blocks.iter_mut().filter(|block| block.stage >= 5) {
            block.kernel = 5;
        }
        let options = BuildOptions { precision: Precision::F32, ..BuildOptions::default() };
        let mut requests = RecordedRequests::default();
        architecture.build("s", &options, &mut requests).unwrap();
        assert_eq!(requests.0.iter().map(LayerRequest::parameters).sum::<u64>(), 6_069_657);
    }

    /// Totals of timm's port, counted there with hooks on its layers. Its XS has a stem of 3x3
    /// instead of 5x5: 16 weights fewer for each of 3 x 32 channels, at 112 x 112 places.
    #[test]
    fn totals_are_those_of_another_port() {
        let stem_weights = 16.0 * 3.0 * 32.0 / 1e6;
        let xs_macs_millions = 688.215808 + stem_weights * 112.0 * 112.0;
        for (name, macs_millions, parameters_millions) in [
            ("mobilenet-edgetpu-v2-xs", xs_macs_millions, 4.461161 + stem_weights),
            ("mobilenet-edgetpu-v2-s", 1198.003968, 5.987737),
            ("mobilenet-edgetpu-v2-m", 1835.638784, 8.464233),
            ("mobilenet-edgetpu-v2-l", 2530.787840, 10.923049),
        ] {
            assert_totals(find(name).unwrap(), macs_millions, parameters_millions);
        }
    }

    #[test]
    fn groups_have_the_published_size_at_the_published_widths() {
        for (variant, blocks) in [(&TINY, 6), (&XS, 3), (&S, 3), (&M, 3), (&L, 3)] {
            let sizes: Vec<usize> = build(variant, 1.0)
                .blocks
                .iter()
                .filter_map(|block| match block.kind {
                    BlockKind::Fused { groups } if groups > 1 => {
                        Some(block.inner_channels / groups)
                    }
                    _ => None,
                })
                .collect();
            assert_eq!(sizes, vec![variant.group_size; blocks]);
        }
    }

    #[test]
    fn every_width_has_whole_groups() {
        for definition in ["tiny", "xs", "s", "m", "l"] {
            let definition = find(&format!("mobilenet-edgetpu-v2-{definition}")).unwrap();
            for tenths in 1..=25 {
                let width = Some(f64::from(tenths) / 10.0);
                definition.size(&BuildOptions { width, ..definition.options() }).unwrap();
            }
        }
    }
}
