//! Every network that has a name, and what is published about it.

use super::definition::Family;
use super::{Architecture, Definition, Detector, InputSize, Published, Segmenter};
use super::{
    detector, efficientnet, mnasnet, mobilenet_edgetpu, mobilenet_edgetpu_cifar,
    mobilenet_edgetpu_v2, mobilenet_multi,
};
use super::{mobilenet_v1, mobilenet_v2, mobilenet_v3, segmenter};

/// Every network that can be built by name.
#[rustfmt::skip]
pub static ALL: &[Definition] = &[
    named("mobilenet-edgetpu-1.0", 224, mobilenet_edgetpu::at_width, 1.0, figures(990.0, 4.0, 75.6, SLIM_V3)),
    named("mobilenet-edgetpu-0.75", 224, mobilenet_edgetpu::at_width, 0.75, figures(624.0, 2.9, 73.5, SLIM_V3)),
    named("mobilenet-edgetpu-0.5", 224, mobilenet_edgetpu::at_width, 0.5, Published::nothing("no published checkpoint")),
    named("mobilenet-edgetpu-1.25", 224, mobilenet_edgetpu::at_width, 1.25, top1(77.06, GARDEN)),
    named("mobilenet-edgetpu-1.5", 224, mobilenet_edgetpu::at_width, 1.5, top1(75.9, GARDEN)),
    named("mobilenet-edgetpu-1.75", 224, mobilenet_edgetpu::at_width, 1.75, top1(78.6, GARDEN)),
    Definition { classes: 10, ..named("mobilenet-edgetpu-cifar10", 32, mobilenet_edgetpu_cifar::at_width, 1.0, Published::nothing(OUR_OWN)) },
    named("mobilenet-edgetpu-v2-tiny", 224, mobilenet_edgetpu_v2::tiny, 1.0, top1(74.66, GARDEN)),
    named("mobilenet-edgetpu-v2-xs", 224, mobilenet_edgetpu_v2::xs, 1.0, top1(75.79, GARDEN)),
    named("mobilenet-edgetpu-v2-s", 224, mobilenet_edgetpu_v2::s, 1.0, top1(77.36, GARDEN)),
    named("mobilenet-edgetpu-v2-m", 224, mobilenet_edgetpu_v2::m, 1.0, top1(78.43, GARDEN)),
    named("mobilenet-edgetpu-v2-l", 224, mobilenet_edgetpu_v2::l, 1.0, top1(79.0, GARDEN)),
    named("mobilenet-v1-1.0", 224, mobilenet_v1::at_width, 1.0, figures(569.0, 4.24, 70.9, SLIM_V1)),
    named("mobilenet-v1-0.75", 224, mobilenet_v1::at_width, 0.75, figures(317.0, 2.59, 68.4, SLIM_V1).but(V1_NARROW)),
    named("mobilenet-v1-0.5", 224, mobilenet_v1::at_width, 0.5, figures(150.0, 1.34, 63.3, SLIM_V1)),
    named("mobilenet-v1-0.25", 224, mobilenet_v1::at_width, 0.25, figures(41.0, 0.47, 49.8, SLIM_V1)),
    named("mobilenet-v2-1.4", 224, mobilenet_v2::at_width, 1.4, figures(582.0, 6.06, 75.0, SLIM_V3)),
    named("mobilenet-v2-1.3", 224, mobilenet_v2::at_width, 1.3, figures(509.0, 5.34, 74.4, SLIM_V3)),
    named("mobilenet-v2-1.0", 224, mobilenet_v2::at_width, 1.0, figures(300.0, 3.47, 71.8, SLIM_V3)),
    named("mobilenet-v2-0.75", 224, mobilenet_v2::at_width, 0.75, figures(209.0, 2.61, 69.8, SLIM_V3)),
    named("mobilenet-v2-0.5", 224, mobilenet_v2::at_width, 0.5, figures(97.0, 1.95, 65.4, SLIM_V3)),
    named("mobilenet-v2-0.35", 224, mobilenet_v2::at_width, 0.35, figures(59.0, 1.66, 60.3, SLIM_V3)),
    named("mobilenet-v3-large", 224, mobilenet_v3::large, 1.0, figures(217.0, 5.4, 75.2, SLIM_V3)),
    named("mobilenet-v3-large-0.75", 224, mobilenet_v3::large, 0.75, figures(155.0, 4.0, 73.3, SLIM_V3)),
    named("mobilenet-v3-small", 224, mobilenet_v3::small, 1.0, figures(66.0, 2.9, 67.5, SLIM_V3).but(V3_SMALL)),
    named("mobilenet-v3-small-0.75", 224, mobilenet_v3::small, 0.75, figures(44.0, 2.4, 65.4, SLIM_V3).but(V3_SMALL_NARROW)),
    named("mobilenet-v3-large-minimalistic", 224, mobilenet_v3::large_minimalistic, 1.0, figures(209.0, 3.9, 72.3, SLIM_V3)),
    named("mobilenet-v3-small-minimalistic", 224, mobilenet_v3::small_minimalistic, 1.0, figures(65.0, 2.0, 61.9, SLIM_V3).but(V3_SMALL_MINIMALISTIC)),
    named("mobilenet-multi-avg", 224, mobilenet_multi::avg, 1.0, top1(75.21, GARDEN_QAT)),
    named("mobilenet-multi-avg-1.5", 224, mobilenet_multi::avg, 1.5, figures(1000.0, 10.0, 78.2, V4_PAPER).but(MULTI_AVG_WIDE)),
    named("mobilenet-multi-max", 224, mobilenet_multi::max, 1.0, Published::nothing(NO_TOTALS)),
    named("mobilenet-multi-max-1.5", 224, mobilenet_multi::max, 1.5, figures(800.0, 8.9, 77.9, V4_PAPER).but(MULTI_MAX_WIDE)),
    named("efficientnet-lite0", 224, efficientnet::lite0, 1.0, figures(407.0, 4.7, 74.4, LITE).but(LITE_COUNT)),
    named("efficientnet-lite1", 240, efficientnet::lite1, 1.0, figures(631.0, 5.4, 75.9, LITE).but(LITE_COUNT)),
    named("efficientnet-lite2", 260, efficientnet::lite2, 1.1, figures(899.0, 6.1, 77.0, LITE).but(LITE_COUNT)),
    named("efficientnet-lite3", 280, efficientnet::lite3, 1.2, figures(1440.0, 8.2, 79.0, LITE).but(LITE_COUNT)),
    named("efficientnet-lite4", 300, efficientnet::lite4, 1.4, figures(2640.0, 13.0, 80.2, LITE).but(LITE_COUNT)),
    named("efficientnet-edgetpu-s", 224, efficientnet::edgetpu_s, 1.0, Published { macs_millions: Some(2360.0), ..top1(77.23, EDGETPU) }),
    named("efficientnet-edgetpu-m", 240, efficientnet::edgetpu_m, 1.0, Published { macs_millions: Some(3670.0), ..top1(78.69, EDGETPU) }),
    named("efficientnet-edgetpu-l", 300, efficientnet::edgetpu_l, 1.2, Published { macs_millions: Some(9680.0), ..top1(80.62, EDGETPU) }),
    detector("ssdlite-mobilenet-v2", 320, detector::ssdlite_v2, detection(800.0, 4.3, V3_DETECTION).but(V2_CLASSES)),
    detector("ssdlite-mobilenet-v2-300", 300, detector::ssdlite_v2_each_class, Published::nothing(NONE_FOUND)),
    detector("ssdlite-mobilenet-v3-large", 320, detector::ssdlite_v3_large, detection(510.0, 3.22, V3_DETECTION)),
    detector("ssdlite-mobilenet-v3-large-whole", 320, detector::ssdlite_v3_large_whole, detection(620.0, 4.97, V3_DETECTION)),
    detector("ssdlite-mobilenet-v3-small", 320, detector::ssdlite_v3_small, detection(160.0, 1.77, V3_DETECTION)),
    detector("ssdlite-mobilenet-edgetpu", 320, detector::ssdlite_edgetpu, Published::nothing(NONE_FOUND)),
    detector("ssdlite-mobiledet-edgetpu", 320, detector::ssdlite_mobiledet_edgetpu, Published::nothing(NONE_FOUND)),
    detector("ssd-mobilenet-v1", 300, detector::ssd_v1, Published::nothing(NONE_FOUND)),
    detector("ssd-mobilenet-v2", 300, detector::ssd_v2, Published::nothing(NONE_FOUND)),
    segmenter("lraspp-mobilenet-v2", CITYSCAPES, segmenter::lraspp_v2, detection(12570.0, 0.98, V3_SEGMENTATION).but(ELEMENTWISE)),
    segmenter("lraspp-mobilenet-v3-large", CITYSCAPES, segmenter::lraspp_v3_large, detection(9740.0, 1.51, V3_SEGMENTATION).but(ELEMENTWISE)),
    segmenter("lraspp-mobilenet-v3-large-os32", CITYSCAPES, segmenter::lraspp_v3_large_32, detection(7740.0, 1.51, V3_SEGMENTATION).but(ELEMENTWISE)),
    segmenter("lraspp-mobilenet-v3-small", CITYSCAPES, segmenter::lraspp_v3_small, detection(2900.0, 0.47, V3_SEGMENTATION).but(ELEMENTWISE)),
    segmenter("lraspp-mobilenet-v3-small-os32", CITYSCAPES, segmenter::lraspp_v3_small_32, detection(2060.0, 0.47, V3_SEGMENTATION).but(ELEMENTWISE)),
    segmenter("raspp-mobilenet-v2", CITYSCAPES, segmenter::raspp_v2, detection(21290.0, 2.11, V3_SEGMENTATION).but(ELEMENTWISE)),
    segmenter("raspp-mobilenet-v2-half", CITYSCAPES, segmenter::raspp_v2_half, detection(13680.0, 1.15, V3_SEGMENTATION).but(ELEMENTWISE)),
    segmenter("raspp-mobilenet-v3-large", CITYSCAPES, segmenter::raspp_v3_large, detection(18430.0, 3.60, V3_SEGMENTATION).but(ELEMENTWISE)),
    segmenter("raspp-mobilenet-v3-large-half", CITYSCAPES, segmenter::raspp_v3_large_half, detection(11240.0, 1.76, V3_SEGMENTATION).but(ELEMENTWISE)),
    segmenter("raspp-mobilenet-v3-small", CITYSCAPES, segmenter::raspp_v3_small, Published::nothing(NONE_FOUND)),
    segmenter("deeplab-mobilenet-edgetpu", DEEPLAB_SIZE, segmenter::deeplab_edgetpu, macs(7100.0, DEEPLAB)),
    segmenter("deeplab-mobilenet-edgetpu-os32", DEEPLAB_SIZE, segmenter::deeplab_edgetpu_32, macs(5600.0, DEEPLAB)),
    segmenter("deeplab-mobilenet-edgetpu-slim", DEEPLAB_SIZE, segmenter::deeplab_edgetpu_slim, macs(4300.0, DEEPLAB)),
    segmenter("deeplab-mobilenet-edgetpu-slim-os32", DEEPLAB_SIZE, segmenter::deeplab_edgetpu_slim_32, macs(3500.0, DEEPLAB)),
    Definition { classes: VOC_CLASSES, ..segmenter("deeplab-mobilenet-v2", DEEPLAB_SIZE, segmenter::deeplab_v2, Published::nothing(NONE_FOUND)) },
    named("mnasnet-a1", 224, mnasnet::a1, 1.0, figures(315.0, 3.9, 75.2, V3_PAPER)),
];

const fn named(
    name: &'static str,
    side: usize,
    family: fn(f64) -> Architecture,
    width: f64,
    published: Published,
) -> Definition {
    let (input_size, classes) = (InputSize::square(side), IMAGENET_CLASSES);
    Definition { name, input_size, classes, width, published, family: Family::Classifier(family) }
}

const fn detector(
    name: &'static str,
    side: usize,
    family: fn(f64) -> Detector,
    published: Published,
) -> Definition {
    let (input_size, classes, width) = (InputSize::square(side), COCO_CLASSES, 1.0);
    Definition { name, input_size, classes, width, published, family: Family::Detector(family) }
}

const fn segmenter(
    name: &'static str,
    input_size: InputSize,
    family: fn(f64) -> Segmenter,
    published: Published,
) -> Definition {
    let (classes, width) = (CITYSCAPES_CLASSES, 1.0);
    Definition { name, input_size, classes, width, published, family: Family::Segmenter(family) }
}

/// ImageNet's, and a background.
const IMAGENET_CLASSES: usize = 1001;
/// The numbers that COCO gave out, and a background.
const COCO_CLASSES: usize = 91;
const CITYSCAPES_CLASSES: usize = 19;
/// Pascal VOC's, the background among them.
const VOC_CLASSES: usize = 21;

const fn macs(macs: f64, source: &'static str) -> Published {
    Published { macs_millions: Some(macs), ..Published::nothing(source) }
}

/// Photos of Cityscapes with the border that DeepLab gives them.
const CITYSCAPES: InputSize = InputSize { height: 1025, width: 2049 };
const DEEPLAB_SIZE: InputSize = InputSize::square(513);

/// Multiply-accumulates and parameters in millions.
const fn detection(macs: f64, parameters: f64, source: &'static str) -> Published {
    Published {
        macs_millions: Some(macs),
        parameters_millions: Some(parameters),
        ..Published::nothing(source)
    }
}

/// Multiply-accumulates and parameters in millions, and top-1 in percent.
const fn figures(macs: f64, parameters: f64, top1: f64, source: &'static str) -> Published {
    Published {
        macs_millions: Some(macs),
        parameters_millions: Some(parameters),
        ..self::top1(top1, source)
    }
}

const fn top1(percent: f64, source: &'static str) -> Published {
    Published { top1_percent: Some(percent), ..Published::nothing(source) }
}

const OUR_OWN: &str = "our own, trained on CIFAR-10: docs/built-in-network.md";
const SLIM_V1: &str = "github.com/tensorflow/models, research/slim/nets/mobilenet_v1.md";
const SLIM_V3: &str = "github.com/tensorflow/models, research/slim/nets/mobilenet/README.md";
const GARDEN: &str =
    "github.com/tensorflow/models, official/projects/edgetpu/vision/README.md (int8)";
const GARDEN_QAT: &str =
    "github.com/tensorflow/models, official/projects/qat/vision/README.md (float)";
const NO_TOTALS: &str = "none found but the parameters without classifier, which agree \
     (github.com/tensorflow/models, official/vision/modeling/backbones/mobilenet_test.py)";
const V4_PAPER: &str = "arXiv 2404.10518, table 6";
const V2_CLASSES: &str = "the published 4.3 M parameters are those of 80 classes and a background \
     (4.34 M); with the 90 that COCO numbers, as here and in the paper's other rows, it is 4.50 M";
const V3_DETECTION: &str = "arXiv 1905.02244, table 6";
const NONE_FOUND: &str = "none found";
const V3_SEGMENTATION: &str = "arXiv 1905.02244, tables 7 and 8";
const ELEMENTWISE: &str = "the published multiply-accumulates are 0.3 to 5 % above the sum over \
     all convolutions, most where there are gates and hard-swish: they seem to count elementwise \
     products and resizes too";
const DEEPLAB: &str = "github.com/tensorflow/models, research/deeplab/g3doc/model_zoo.md";
const V3_PAPER: &str = "arXiv 1905.02244, table 3";
const LITE: &str = "github.com/tensorflow/tpu, models/official/efficientnet/lite/README.md (int8)";
const EDGETPU: &str = "github.com/tensorflow/tpu, models/official/efficientnet/edgetpu/README.md \
     (float); multiply-accumulates are half the operations of Vitis-AI's model zoo";

const LITE_COUNT: &str = "the published multiply-accumulates are 3 to 6 % above the sum over \
     all convolutions at every size, with equal parameters: they seem to count more than those";
const MULTI_MAX_WIDE: &str = "published as 0.8 G multiply-accumulates, which the computed sum \
     rounds to";
const MULTI_AVG_WIDE: &str = "published as 1.0 G multiply-accumulates, which is 5 % above the sum \
     over all convolutions, with equal parameters";
const V1_NARROW: &str = "the paper (arXiv 1704.04861, table 6) gives 325 M, as computed";
const V3_SMALL: &str = "the published 2.9 M parameters need the paper's last layer of 1280, the \
     released code has 1024; no reading of either gives 66 M multiply-accumulates";
const V3_SMALL_NARROW: &str = "the published 2.4 M parameters need the paper's last layer of \
     1280, the released code has 1024";
const V3_SMALL_MINIMALISTIC: &str =
    "no reading of the released code gives 65 M multiply-accumulates; its parameters agree";
