//! Single-shot detectors: a backbone, a few coarser feature maps, and on each map a predictor of
//! boxes and one of classes (Liu et al., 2016; SSDLite is Sandler et al., 2018, section 6.2).

use super::BuildOptions;
use super::architecture::Architecture;
use super::layers::{Feature, Layers};
use super::weights::{DetectorLayer, LayerName, WeightSource};
use super::{mobiledet, mobilenet_edgetpu, mobilenet_v1, mobilenet_v2, mobilenet_v3};
use crate::detection::{BoxCoder, SsdAnchors, Suppression, SuppressionKind};
use crate::op::ActivationKind;
use crate::{Graph, GraphError};

/// A detector as plain data.
///
/// ```
/// use pocketvision_core::models::{self, BuildOptions, InputSize, SeededWeights};
///
/// let network = models::find("ssdlite-mobilenet-v3-small").unwrap();
/// let mut detector = network.detector(None).expect("a detector");
/// detector.suppression.max_detections = 5;
/// let options = BuildOptions { input_size: InputSize::square(96), ..network.options() };
/// let graph = detector.build("mine", &options, &mut SeededWeights::new(1))?;
/// assert_eq!(graph.ty(graph.outputs()[0]).shape.w, 5);
/// # Ok::<(), pocketvision_core::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Detector {
    /// The network whose feature maps are used. Its pool and what follows are left out.
    pub backbone: Architecture,
    /// Where the finest map is taken; the second is what the backbone ends in.
    pub first_map: Tap,
    /// Channels of the maps that follow, each half the size of the one before.
    pub extra_channels: [usize; 4],
    /// Whether windows are depthwise: SSDLite instead of SSD.
    pub separable: bool,
    /// The boxes that it starts from.
    pub anchors: SsdAnchors,
    /// Which boxes it reports.
    pub suppression: Suppression,
}

/// Where a feature map is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tap {
    /// After the expansion of a block, counted from 1.
    Expansion(usize),
    /// After a block, counted from 1.
    Output(usize),
}

impl Detector {
    /// Builds the detector with the weights of a source. [`BuildOptions::classes`] counts the
    /// background.
    ///
    /// # Errors
    /// If the input is too small or too large, there are several images or no classes, or
    /// weights do not fit.
    pub fn build(
        &self,
        name: &str,
        options: &BuildOptions,
        source: &mut dyn WeightSource,
    ) -> Result<Graph, GraphError> {
        let (mut layers, image) = Layers::new(name, options, source)?;
        let mut first = None;
        let last =
            self.backbone.features(&mut layers, image, |number, block| match self.first_map {
                Tap::Expansion(tap) if tap == number => first = Some(block.expanded),
                Tap::Output(tap) if tap == number => first = Some(block.output),
                _ => {}
            })?;
        let mut maps = vec![first.expect("a block of the backbone"), last];
        for channels in self.extra_channels {
            let map = self.coarser(&mut layers, maps.len(), maps[maps.len() - 1], channels)?;
            maps.push(map);
        }
        let (mut boxes, mut scores) = (Vec::new(), Vec::new());
        for (map, &feature) in maps.iter().enumerate() {
            let cells = self.anchors.per_cell(map);
            let layer = |layer| LayerName::Detector { map, layer };
            let pairs = [
                (layer(DetectorLayer::BoxDepthwise), layer(DetectorLayer::Boxes), 4, &mut boxes),
                (
                    layer(DetectorLayer::ClassDepthwise),
                    layer(DetectorLayer::Classes),
                    options.classes,
                    &mut scores,
                ),
            ];
            for (depthwise, pointwise, numbers, list) in pairs {
                let mut x = feature;
                if self.separable {
                    x = layers.depthwise(depthwise, x, (3, 1), Some(ActivationKind::Relu6))?;
                }
                let x = layers.dense(pointwise, x, cells * numbers, None)?;
                list.push(layers.rows(&format!("{pointwise}/rows"), x, numbers)?);
            }
        }
        let grids: Vec<[usize; 2]> = maps.iter().map(|&map| layers.size(map)).collect();
        let boxes = layers.stacked("boxes", &boxes)?;
        let logits = layers.stacked("logits", &scores)?;
        let scores = layers.sigmoid("scores", logits)?;
        let anchors = self.anchors.generate(&grids, layers.size(image));
        layers.finish_detections((boxes, scores), &anchors, BoxCoder::SSD, self.suppression)
    }

    /// A map of half the size: narrowed to half its channels, then strided.
    fn coarser(
        &self,
        layers: &mut Layers<'_>,
        map: usize,
        x: Feature,
        channels: usize,
    ) -> Result<Feature, GraphError> {
        let name = |layer| LayerName::Detector { map, layer };
        let activation = Some(ActivationKind::Relu6);
        let x = layers.conv(name(DetectorLayer::Narrow), x, channels / 2, (1, 1), 1, activation)?;
        if !self.separable {
            return layers.conv(name(DetectorLayer::Widen), x, channels, (3, 2), 1, activation);
        }
        let x = layers.depthwise(name(DetectorLayer::Depthwise), x, (3, 2), activation)?;
        layers.conv(name(DetectorLayer::Widen), x, channels, (1, 1), 1, activation)
    }
}

/// SSDLite over a backbone, as TensorFlow's object detection API configures it and exports it to
/// TFLite.
fn ssdlite(backbone: Architecture, first_map: Tap) -> Detector {
    Detector {
        backbone,
        first_map,
        extra_channels: [512, 256, 256, 128],
        separable: true,
        anchors: SsdAnchors::TENSORFLOW,
        suppression: Suppression {
            kind: SuppressionKind::Fast { classes_per_detection: 1 },
            score_threshold: 1e-8,
            iou_threshold: 0.6,
            max_detections: 100,
        },
    }
}

/// `ssd_mobilenet_v2_feature_extractor.py`: `layer_15/expansion_output` and `layer_19`.
pub(super) fn ssdlite_v2(width: f64) -> Detector {
    ssdlite(mobilenet_v2::at_width(width), Tap::Expansion(14))
}

/// The same as its TensorFlow.js package runs it: class by class, scores from 0.02.
pub(super) fn ssdlite_v2_each_class(width: f64) -> Detector {
    let mut detector = ssdlite_v2(width);
    detector.suppression.kind = SuppressionKind::Regular { detections_per_class: 100 };
    detector.suppression.score_threshold = 0.02;
    detector
}

/// `ssd_mobilenet_v3_feature_extractor.py`: the expansion of `layer_14` and `layer_17`, channels
/// of the deepest blocks halved.
pub(super) fn ssdlite_v3_large(width: f64) -> Detector {
    ssdlite(mobilenet_v3::large_with_half_end(width), Tap::Expansion(13))
}

/// The same with all channels.
pub(super) fn ssdlite_v3_large_whole(width: f64) -> Detector {
    ssdlite(mobilenet_v3::large(width), Tap::Expansion(13))
}

/// The expansion of `layer_10` and `layer_13`, halved.
pub(super) fn ssdlite_v3_small(width: f64) -> Detector {
    ssdlite(mobilenet_v3::small_with_half_end(width), Tap::Expansion(9))
}

/// `ssd_mobilenet_edgetpu_feature_extractor.py`: the expansion of `layer_18` and `layer_23`; the
/// last convolution is not built.
pub(super) fn ssdlite_edgetpu(width: f64) -> Detector {
    ssdlite(mobilenet_edgetpu::at_width(width).without_head(), Tap::Expansion(17))
}

/// `ssd_mobiledet_feature_extractor.py`: `C4` and `C5`.
pub(super) fn ssdlite_mobiledet_edgetpu(width: f64) -> Detector {
    ssdlite(mobiledet::edgetpu(width), Tap::Output(17))
}

/// `ssd_mobilenet_v1_feature_extractor.py`: `Conv2d_11_pointwise` and `Conv2d_13_pointwise`.
pub(super) fn ssd_v1(width: f64) -> Detector {
    let detector = ssdlite(mobilenet_v1::at_width(width), Tap::Output(11));
    Detector { separable: false, ..detector }
}

/// SSD over MobileNetV2, its predictors pointwise.
pub(super) fn ssd_v2(width: f64) -> Detector {
    Detector { separable: false, ..ssdlite_v2(width) }
}

#[cfg(test)]
mod tests {
    use crate::models::{BuildOptions, Precision, find};
    use crate::{Op, Shape};

    #[test]
    fn ssdlite_has_2034_anchors_and_the_maps_of_its_configuration() {
        for (name, channels) in [
            ("ssdlite-mobilenet-v2", [576, 1280]),
            ("ssdlite-mobilenet-v3-large", [672, 480]),
            ("ssdlite-mobilenet-v3-small", [288, 288]),
            ("ssdlite-mobilenet-edgetpu", [384, 192]),
            ("ssdlite-mobiledet-edgetpu", [96, 384]),
        ] {
            let definition = find(name).unwrap();
            let options = BuildOptions { precision: Precision::F32, ..definition.options() };
            let graph = definition.build(&options).unwrap();
            let end = graph.node(graph.outputs()[0]);
            let Op::DetectionPostprocess(op) = &end.op else { panic!("{end:?}") };
            assert_eq!(graph.param(op.anchors).shape(), Shape::new(1, 1, 2034, 4), "{name}");
            assert_eq!(op.classes, 90);
            assert_eq!(graph.ty(end.inputs[1]).shape, Shape::new(1, 1, 2034, 91), "{name}");
            let size = definition.size(&options).unwrap();
            for (map, channels) in channels.into_iter().enumerate() {
                let wanted = format!("map{map}/class_depthwise");
                let mut layers = size.layers.iter();
                let layer = layers.find(|layer| layer.name.to_string() == wanted).unwrap();
                assert_eq!(layer.channels(), channels, "{name} {wanted}");
            }
        }
    }
}
