//! MobileNet Multi-Hardware (Chu et al., 2020, arXiv 2008.08178; TensorFlow Model Garden,
//! `official/vision/modeling/backbones/mobilenet.py`): two networks from one search over CPU,
//! GPU, DSP and Edge TPU at once, for the best average and the best worst case. MobileNetV3's
//! frame with what all of those run well: ReLU and no squeeze-and-excite.

use super::architecture::{Architecture, BlockKind, Chain, Head, PooledHead, Stem, scaled};
use crate::op::ActivationKind;

/// One block: kernel, stride, channels, how much it widens.
type Row = (usize, usize, usize, usize);

const MAX: [Row; 14] = [
    (3, 2, 32, 3),
    (5, 2, 64, 6),
    (3, 1, 64, 2),
    (3, 1, 64, 2),
    (5, 2, 128, 6),
    (3, 1, 128, 4),
    (3, 1, 128, 3),
    (3, 1, 128, 3),
    (3, 1, 128, 6),
    (3, 1, 128, 3),
    (3, 2, 160, 6),
    (5, 1, 160, 4),
    (3, 1, 160, 5),
    (5, 1, 160, 4),
];

const AVG: [Row; 16] = [
    (3, 2, 32, 3),
    (3, 1, 32, 2),
    (5, 2, 64, 5),
    (3, 1, 64, 3),
    (3, 1, 64, 2),
    (3, 1, 64, 3),
    (5, 2, 128, 6),
    (3, 1, 128, 3),
    (3, 1, 128, 3),
    (3, 1, 128, 3),
    (3, 1, 160, 6),
    (3, 1, 160, 4),
    (3, 2, 192, 6),
    (5, 1, 192, 4),
    (5, 1, 192, 4),
    (5, 1, 192, 4),
];

const STEM_CHANNELS: usize = 32;
const HEAD_CHANNELS: usize = 960;
const POOLED_CHANNELS: usize = 1280;

pub(super) fn max(width: f64) -> Architecture {
    build(&MAX, width)
}

pub(super) fn avg(width: f64) -> Architecture {
    build(&AVG, width)
}

fn build(rows: &[Row], width: f64) -> Architecture {
    let activation = ActivationKind::Relu;
    let stem = Stem { channels: scaled(STEM_CHANNELS, width), kernel: 3, stride: 2, activation };
    let mut chain = Chain::after(stem.channels, activation);
    for &(kernel, stride, channels, expansion) in rows {
        let place = chain.place_by_resolution(stride);
        let window = (kernel, stride);
        let channels = scaled(channels, width);
        chain.push(place, BlockKind::InvertedBottleneck, window, expansion, channels);
    }
    let head = Head {
        before_pool: Some((scaled(HEAD_CHANNELS, width), activation)),
        after_pool: Some(PooledHead {
            // Narrow networks keep the wide last layer.
            channels: scaled(POOLED_CHANNELS, width.max(1.0)),
            activation,
            normalized: true,
        }),
    };
    Architecture { stem, blocks: chain.blocks, head }
}

#[cfg(test)]
mod tests {
    use crate::models::{BuildOptions, LayerName, find};

    /// The Model Garden's own test counts every number of the network without its classifier:
    /// four a channel for batch normalisation, its statistics included.
    #[test]
    fn parameters_are_those_that_the_model_garden_tests_for() {
        for (name, width, published) in [
            ("mobilenet-multi-max", 1.0, 3_174_560),
            ("mobilenet-multi-max", 0.75, 2_045_816),
            ("mobilenet-multi-avg", 1.0, 3_704_416),
            ("mobilenet-multi-avg", 0.75, 2_349_704),
        ] {
            let definition = find(name).unwrap();
            let options = BuildOptions { width: Some(width), ..definition.options() };
            let layers = definition.size(&options).unwrap().layers;
            let backbone = layers.iter().filter(|layer| layer.name != LayerName::Logits);
            let numbers = backbone.map(|layer| {
                assert!(layer.normalized);
                layer.shape.elements() + 4 * layer.channels()
            });
            assert_eq!(numbers.sum::<usize>(), published, "{name} at {width}");
        }
    }
}
