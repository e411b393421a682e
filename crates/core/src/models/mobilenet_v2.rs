//! MobileNetV2 (Sandler et al., 2018, arXiv 1801.04381, table 2): inverted bottlenecks with
//! ReLU6 and linear projections.

use super::architecture::{Architecture, BlockKind, Chain, Head, Stem, scaled};
use crate::op::ActivationKind;

/// The paper's table: expansion, channels, repeats, stride of the first.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

pub(super) fn at_width(width: f64) -> Architecture {
    build(&STAGES, width)
}

/// With half the channels from the last stride on and no last convolution, for segmentation.
pub(super) fn with_half_end(width: f64) -> Architecture {
    let mut stages = STAGES;
    for (_, channels, ..) in &mut stages[5..] {
        *channels /= 2;
    }
    build(&stages, width).without_head()
}

fn build(stages: &[(usize, usize, usize, usize); 7], width: f64) -> Architecture {
    let activation = ActivationKind::Relu6;
    let stem = Stem { channels: scaled(32, width), kernel: 3, stride: 2, activation };
    let mut chain = Chain::after(stem.channels, activation);
    for (stage, (expansion, channels, repeats, stride)) in stages.iter().copied().enumerate() {
        for repeat in 0..repeats {
            let (kind, place) = (BlockKind::InvertedBottleneck, (stage, repeat));
            let window = (3, if repeat == 0 { stride } else { 1 });
            chain.push(place, kind, window, expansion, scaled(channels, width));
        }
    }
    // Narrow networks keep the wide head.
    let head_channels = scaled(1280, width.max(1.0));
    let head = Head { before_pool: Some((head_channels, activation)), after_pool: None };
    Architecture { stem, blocks: chain.blocks, head }
}

#[cfg(test)]
mod tests {
    use crate::models::architecture::assert_totals;
    use crate::models::find;

    #[test]
    fn totals_are_those_of_the_released_code() {
        assert_totals(find("mobilenet-v2-1.0").unwrap(), 300.78, 3.506);
        for (name, macs_millions, parameters_millions) in [
            ("mobilenet-v2-1.4", 582.2, 6.11),
            ("mobilenet-v2-0.5", 97.1, 1.97),
            ("mobilenet-v2-0.35", 59.3, 1.68),
        ] {
            let definition = find(name).unwrap();
            let size = definition.size(&definition.options()).unwrap();
            assert!((size.macs as f64 / 1e6 - macs_millions).abs() < 0.06, "{name}: {}", size.macs);
            let parameters = size.parameters as f64 / 1e6;
            assert!((parameters - parameters_millions).abs() < 6e-3, "{name}: {parameters}");
        }
    }
}
