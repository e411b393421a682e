//! The networks of published figures, as sizes.

use pocketvision_core::models::{self, Precision};
use pocketvision_core::op::Padding::{Same, Valid};

use super::builder::Builder;
use super::classics;
use crate::{Partition, Place, Workload};

/// A network, and where each of its layers runs.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) workload: Workload,
    pub(super) places: Vec<Place>,
}

/// The network that a published row is about, by the name that `published.csv` gives it.
pub(super) fn network(name: &str) -> Option<Network> {
    sizes(name).map(on_the_chip).or_else(|| built_in(name))
}

fn on_the_chip(workload: Workload) -> Network {
    Network { places: vec![Place::Chip; workload.layers().len()], workload }
}

/// A network that is described here, as far as the chip runs it.
fn sizes(name: &str) -> Option<Workload> {
    Some(match name {
        "mobilenet-v1-0.25-128" => mobilenet_v1(128, 0.25, true),
        "mobilenet-v1-0.75-192" => mobilenet_v1(192, 0.75, true),
        "mobilenet-v1-1.0-224" => mobilenet_v1(224, 1.0, true),
        "mobilenet-v1-1.0-224-features" => mobilenet_v1(224, 1.0, false),
        "mobilenet-v2-1.0-224" => mobilenet_v2(224, Head::Classes),
        "mobilenet-v2-1.0-224-features" => mobilenet_v2(224, Head::Pooled),
        "deeplab-v3-mobilenet-v2-513" => mobilenet_v2(513, Head::Aspp),
        "unet-mobilenet-v2-128" => mobilenet_v2(128, Head::UNet),
        "posenet-mobilenet-v1-0.75-353x481" => posenet(353, 481),
        "posenet-mobilenet-v1-0.75-721x1281" => posenet(721, 1281),
        "inception-v1" => classics::inception_v1(),
        "inception-v4" => classics::inception_v4(),
        "inception-resnet-v2" => classics::inception_resnet_v2(),
        "resnet-v1-50-299" => classics::resnet(&[3, 4, 6, 3]),
        "resnet-v2-50-299" => classics::resnet(&[3, 4, 6, 3]),
        "resnet-v2-152-299" => classics::resnet(&[3, 8, 36, 3]),
        "vgg-16" => classics::vgg(&[2, 2, 3, 3, 3]),
        "vgg-19" => classics::vgg(&[2, 2, 4, 4, 4]),
        "squeezenet-1.1" => classics::squeezenet(),
        "densenet-121" => classics::densenet_121(),
        _ => return mnist(name).or_else(|| linear(name)),
    })
}

/// A network that the catalog knows. What the chip cannot run, as the end of a detector, runs on
/// the host; with `-on-chip` after its name, the chip is taken to run it all.
fn built_in(name: &str) -> Option<Network> {
    let (name, all_on_the_chip) = match name.strip_suffix("-on-chip") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let definition = models::find(name)?;
    let options = models::BuildOptions { precision: Precision::Int8, ..definition.options() };
    let graph = definition.build(&options).ok()?;
    let workload = Workload::new(&graph);
    Some(match all_on_the_chip {
        true => on_the_chip(workload),
        false => Network { workload, places: Partition::new(&graph).places },
    })
}

/// `linear-NxK`: one fully connected layer of N outputs.
fn linear(name: &str) -> Option<Workload> {
    let (outputs, inputs) = name.strip_prefix("linear-")?.split_once('x')?;
    let (mut builder, input) = Builder::image(1, 1, inputs.parse().ok()?);
    let output = builder.linear(input, outputs.parse().ok()?);
    Some(builder.finish(&[output]))
}

/// `mnist-B`: tinycoral's network for digits, B images below each other in one call.
fn mnist(name: &str) -> Option<Workload> {
    let images: usize = name.strip_prefix("mnist-")?.parse().ok()?;
    let (mut b, mut x) = Builder::image(28 * images, 28, 1);
    x = b.conv(x, 5, 32, 1, Valid);
    x = b.conv(x, 5, 32, 1, Valid);
    x = b.pool(x, 2, 2, Valid);
    x = b.conv(x, 3, 64, 1, Valid);
    x = b.conv(x, 3, 64, 1, Valid);
    x = b.pool(x, 2, 2, Valid);
    x = match images {
        1 => b.linear(x, 10),
        // Each image's map is one window.
        _ => b.conv(x, 3, 10, 1, Valid),
    };
    Some(b.finish(&[x]))
}

/// Output channels and strides after the stem.
const V1_BLOCKS: [(usize, usize); 13] = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
];

fn mobilenet_v1(size: usize, width: f64, classes: bool) -> Workload {
    let channels = |count: usize| (count as f64 * width) as usize;
    let (mut b, mut x) = Builder::image(size, size, 3);
    x = b.conv(x, 3, channels(32), 2, Same);
    for (count, stride) in V1_BLOCKS {
        x = b.depthwise(x, stride, 1);
        x = b.conv(x, 1, channels(count), 1, Same);
    }
    x = b.global_pool(x);
    if classes {
        x = b.conv(x, 1, 1001, 1, Same);
        x = b.pointwise(x);
    }
    b.finish(&[x])
}

/// MobileNet V1 0.75 at an output stride of 16, whose last layers have 384 channels, and four
/// heads.
fn posenet(height: usize, width: usize) -> Workload {
    let (mut b, mut x) = Builder::image(height, width, 3);
    x = b.conv(x, 3, 24, 2, Same);
    let (mut reached, mut dilation) = (2, 1);
    for (count, stride) in V1_BLOCKS {
        if reached * stride > 16 {
            x = b.depthwise(x, 1, dilation);
            dilation *= stride;
        } else {
            x = b.depthwise(x, stride, dilation);
            reached *= stride;
        }
        x = b.conv(x, 1, (count * 3 / 4).min(384), 1, Same);
    }
    let heads = [17, 34, 32, 32].map(|channels| b.conv(x, 1, channels, 1, Same));
    let displacements = b.concat(&heads[2..]);
    b.finish(&[heads[0], heads[1], displacements])
}

/// Expansion, output channels, repeats and stride of each stage.
const V2_STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

/// What follows the last stage of MobileNet V2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Head {
    Classes,
    Pooled,
    /// DeepLab's, as far as the chip computes it, at an output stride of 16.
    Aspp,
    /// The decoder of TensorFlow's segmentation tutorial.
    UNet,
}

fn mobilenet_v2(size: usize, head: Head) -> Workload {
    let output_stride = if head == Head::Aspp { 16 } else { 32 };
    let (mut b, mut x) = Builder::image(size, size, 3);
    x = b.conv(x, 3, 32, 2, Same);
    let (mut reached, mut dilation) = (2, 1);
    // What U-Net's decoder looks back at: what is about to be made smaller.
    let mut skips = Vec::new();
    for (expansion, channels, repeats, stride) in V2_STAGES {
        for repeat in 0..repeats {
            let input = x;
            let wanted = if repeat == 0 { stride } else { 1 };
            if expansion > 1 {
                x = b.conv(x, 1, b.shape(x).c * expansion, 1, Same);
            }
            if wanted == 2 {
                skips.push(x);
            }
            if reached * wanted > output_stride {
                x = b.depthwise(x, 1, dilation);
                dilation *= wanted;
            } else {
                x = b.depthwise(x, wanted, dilation);
                reached *= wanted;
            }
            x = b.conv(x, 1, channels, 1, Same);
            if b.shape(input) == b.shape(x) {
                x = b.add(input, x);
            }
        }
    }
    match head {
        Head::Aspp => {
            let pooled = b.global_pool(x);
            let image = b.conv(x, 1, 256, 1, Same);
            let pooled = b.conv(pooled, 1, 256, 1, Same);
            return b.finish(&[image, pooled]);
        }
        Head::UNet => {
            for (channels, skip) in [512, 256, 128, 64].into_iter().zip(skips.into_iter().rev()) {
                // A transposed convolution does each of its products once, at the smaller size.
                x = b.conv(x, 3, channels, 1, Same);
                x = b.upsample(x);
                x = b.concat(&[x, skip]);
            }
            x = b.conv(x, 3, 3, 1, Same);
            x = b.upsample(x);
        }
        Head::Classes | Head::Pooled => {
            x = b.conv(x, 1, 1280, 1, Same);
            x = b.global_pool(x);
            if head == Head::Classes {
                x = b.conv(x, 1, 1001, 1, Same);
                x = b.pointwise(x);
            }
        }
    }
    b.finish(&[x])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Millions of multiply-accumulates, from the networks' papers and TensorFlow's tables.
    #[test]
    fn networks_have_the_published_multiply_accumulates() {
        let cases = [
            ("mobilenet-v1-0.25-128", 13.6),
            ("mobilenet-v1-1.0-224", 569.0),
            ("mobilenet-v2-1.0-224", 300.0),
            ("inception-v1", 1430.0),
            ("inception-v4", 12_270.0),
            ("inception-resnet-v2", 13_200.0),
            ("vgg-16", 15_470.0),
            ("vgg-19", 19_630.0),
            ("squeezenet-1.1", 352.0),
            ("densenet-121", 2_870.0),
            ("mnist-1", 13.2),
        ];
        for (name, published) in cases {
            let computed = network(name).unwrap().workload.macs() as f64 / 1e6;
            assert!((computed / published - 1.0).abs() < 0.05, "{name}: {computed}");
        }
    }
}
