//! Every network that has a name, and what is published about it.

use super::{Definition, Published};
use super::{mobilenet_edgetpu, mobilenet_v1, mobilenet_v2, mobilenet_v3};

/// Every network that can be built by name.
pub static ALL: &[Definition] = &[
    named(
        "mobilenet-edgetpu-1.0",
        mobilenet_edgetpu::at_width,
        1.0,
        Published::figures(990.0, 4.0, 75.6, SLIM_V3),
    ),
    named(
        "mobilenet-edgetpu-0.75",
        mobilenet_edgetpu::at_width,
        0.75,
        Published::figures(624.0, 2.9, 73.5, SLIM_V3),
    ),
    named("mobilenet-edgetpu-0.5", mobilenet_edgetpu::at_width, 0.5, NO_CHECKPOINT),
    named("mobilenet-edgetpu-1.25", mobilenet_edgetpu::at_width, 1.25, top1(77.06, EDGETPU_V2)),
    named("mobilenet-edgetpu-1.5", mobilenet_edgetpu::at_width, 1.5, top1(75.9, EDGETPU_V2)),
    named("mobilenet-edgetpu-1.75", mobilenet_edgetpu::at_width, 1.75, top1(78.6, EDGETPU_V2)),
    named(
        "mobilenet-v1-1.0",
        mobilenet_v1::at_width,
        1.0,
        Published::figures(569.0, 4.24, 70.9, SLIM_V1),
    ),
    named(
        "mobilenet-v1-0.75",
        mobilenet_v1::at_width,
        0.75,
        Published::figures(317.0, 2.59, 68.4, SLIM_V1),
    ),
    named(
        "mobilenet-v1-0.5",
        mobilenet_v1::at_width,
        0.5,
        Published::figures(150.0, 1.34, 63.3, SLIM_V1),
    ),
    named(
        "mobilenet-v1-0.25",
        mobilenet_v1::at_width,
        0.25,
        Published::figures(41.0, 0.47, 49.8, SLIM_V1),
    ),
    named(
        "mobilenet-v2-1.4",
        mobilenet_v2::at_width,
        1.4,
        Published::figures(582.0, 6.06, 75.0, SLIM_V3),
    ),
    named(
        "mobilenet-v2-1.3",
        mobilenet_v2::at_width,
        1.3,
        Published::figures(509.0, 5.34, 74.4, SLIM_V3),
    ),
    named(
        "mobilenet-v2-1.0",
        mobilenet_v2::at_width,
        1.0,
        Published::figures(300.0, 3.47, 71.8, SLIM_V3),
    ),
    named(
        "mobilenet-v2-0.75",
        mobilenet_v2::at_width,
        0.75,
        Published::figures(209.0, 2.61, 69.8, SLIM_V3),
    ),
    named(
        "mobilenet-v2-0.5",
        mobilenet_v2::at_width,
        0.5,
        Published::figures(97.0, 1.95, 65.4, SLIM_V3),
    ),
    named(
        "mobilenet-v2-0.35",
        mobilenet_v2::at_width,
        0.35,
        Published::figures(59.0, 1.66, 60.3, SLIM_V3),
    ),
    named(
        "mobilenet-v3-large",
        mobilenet_v3::large,
        1.0,
        Published::figures(217.0, 5.4, 75.2, SLIM_V3),
    ),
    named(
        "mobilenet-v3-large-0.75",
        mobilenet_v3::large,
        0.75,
        Published::figures(155.0, 4.0, 73.3, SLIM_V3),
    ),
    named(
        "mobilenet-v3-small",
        mobilenet_v3::small,
        1.0,
        Published::figures(66.0, 2.9, 67.5, SLIM_V3).but(SMALL_V3),
    ),
    named(
        "mobilenet-v3-small-0.75",
        mobilenet_v3::small,
        0.75,
        Published::figures(44.0, 2.4, 65.4, SLIM_V3),
    ),
    named(
        "mobilenet-v3-large-minimalistic",
        mobilenet_v3::large_minimalistic,
        1.0,
        Published::figures(209.0, 3.9, 72.3, SLIM_V3),
    ),
    named(
        "mobilenet-v3-small-minimalistic",
        mobilenet_v3::small_minimalistic,
        1.0,
        Published::figures(65.0, 2.0, 61.9, SLIM_V3).but(SMALL_MINIMALISTIC),
    ),
];

const fn named(
    name: &'static str,
    family: fn(f64) -> super::Architecture,
    width: f64,
    published: Published,
) -> Definition {
    Definition { name, input_size: 224, width, published, family }
}

const fn top1(percent: f64, source: &'static str) -> Published {
    Published { top1_percent: Some(percent), ..Published::nothing(source) }
}

const NO_CHECKPOINT: Published = Published::nothing("no published checkpoint");
const SLIM_V3: &str = "github.com/tensorflow/models, research/slim/nets/mobilenet/README.md";
const SLIM_V1: &str = "github.com/tensorflow/models, research/slim/nets/mobilenet_v1.md";
const EDGETPU_V2: &str =
    "github.com/tensorflow/models, official/projects/edgetpu/vision/README.md (int8)";
const SMALL_V3: &str = "the published 2.9 M parameters need the paper's head of 1280, the released code has 1024; no reading of either gives 66 M multiply-accumulates";
const SMALL_MINIMALISTIC: &str =
    "no reading of the released code gives 65 M multiply-accumulates; its parameters agree";
